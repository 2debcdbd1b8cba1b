"""A transaction as a layer over a snapshot: writes stay in memory, reads are remembered, so that a commit can ask
whether anything it saw has changed since. Used by stores whose commits are optimistic.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Protocol

from mailkit.storage.api import MAX_VALUE, ReadTx, check_key

__all__ = ["Overlay", "Reads"]


class Reads(Protocol):
    """The state below."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]: ...

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]: ...

    def head(self, space: bytes) -> int: ...


class Overlay:
    """A `Tx` over the read-only state `below`.

    After the function ran, `writes` (None = deleted), `entries` and `trims` say what to do; `keys_read` and
    `ranges_read` say what the outcome depended on. A range is remembered as far as it was consumed.
    """

    def __init__(self, below: ReadTx) -> None:
        self._below = below
        self.writes: dict[bytes, bytes | None] = {}
        self._order: list[bytes] = []
        self.entries: list[tuple[bytes, bytes]] = []
        self.trims: dict[bytes, int] = {}
        self.keys_read: set[bytes] = set()
        self.ranges_read: list[tuple[bytes, bytes]] = []

    def get(self, key: bytes) -> bytes | None:
        if key in self.writes:
            return self.writes[key]
        check_key(key)
        self.keys_read.add(key)
        return self._below.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        check_key(key)
        if len(value) > MAX_VALUE:
            raise ValueError(f"a value has at most {MAX_VALUE} bytes, not {len(value)}")
        self._write(key, bytes(value))

    def delete(self, key: bytes) -> None:
        check_key(key)
        self._write(key, None)

    def _write(self, key: bytes, value: bytes | None) -> None:
        if key not in self.writes:
            insort(self._order, key)
        self.writes[key] = value

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        if start >= stop or limit == 0:
            return
        seen = len(self.ranges_read)
        self.ranges_read.append((start, start))
        mine = self._own(start, stop, reverse)
        theirs = ((key, value) for key, value in self._below.scan(start, stop, reverse=reverse))
        count = 0
        for key, value in _merge(theirs, mine, reverse):
            # the part of the range that this scan has depended on so far
            self.ranges_read[seen] = (key, stop) if reverse else (start, key + b"\x00")
            if value is None:
                continue
            yield key, value
            count += 1
            if count == limit:
                return
        self.ranges_read[seen] = (start, stop)

    def _own(self, start: bytes, stop: bytes, reverse: bool) -> Iterator[tuple[bytes, bytes | None]]:
        low, high = bisect_left(self._order, start), bisect_left(self._order, stop)
        keys = self._order[low:high]
        return ((key, self.writes[key]) for key in (reversed(keys) if reverse else keys))

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        return self._below.appended(space, after, limit=limit)

    def head(self, space: bytes) -> int:
        return self._below.head(space)

    def append(self, space: bytes, value: bytes) -> None:
        self.entries.append((space, bytes(value)))

    def trim(self, space: bytes, through: int) -> None:
        self.trims[space] = max(through, self.trims.get(space, 0))


def _merge(
    below: Iterator[tuple[bytes, bytes]], own: Iterator[tuple[bytes, bytes | None]], reverse: bool
) -> Iterator[tuple[bytes, bytes | None]]:
    """Both in order, the overlay's word winning where both have a key."""
    last: bytes | None = None
    ranked_own = ((key, 0, value) for key, value in own)
    ranked_below = ((key, 1, value) for key, value in below)
    merged = heapq.merge(ranked_own, ranked_below, key=lambda item: item[0], reverse=reverse)
    for key, _, value in merged:
        if key != last:
            last = key
            yield key, value
