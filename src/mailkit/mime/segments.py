"""A message cut into segments whose concatenation is the source: large leaves alone, the rest between them.

A large leaf is the same bytes in every copy of a message, whatever headers were put before it; stored by its content,
it is stored once.
"""

from attrs import frozen

from mailkit.mime.scan import Scan

__all__ = ["LARGE_LEAF", "Segment", "segments"]

#: Bytes from which a leaf's body is a segment of its own.
LARGE_LEAF = 16 * 1024


@frozen
class Segment:
    """`raw[start:end]`; `part` indexes `Scan.parts` if this is exactly the body of a leaf, else -1."""

    start: int
    end: int
    part: int = -1


def segments(scan: Scan, *, large: int = LARGE_LEAF) -> tuple[Segment, ...]:
    """Cut the source of `scan`. No segment is empty; an empty source has none.

    The header of the message never shares a segment with anything else: it is what differs between copies.
    """
    found: list[Segment] = []
    position = 0

    def upto(end: int) -> None:
        nonlocal position
        if end > position:
            found.append(Segment(position, end))
            position = end

    upto(scan.root.body_start)
    for part in scan.leaves:
        if part.body_end - part.body_start >= max(large, 1):
            upto(part.body_start)
            found.append(Segment(part.body_start, part.body_end, part.index))
            position = part.body_end
    upto(len(scan.raw))
    return tuple(found)
