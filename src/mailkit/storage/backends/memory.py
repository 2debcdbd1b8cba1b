"""A store in memory, optimistic, so that conflicts are real: for tests, and the shortest example of a backend.

Every key keeps its versions by commit number while a snapshot may still need them. A transaction runs over a snapshot
and commits only if nothing it has read was changed since; otherwise it loses and runs again.
"""

import asyncio
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mailkit.errors import Conflict, Unavailable
from mailkit.storage.api import ReadTx, Tx, check_key
from mailkit.storage.overlay import Overlay

__all__ = ["MemoryStore"]

T = TypeVar("T")
Versions = list[tuple[int, bytes | None]]
_ATTEMPTS = 1000


class _Snapshot:
    """The state after one commit."""

    def __init__(self, store: "MemoryStore", number: int) -> None:
        self._store = store
        self._number = number

    def get(self, key: bytes) -> bytes | None:
        check_key(key)
        return self._store._version(key, self._number)

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        count = 0
        for key in self._store._keys_between(start, stop, reverse):
            value = self._store._version(key, self._number)
            if value is not None and count != limit:
                yield key, value
                count += 1
            if count == limit:
                return

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        entries = self._store._entries.get(space, [])
        first = bisect_right(entries, max(after, self._trimmed(space)), key=lambda entry: entry[0])
        last = bisect_right(entries, self._number, key=lambda entry: entry[1])
        chosen = entries[first : last if limit is None else min(last, first + limit)]
        return ((position, value) for position, _, value in chosen)

    def head(self, space: bytes) -> int:
        entries = self._store._entries.get(space, [])
        last = bisect_right(entries, self._number, key=lambda entry: entry[1])
        return max(entries[last - 1][0] if last else 0, self._trimmed(space))

    def _trimmed(self, space: bytes) -> int:
        trims = self._store._trims.get(space, [])
        return max((through for number, through in trims if number <= self._number), default=0)


class MemoryStore:
    """See the module. All threads of one process share it; a forked child has a copy of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grown = threading.Condition(self._lock)
        self._number = 0
        self._keys: list[bytes] = []
        self._versions: dict[bytes, Versions] = {}
        self._entries: dict[bytes, list[tuple[int, int, bytes]]] = {}  # position, commit number, value
        self._positions = 0
        self._trims: dict[bytes, list[tuple[int, int]]] = {}  # commit number, position
        self._dead: deque[tuple[int, bytes]] = deque()  # commit number, key deleted by it
        self._readers: dict[int, int] = {}
        self._closed = False

    @property
    def reads_block(self) -> bool:
        return False

    def transact(self, fn: Callable[[Tx], T]) -> T:
        for attempt in range(_ATTEMPTS):
            try:
                with self.transaction() as tx:
                    result = fn(tx)
            except Conflict as conflict:
                if conflict.code != "store.conflict":
                    raise
                if attempt > 10:
                    time.sleep(0.0001)
                continue
            return result
        raise Conflict("store.busy", f"The transaction lost {_ATTEMPTS} times in a row")

    async def atransact(self, fn: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.transact, fn)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        with self._reading() as number:
            overlay = Overlay(_Snapshot(self, number))
            yield overlay
            self._commit(overlay, number)

    @contextmanager
    def snapshot(self) -> Iterator[ReadTx]:
        with self._reading() as number:
            yield _Snapshot(self, number)

    def wait(self, space: bytes, after: int, timeout: float) -> bool:
        def grown() -> bool:
            entries = self._entries.get(space)
            return entries is not None and len(entries) > 0 and entries[-1][0] > after

        with self._grown:
            return self._grown.wait_for(grown, timeout)

    def close(self) -> None:
        self._closed = True

    @contextmanager
    def _reading(self) -> Iterator[int]:
        if self._closed:
            raise Unavailable("store.closed", "The store is closed")
        with self._lock:
            number = self._number
            self._readers[number] = self._readers.get(number, 0) + 1
        try:
            yield number
        finally:
            with self._lock:
                self._readers[number] -= 1
                if not self._readers[number]:
                    del self._readers[number]

    def _version(self, key: bytes, number: int) -> bytes | None:
        versions = self._versions.get(key)
        if versions is None:
            return None
        for committed, value in reversed(versions):
            if committed <= number:
                return value
        return None

    def _keys_between(self, start: bytes, stop: bytes, reverse: bool, step: int = 256) -> Iterator[bytes]:
        # in steps under the lock, because commits insert into the list
        while start < stop:
            with self._lock:
                low, high = bisect_left(self._keys, start), bisect_left(self._keys, stop)
                keys = (
                    self._keys[max(low, high - step) : high][::-1]
                    if reverse
                    else self._keys[low : min(low + step, high)]
                )
            if not keys:
                return
            yield from keys
            if reverse:
                stop = keys[-1]
            else:
                start = keys[-1] + b"\x00"

    def _commit(self, overlay: Overlay, seen: int) -> None:
        if not overlay.writes and not overlay.entries and not overlay.trims:
            return  # what was read was one snapshot: nothing to lose
        with self._lock:
            if self._closed:
                raise Unavailable("store.closed", "The store is closed")
            if self._changed_since(overlay, seen):
                raise Conflict("store.conflict")
            number = self._number + 1
            oldest = min(self._readers)
            for key, value in overlay.writes.items():
                self._set(key, value, number, oldest)
            for space, through in overlay.trims.items():
                self._trims.setdefault(space, []).append((number, min(through, self._positions)))
            for space, value in overlay.entries:
                self._positions += 1
                self._entries.setdefault(space, []).append((self._positions, number, value))
            self._number = number
            self._bury(oldest)
            self._grown.notify_all()

    def _changed_since(self, overlay: Overlay, seen: int) -> bool:
        def changed(key: bytes) -> bool:
            versions = self._versions.get(key)
            return versions is not None and versions[-1][0] > seen

        if any(changed(key) for key in overlay.keys_read):
            return True
        for start, stop in overlay.ranges_read:
            low, high = bisect_left(self._keys, start), bisect_left(self._keys, stop)
            if any(changed(self._keys[at]) for at in range(low, high)):
                return True
        return False

    def _set(self, key: bytes, value: bytes | None, number: int, oldest: int) -> None:
        versions = self._versions.get(key)
        if versions is None:
            if value is None:
                return
            self._versions[key] = [(number, value)]
            insort(self._keys, key)
            return
        versions.append((number, value))
        if value is None:
            self._dead.append((number, key))
        # a version is needed while some snapshot is at or past it and before its successor
        while len(versions) > 1 and versions[1][0] <= oldest:
            del versions[0]

    def _bury(self, oldest: int) -> None:
        """Forgets deleted keys and trimmed entries that no snapshot can see any more."""
        while self._dead and self._dead[0][0] <= oldest:
            number, key = self._dead.popleft()
            if self._versions.get(key, [None])[-1] == (number, None):
                del self._versions[key]
                del self._keys[bisect_left(self._keys, key)]
        for space, trims in self._trims.items():
            over = [through for number, through in trims if number <= oldest]
            if over:
                entries = self._entries.get(space, [])
                # a new list: a snapshot may be reading the old one
                kept = entries[bisect_right(entries, max(over), key=lambda entry: entry[0]) :]
                if len(kept) < len(entries):
                    self._entries[space] = kept
                self._trims[space] = [(0, max(over)), *(trim for trim in trims if trim[0] > oldest)]
