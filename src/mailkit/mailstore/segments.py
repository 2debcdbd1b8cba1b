"""How a message is cut for storing, so that what messages share is stored once. Pure.

The law: the pieces, in order, are the message. A large leaf (an attachment) is a piece of its own, as its verbatim
encoded bytes, since the same file arrives in other messages too. What lies between is a piece that the recipients of
one delivery share; short ones stay in the row.
"""

from collections.abc import Iterator

from attrs import frozen

from mailkit.mime.scan import Scan

__all__ = ["INLINE_BELOW", "LEAF_FROM", "Piece", "cut"]

LEAF_FROM = 16 * 1024
"""A leaf of this many encoded bytes is a piece of its own."""

INLINE_BELOW = 512
"""A piece shorter than this stays in the row: counting it would cost more than it saves."""


@frozen
class Piece:
    """`raw[start:end]`; `part` is the index of the leaf that it is, -1 for what lies between leaves."""

    start: int
    end: int
    part: int = -1

    @property
    def inline(self) -> bool:
        """True when the bytes belong into the row."""
        return self.end - self.start < INLINE_BELOW


def cut(scan: Scan) -> Iterator[Piece]:
    """The pieces of a message, in order."""
    at = 0
    for leaf in scan.leaves:
        if leaf.body_end - leaf.body_start < LEAF_FROM or leaf.index == 0:
            continue  # a message that is one leaf is one piece, whatever its size
        if leaf.body_start > at:
            yield Piece(at, leaf.body_start)
        yield Piece(leaf.body_start, leaf.body_end, leaf.index)
        at = leaf.body_end
    if at < len(scan.raw) or at == 0:
        yield Piece(at, len(scan.raw))
