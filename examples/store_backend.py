"""A small storage backend: a skeleton to copy. `tests/storage/test_example_backend.py` holds it to the law.

The whole state is in memory and never changed: a commit makes the next one and writes what it did to a log, synced.
Whoever began from a state that is not the latest any more has lost and begins again. One process at a time.
"""

import asyncio
import os
import threading
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
from attrs import field, frozen

from mailkit.errors import Conflict, Unavailable
from mailkit.storage.api import ReadTx, Tx, check_key
from mailkit.storage.overlay import Overlay

T = TypeVar("T")


@frozen
class State:
    """What the store holds after some commit. It is a `ReadTx` as it is."""

    rows: dict[bytes, bytes] = field(factory=dict)
    order: list[bytes] = field(factory=list)
    entries: dict[bytes, list[tuple[int, bytes]]] = field(factory=dict)
    position: int = 0

    def get(self, key: bytes) -> bytes | None:
        check_key(key)
        return self.rows.get(key)

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        keys = self.order[bisect_left(self.order, start) : bisect_left(self.order, stop)]
        return islice(((key, self.rows[key]) for key in (reversed(keys) if reverse else keys)), limit)

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        return islice((entry for entry in self.entries.get(space, []) if entry[0] > after), limit)

    def head(self, space: bytes) -> int:
        return self.position


class Commit(msgspec.Struct):
    """One record of the log."""

    writes: dict[bytes, bytes | None]
    entries: list[tuple[bytes, bytes]]
    trims: dict[bytes, int]


def after(state: State, commit: Commit) -> State:
    """The state that a commit makes."""
    rows = {**state.rows, **commit.writes}
    kept = {key: value for key, value in rows.items() if value is not None}
    entries, position = dict(state.entries), state.position
    for space, through in commit.trims.items():
        entries[space] = [entry for entry in entries.get(space, []) if entry[0] > through]
    for space, value in commit.entries:
        position += 1
        entries[space] = [*entries.get(space, []), (position, value)]
    return State(kept, sorted(kept), entries, position)


class LogStore:
    """A store in one file."""

    reads_block = False

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._state: State | None = State()
        whole = 0
        with path.open("a+b") as log:
            log.seek(0)
            # a record is its length, its checksum and its bytes; what a crash left unfinished at the end is cut off
            while (head := log.read(8)) and len(data := log.read(int.from_bytes(head[:4], "big"))):
                if zlib.crc32(data) != int.from_bytes(head[4:], "big"):
                    break
                self._state = after(self._state or State(), msgspec.msgpack.decode(data, type=Commit))
                whole = log.tell()
            log.truncate(whole)
        self._log = path.open("ab", buffering=0)

    def transact(self, fn: Callable[[Tx], T]) -> T:
        while True:
            state = self._latest()
            overlay = Overlay(state)
            result = fn(overlay)
            if self._commit(overlay, state):
                return result

    async def atransact(self, fn: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.transact, fn)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        state = self._latest()
        overlay = Overlay(state)
        yield overlay
        if not self._commit(overlay, state):
            raise Conflict("store.conflict")

    @contextmanager
    def snapshot(self) -> Iterator[ReadTx]:
        yield self._latest()

    def close(self) -> None:
        with self._lock:
            self._state = None
            self._log.close()

    def _latest(self) -> State:
        state = self._state
        if state is None:
            raise Unavailable("store.closed", "The store is closed")
        return state

    def _commit(self, overlay: Overlay, state: State) -> bool:
        commit = Commit(overlay.writes, overlay.entries, overlay.trims)
        if not (commit.writes or commit.entries or commit.trims):
            return True
        data = msgspec.msgpack.encode(commit)
        with self._lock:
            if self._latest() is not state:
                return False
            size = self._log.tell()
            try:
                self._log.write(len(data).to_bytes(4, "big") + zlib.crc32(data).to_bytes(4, "big") + data)
                os.fsync(self._log.fileno())
            except OSError as error:
                self._log.truncate(size)
                raise Unavailable("store.full", f"The log cannot be written: {error}") from error
            self._state = after(state, commit)
        return True


if __name__ == "__main__":
    store = LogStore(Path("example.log"))
    store.transact(lambda tx: tx.put(b"greeting", b"hello"))
    store.close()
    again = LogStore(Path("example.log"))
    with again.snapshot() as tx:
        print(tx.get(b"greeting"))
    again.close()
