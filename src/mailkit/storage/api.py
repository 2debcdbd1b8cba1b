"""The narrow waist: what a storage backend has to offer, and nothing else.

A store is a map from byte keys to byte values, ordered by key, with serialisable transactions, plus append-only
spaces for the journal. The law, which `mailkit.testing.contract` checks on every backend:

1. Keys are 1 to 511 bytes and compare as unsigned bytes; values are 0 bytes to 64 MiB. Others raise ValueError.
2. A transaction sees one state of the store and its own writes. Committed transactions have an order in which each
   could have run alone, and it agrees with real time.
3. `transact(fn)` may call `fn` several times; only the last call's effects are kept. `fn` therefore computes and
   touches nothing but its `tx`: no parsing, hashing, DNS or uploads inside, for on some backends every writer waits.
4. `transact` returns after the commit is durable. If it raises, nothing of it happened.
5. Append spaces stand beside this: a transaction appends and trims at its commit, and reading a space conflicts with
   nothing. An entry gets a position higher than all that a reader could have seen before, so a reader that continues
   after the last position it has seen misses nothing, ever. (A fresh entry may be visible a moment late.)
6. A snapshot is for reading now: older than a second, it may be refused (`Unavailable`). Longer walks reopen by key.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar, runtime_checkable

__all__ = [
    "MAX_KEY",
    "MAX_VALUE",
    "BlobStore",
    "Cleans",
    "Copies",
    "Keeps",
    "ReadTx",
    "Store",
    "Tx",
    "Waits",
    "check_key",
    "check_space",
    "check_value",
]

T = TypeVar("T")

MAX_KEY = 511
"""Longest key in bytes (LMDB's limit, held on every backend)."""

MAX_VALUE = 64 << 20
"""Longest value in bytes; larger things are blobs."""


def check_key(key: bytes) -> None:
    """Raises ValueError unless `key` is a legal key."""
    if not 0 < len(key) <= MAX_KEY:
        raise ValueError(f"a key has 1 to {MAX_KEY} bytes, not {len(key)}")


def check_value(value: bytes) -> None:
    """Raises ValueError unless `value` is a legal value."""
    if len(value) > MAX_VALUE:
        raise ValueError(f"a value has at most {MAX_VALUE} bytes, not {len(value)}")


def check_space(space: bytes) -> None:
    """Raises ValueError unless `space` is a legal name of an append space."""
    if not 0 < len(space) <= 32:
        raise ValueError(f"an append space has a name of 1 to 32 bytes, not {len(space)}")


class ReadTx(Protocol):
    """One consistent state of the store."""

    def get(self, key: bytes) -> bytes | None:
        """The value at `key`, or None."""
        ...

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs with start <= key < stop in key order, or from the high end when `reverse`; at most `limit`.

        Pairs come lazily. Of writes made while the iterator is being consumed, it may or may not show those ahead of
        its position; it never fails for them, and never shows a key twice.
        """
        ...

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Committed entries of an append space with a position above `after`, oldest first, with their positions."""
        ...

    def head(self, space: bytes) -> int:
        """A place between what can be read so far, at or below it, and all that comes; perhaps above the last entry."""
        ...


class Tx(ReadTx, Protocol):
    """A transaction that writes."""

    def put(self, key: bytes, value: bytes) -> None:
        """Stores `value` at `key`."""
        ...

    def delete(self, key: bytes) -> None:
        """Removes `key`; no error when it is not there."""
        ...

    def append(self, space: bytes, value: bytes) -> None:
        """Adds an entry to an append space; its position is assigned in commit order."""
        ...

    def trim(self, space: bytes, through: int) -> None:
        """Removes the entries of an append space with a position at or below `through`."""
        ...


class Store(Protocol):
    """Ordered byte keys with serialisable transactions."""

    @property
    def reads_block(self) -> bool:
        """True when a read may wait for a network or a lock, so that it must not run on an event loop."""
        ...

    def transact(self, fn: Callable[[Tx], T]) -> T:
        """Runs `fn(tx)`, commits durably and returns its result; runs it again on conflict.

        Raises Conflict when it kept losing for long, Unavailable when the store cannot write (full disk, lost server),
        and whatever `fn` raises, in which case nothing was written.
        """
        ...

    async def atransact(self, fn: Callable[[Tx], T]) -> T:
        """`transact` for an event loop: never blocks it. A cancelled caller's transaction may still happen."""
        ...

    def transaction(self) -> AbstractContextManager[Tx]:
        """An open transaction, committed at the end of the block; never retried: raises Conflict instead."""
        ...

    def snapshot(self) -> AbstractContextManager[ReadTx]:
        """A consistent view for reading."""
        ...

    def close(self) -> None:
        """Releases everything. Closing twice is harmless; any other use afterwards raises Unavailable."""
        ...


@runtime_checkable
class Waits(Protocol):
    """Optional: a store that can tell, without polling, that an append space has grown."""

    def wait(self, space: bytes, after: int, timeout: float) -> bool:
        """Blocks until the space has an entry above `after` (True), or `timeout` seconds have passed (False)."""
        ...


@runtime_checkable
class Copies(Protocol):
    """Optional: a store that can copy itself, consistently, while it is being written to."""

    def copy_to(self, target: Path) -> None:
        """Writes a complete, openable copy of one state to the folder `target`."""
        ...


@runtime_checkable
class Keeps(Protocol):
    """Optional: figures about what is kept, for operators; keys are the backend's own words, sizes are in bytes."""

    def figures(self) -> dict[str, int]: ...


class BlobStore(Protocol):
    """Immutable bytes by the SHA-256 of their content. Counting references is not its business (`storage.blobs`)."""

    def put(self, digest: bytes, chunks: Iterable[bytes]) -> int:
        """Stores content durably and returns its size; storing what is there already is harmless.

        Raises Corrupt when the chunks don't hash to `digest`; then nothing is kept.
        """
        ...

    def open(self, digest: bytes, start: int = 0) -> BinaryIO:
        """The content from byte `start` on; NotFound when it is not there."""
        ...

    def delete(self, digest: bytes) -> None:
        """Removes the content; no error when it is not there."""
        ...

    def list(self, after: bytes = b"") -> Iterator[bytes]:
        """Every digest kept that is above `after`, ascending."""
        ...


@runtime_checkable
class Cleans(Protocol):
    """Optional: a BlobStore in which a writer that was interrupted leaves something behind."""

    def clean(self, before: int) -> int:
        """Removes what writers began before `before` (UTC milliseconds) and never finished; returns how many."""
        ...
