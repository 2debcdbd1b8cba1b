"""Blocks of text between BEGIN and END lines: PEM (RFC 7468) and OpenPGP's armor (RFC 9580 6.2)."""

import re
from typing import Final

from attrs import field, frozen

__all__ = ["Block", "blocks"]

_BEGIN: Final = re.compile(r"-----BEGIN ([A-Z0-9 ./]{1,80})-----[ \t]*(?=\r?\n)")


@frozen
class Block:
    """One block, its BEGIN and END lines included; `label` is what they name."""

    label: str
    text: str = field(repr=False)


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a text that begins with one, white space aside; none in any other text. Text between blocks is
    passed over, and a block without an end is none."""
    if not text.lstrip().startswith("-----BEGIN "):
        return ()
    found: list[Block] = []
    at = 0
    while (begin := _BEGIN.search(text, at)) is not None:
        end = f"-----END {begin[1]}-----"
        stop = text.find(end, begin.end())
        if stop < 0:
            break
        at = stop + len(end)
        found.append(Block(begin[1], text[begin.start() : at] + "\n"))
    return tuple(found)
