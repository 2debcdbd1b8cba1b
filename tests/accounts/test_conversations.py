"""What clients of both dialects and the server say to each other about accounts, on every store."""

import asyncio
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.verify import verify
from tests.http.dialogue import play

FILES = sorted((Path(__file__).parent / "conversations").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conversation(path: Path, kit: MailKit) -> None:
    asyncio.run(play(path.name, path.read_text(), kit))
    assert [finding for finding in verify(kit) if finding.level == "error"] == []
