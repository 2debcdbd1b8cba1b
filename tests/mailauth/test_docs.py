"""Every code block of docs/mailauth.md runs."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "mailauth.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_block_runs(block: str) -> None:
    exec(compile(block, str(PAGE), "exec"), {})


def test_there_are_blocks() -> None:
    assert BLOCKS
