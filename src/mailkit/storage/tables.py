"""What domain code stores through: typed tables with indexes that cannot drift from their rows, and counters.

A `Table` writes a row and all its index entries in one call, in the caller's transaction, from the old and the new
row; so an index disagrees with its table only if somebody went around it (`mailkit check` looks).
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from mailkit.errors import AlreadyExists, Corrupt, NotFound
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.codec import Codec
from mailkit.storage.keyspace import Space

__all__ = ["Counter", "Index", "Table", "Unique"]

T = TypeVar("T")
Parts = tuple[Any, ...]


class Unique(Generic[T]):
    """A unique index: at most one row for each key. The entry's value is the row's primary key.

    `keys(row)` gives the key parts of each entry that the row has (none, one or several). The first parts of the
    space must be those that scope it (the account's number, in an account's table). Two rows that claim one key:
    AlreadyExists with `code` and whatever `fields(row)` adds.
    """

    def __init__(
        self,
        space: Space,
        keys: Callable[[T], Iterable[Parts]],
        *,
        code: str = "exists",
        fields: Callable[[T], dict[str, Any]] = lambda _: {},
    ) -> None:
        self.space = space
        self.keys = keys
        self.code = code
        self.fields = fields

    def find(self, tx: ReadTx, *parts: Any) -> bytes | None:
        """The raw primary key behind `parts`."""
        return tx.get(self.space.key(*parts))

    def scan(
        self, tx: ReadTx, *prefix: Any, after: Parts | None = None, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Parts, bytes]]:
        """As `Index.scan`. A long text comes back shortened."""
        for key, primary in _range_scan(tx, self.space, prefix, after, reverse, limit):
            yield self.space.parts(key), primary

    def entries(self, primary: bytes, row: T) -> Iterator[tuple[bytes, bytes]]:
        """What the index must hold for `row`; for `mailkit check` and rebuilds."""
        return ((key, primary) for key in _packed(self, self.keys(row)))


class Index(Generic[T]):
    """A multi index: rows in the order of `keys(row)`, ties in order of the primary key.

    The space's shape ends with the parts of the primary key, which `primary(row)` repeats.
    """

    def __init__(self, space: Space, keys: Callable[[T], Iterable[Parts]]) -> None:
        self.space = space
        self.keys = keys

    def entries(self, primary: bytes, row: T) -> Iterator[tuple[bytes, bytes]]:
        """What the index must hold for `row`."""
        return ((key, primary) for key in _packed(self, self.keys(row)))

    def scan(
        self, tx: ReadTx, *prefix: Any, after: Parts | None = None, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Parts, bytes]]:
        """Key parts and primary key of each entry under `prefix`, beyond `after` in the chosen direction."""
        for key, primary in _range_scan(tx, self.space, prefix, after, reverse, limit):
            yield self.space.parts(key), primary


def _packed(index: "Unique[T] | Index[T]", keys: Iterable[Parts]) -> set[bytes]:
    return {index.space.key(*parts) for parts in keys}


def _refuse_taken(tx: ReadTx, index: Unique[T], gained: Iterable[bytes], row: T) -> None:
    """Before anything is written: the caller may catch the refusal and go on with the transaction."""
    for key in gained:
        if tx.get(key) is not None:
            fields = index.fields(row)
            said = ", ".join(f"The {name} {value} is taken" for name, value in fields.items())
            raise AlreadyExists(index.code, said or None, **fields)


def _range_scan(
    tx: ReadTx, space: Space, prefix: Parts, after: Parts | None, reverse: bool, limit: int | None
) -> Iterator[tuple[bytes, bytes]]:
    start, stop = space.range(*prefix)
    if after is not None:
        edge_start, edge_stop = space.range(*after)
        start, stop = (start, edge_start) if reverse else (edge_stop, stop)
    return tx.scan(start, stop, reverse=reverse, limit=limit)


class Table(Generic[T]):
    """Rows of one record class by primary key."""

    def __init__(
        self,
        space: Space,
        codec: Codec[T],
        *,
        indexes: Sequence[Unique[T] | Index[T]] = (),
        missing: str = "not_found",
    ) -> None:
        self.space = space
        self.codec = codec
        self.indexes = tuple(indexes)
        self.missing = missing

    def find(self, tx: ReadTx, *key: Any) -> T | None:
        """The row at `key`, or None."""
        data = tx.get(self.space.key(*key))
        return None if data is None else self.codec.decode(data)

    def get(self, tx: ReadTx, *key: Any) -> T:
        """The row at `key`; NotFound with this table's code when there is none."""
        row = self.find(tx, *key)
        if row is None:
            raise NotFound(self.missing)
        return row

    def measured(self, tx: ReadTx, *key: Any) -> tuple[T, int]:
        """The row at `key`, and the bytes it is kept in; NotFound as `get`."""
        data = tx.get(self.space.key(*key))
        if data is None:
            raise NotFound(self.missing)
        return self.codec.decode(data), len(data)

    def exists(self, tx: ReadTx, *key: Any) -> bool:
        """True when there is a row at `key`; cheaper than decoding it."""
        return tx.get(self.space.key(*key)) is not None

    def put(self, tx: Tx, row: T, *key: Any) -> None:
        """Stores a row and brings its index entries up to date. AlreadyExists when a unique index refuses it."""
        primary = self.space.key(*key)
        if self.indexes:
            data = tx.get(primary)
            self._move(tx, primary, None if data is None else self.codec.decode(data), row)
        tx.put(primary, self.codec.encode(row))

    def insert(self, tx: Tx, row: T, *key: Any) -> None:
        """`put` under a key that was made for this row and holds none yet: saves looking for one."""
        primary = self.space.key(*key)
        entries: list[bytes] = []
        for index in self.indexes:
            keys = [index.space.key(*parts) for parts in index.keys(row)]
            if isinstance(index, Unique):
                _refuse_taken(tx, index, keys, row)
            entries += keys
        for entry in entries:
            tx.put(entry, primary)
        tx.put(primary, self.codec.encode(row))

    def replace(self, tx: Tx, old: T, new: T, *key: Any) -> None:
        """`put` for a caller that has just read `old` in this transaction: saves reading it again."""
        primary = self.space.key(*key)
        self._move(tx, primary, old, new)
        tx.put(primary, self.codec.encode(new))

    def delete(self, tx: Tx, *key: Any) -> T | None:
        """Removes a row with its index entries, and returns what it was."""
        primary = self.space.key(*key)
        data = tx.get(primary)
        if data is None:
            return None
        old = self.codec.decode(data)
        self._move(tx, primary, old, None)
        tx.delete(primary)
        return old

    def _move(self, tx: Tx, primary: bytes, old: T | None, new: T | None) -> None:
        """Moves the index entries of a row from what `old` had to what `new` has: all of them, or none."""
        lost: list[bytes] = []
        gained: list[bytes] = []
        for index in self.indexes:
            had = [] if old is None else list(index.keys(old))
            has = [] if new is None else list(index.keys(new))
            if had == has:
                continue  # as with most changes of most rows
            before, after = _packed(index, had), _packed(index, has)
            if isinstance(index, Unique) and new is not None:
                _refuse_taken(tx, index, sorted(after - before), new)
            lost += before - after
            gained += after - before
        for key in lost:
            tx.delete(key)
        for key in gained:
            tx.put(key, primary)

    def at(self, tx: ReadTx, primary: bytes) -> T:
        """The row behind an index entry; Corrupt when the index points nowhere."""
        data = tx.get(primary)
        if data is None:
            raise Corrupt("index.dangling", f"An index of {self.space.name} points to a row that is not there")
        return self.codec.decode(data)

    def scan(
        self, tx: ReadTx, *prefix: Any, after: Parts | None = None, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Parts, T]]:
        """Key parts and rows under `prefix`, beyond `after` in the chosen direction."""
        for key, data in _range_scan(tx, self.space, prefix, after, reverse, limit):
            yield self.space.parts(key), self.codec.decode(data)

    def through(self, tx: ReadTx, index: Index[T] | Unique[T], *prefix: Any, **how: Any) -> Iterator[tuple[Parts, T]]:
        """Index key parts and rows in the order of `index`; takes what `Index.scan` takes."""
        for parts, primary in index.scan(tx, *prefix, **how):
            yield parts, self.at(tx, primary)

    def first(self, tx: ReadTx, unique: Unique[T], *parts: Any) -> T | None:
        """The row that a unique index has at `parts`, or None."""
        primary = unique.find(tx, *parts)
        return None if primary is None else self.at(tx, primary)


class Counter:
    """Whole numbers that are changed in the transaction they count for."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def get(self, tx: ReadTx, *key: Any) -> int:
        """The count; 0 where nothing was counted."""
        data = tx.get(self.space.key(*key))
        return 0 if data is None else int.from_bytes(data, "big")

    def add(self, tx: Tx, amount: int, *key: Any) -> int:
        """Adds (or takes away) and returns the new count; Corrupt when it would fall below zero."""
        packed = self.space.key(*key)
        data = tx.get(packed)
        count = amount if data is None else int.from_bytes(data, "big") + amount
        if count < 0:
            raise Corrupt("counter.negative", f"{self.space.name} would fall below zero")
        self._store(tx, count, packed)
        return count

    def set(self, tx: Tx, count: int, *key: Any) -> None:
        """Stores a count; zero takes no room."""
        self._store(tx, count, self.space.key(*key))

    def _store(self, tx: Tx, count: int, packed: bytes) -> None:
        if count:
            tx.put(packed, count.to_bytes(8, "big"))
        else:
            tx.delete(packed)


def pages(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """Rows in lists of up to `size`; for work that commits in steps."""
    while page := list(itertools.islice(rows, size)):
        yield page
