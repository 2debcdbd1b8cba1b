"""A transaction as a layer over a snapshot: writes stay in memory, reads are remembered, so that a commit can ask
whether anything it saw has changed since. Used by stores whose commits are optimistic.
"""

import hashlib
from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice

from mailkit.errors import Conflict
from mailkit.storage.api import MAX_KEY, MAX_VALUE, ReadTx, Tx, check_key, check_space, check_value

__all__ = ["Overlay"]


class Overlay:
    """A `Tx` over the read-only state `below`.

    After the function ran, `writes` (None = deleted), `entries` and `trims` say what to do; `keys_read` and
    `ranges_read` say what the outcome depended on. A range is remembered as far as it was consumed. With `remember`,
    so is what was found there (a digest of it, for ranges), and `replay` can do the transaction over again elsewhere.
    """

    def __init__(self, below: ReadTx, *, remember: bool = False) -> None:
        self._below = below
        self._remember = remember
        self.writes: dict[bytes, bytes | None] = {}
        self._order: list[bytes] = []
        self._fresh: list[bytes] = []  # keys of `writes` that are not in `_order` yet: only a scan needs them there
        self.entries: list[tuple[bytes, bytes]] = []
        self.trims: dict[bytes, int] = {}
        self.keys_read: dict[bytes, bytes | None] = {}
        self.ranges_read: list[tuple[bytes, bytes]] = []
        self._found: list[tuple[_Digest | None, bool]] = []

    def get(self, key: bytes) -> bytes | None:
        if key in self.writes:
            return self.writes[key]
        if not 0 < len(key) <= MAX_KEY:
            check_key(key)
        value = self._below.get(key)
        self.keys_read[key] = value if self._remember else None
        return value

    def put(self, key: bytes, value: bytes) -> None:
        # a delivery puts some twenty of them: a check is a call only when it fails
        if not 0 < len(key) <= MAX_KEY:
            check_key(key)
        if len(value) > MAX_VALUE:
            check_value(value)
        if key not in self.writes:
            self._fresh.append(key)
        self.writes[key] = bytes(value)

    def delete(self, key: bytes) -> None:
        check_key(key)
        if key not in self.writes:
            self._fresh.append(key)
        self.writes[key] = None

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        return islice(self._scan(start, stop, reverse, limit), limit)

    def _scan(self, start: bytes, stop: bytes, reverse: bool, limit: int | None) -> Iterator[tuple[bytes, bytes]]:
        if start >= stop:
            return
        found = _Digest() if self._remember else None
        this = len(self.ranges_read)
        self.ranges_read.append((start, start))
        self._found.append((found, reverse))
        for key in self._fresh:
            insort(self._order, key)
        self._fresh.clear()
        own = self._order[bisect_left(self._order, start) : bisect_left(self._order, stop)]
        if not reverse:
            own.reverse()  # the next one is at the end

        def depends_on(key: bytes) -> None:
            self.ranges_read[this] = (key, stop) if reverse else (start, key + b"\x00")

        def mine() -> Iterator[tuple[bytes, bytes]]:
            key = own.pop()
            depends_on(key)
            value = self.writes[key]
            if value is not None:
                yield key, value

        # each own write hides one pair at most
        enough = None if limit is None else limit + len(own)
        for key, value in self._pairs_below(start, stop, reverse, enough):
            while own and (own[-1] > key if reverse else own[-1] < key):
                yield from mine()
            depends_on(key)
            if found is not None:
                found.add(key, value)
            if own and own[-1] == key:
                own.pop()
            current = self.writes.get(key, value)
            if current is not None:
                yield key, current
        while own:
            yield from mine()
        self.ranges_read[this] = (start, stop)

    def _pairs_below(
        self, start: bytes, stop: bytes, reverse: bool, enough: int | None
    ) -> Iterator[tuple[bytes, bytes]]:
        """All pairs, asked for in portions of `enough`: mostly the first one is, and no store looks further then."""
        while True:
            key, count = b"", 0
            for key, value in self._below.scan(start, stop, reverse=reverse, limit=enough):
                yield key, value
                count += 1
            if enough is None or count < enough:
                return
            # not enough after all: the consumer has deleted some of them on its way
            start, stop = (start, key) if reverse else (key + b"\x00", stop)

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        return self._below.appended(space, after, limit=limit)

    def head(self, space: bytes) -> int:
        return self._below.head(space)

    def append(self, space: bytes, value: bytes) -> None:
        check_space(space)
        check_value(value)
        self.entries.append((space, bytes(value)))

    def trim(self, space: bytes, through: int) -> None:
        check_space(space)
        self.trims[space] = max(through, self.trims.get(space, 0))

    def replay(self, tx: Tx) -> None:
        """Does the writes in `tx`, provided that everything read is still the same there; else raises Conflict."""
        for key, value in self.keys_read.items():
            if tx.get(key) != value:
                raise Conflict("store.conflict")
        for (start, stop), (found, reverse) in zip(self.ranges_read, self._found, strict=True):
            now = _Digest()
            for key, value in tx.scan(start, stop, reverse=reverse):
                now.add(key, value)
            if found is None or now.digest() != found.digest():
                raise Conflict("store.conflict")
        for key, new in self.writes.items():
            if new is None:
                tx.delete(key)
            else:
                tx.put(key, new)
        for space, entry in self.entries:
            tx.append(space, entry)
        for space, through in self.trims.items():
            tx.trim(space, through)


class _Digest:
    """Stands for a sequence of pairs in constant memory."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self.digest = self._hash.digest

    def add(self, key: bytes, value: bytes) -> None:
        self._hash.update(b"%d,%d," % (len(key), len(value)) + key)
        self._hash.update(value)
