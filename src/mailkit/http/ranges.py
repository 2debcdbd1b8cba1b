"""Which bytes of an answer are wanted (RFC 9110 14). Pure.

One range is served; several, or a unit other than bytes, are passed over and the whole is sent, as 14.2 allows.
"""

import re

from attrs import frozen

__all__ = ["Unsatisfiable", "Wanted", "wanted_range"]

_RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.ASCII | re.IGNORECASE)


@frozen
class Wanted:
    """Bytes from `start` up to, not including, `stop`, of `size`."""

    start: int
    stop: int
    size: int

    @property
    def content_range(self) -> str:
        """The value of Content-Range (14.4)."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


@frozen
class Unsatisfiable:
    """A range that begins behind the end (15.5.17)."""

    size: int

    @property
    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes */{self.size}"


def wanted_range(header: str, size: int) -> Wanted | Unsatisfiable | None:
    """What a Range header asks of `size` bytes; None: everything."""
    found = _RANGE.fullmatch(header)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:  # the last so many bytes
        start, stop = max(0, size - int(found[2])), size
        return Wanted(start, stop, size) if start < stop else Unsatisfiable(size)
    start = int(found[1])
    stop = min(size, int(found[2]) + 1) if found[2] else size
    if found[2] and int(found[2]) < start:
        return None  # 14.1.1: invalid, so it is not there
    return Wanted(start, stop, size) if start < stop else Unsatisfiable(size)
