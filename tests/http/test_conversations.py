"""What clients and server say to each other, as text files, on every store."""

import asyncio
from pathlib import Path

import pytest

from mailkit import MailKit
from tests.http.dialogue import play

FILES = sorted((Path(__file__).parent / "conversations").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conversation(path: Path, kit: MailKit) -> None:
    asyncio.run(play(path.name, path.read_text(), kit))


def test_there_are_conversations() -> None:
    assert len(FILES) >= 8
