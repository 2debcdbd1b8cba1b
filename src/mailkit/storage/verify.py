"""Does what is stored agree with itself? The parts of `mailkit check` that every package shares."""

from collections.abc import Collection, Iterator
from typing import Literal, TypeVar

from attrs import frozen

from mailkit.errors import Corrupt, Unavailable
from mailkit.storage.api import MAX_KEY, Store
from mailkit.storage.keyspace import Space, account_range, accounts_range, number_of, owner_of
from mailkit.storage.tables import Table
from mailkit.storage.walk import walk

__all__ = ["Finding", "error", "notice", "pointed", "rows", "strangers", "table_findings", "undeclared"]

T = TypeVar("T")


@frozen
class Finding:
    """Something worth telling. An `error` contradicts a law; a `notice` is harmless."""

    level: Literal["error", "notice"]
    place: str
    message: str


def error(place: str, message: str) -> Finding:
    """A law is broken."""
    return Finding("error", place, message)


def notice(place: str, message: str) -> Finding:
    """Harmless, but worth knowing."""
    return Finding("notice", place, message)


def rows(store: Store, table: Table[T], *prefix: object) -> Iterator[tuple[bytes, T | Finding]]:
    """Raw keys and rows of a table; a row that cannot be read comes as a finding."""
    for key, data in walk(store, *table.space.range(*prefix)):
        try:
            yield key, table.codec.decode(data)
        except (Corrupt, Unavailable) as problem:
            yield key, error(table.space.name, f"{key.hex()}: {problem.message}")


def table_findings(store: Store, table: Table[T]) -> Iterator[Finding]:
    """Every row can be read and has its index entries; every index entry belongs to a row that claims it."""
    name = table.space.name
    for key, row in rows(store, table):
        if isinstance(row, Finding):
            yield row
            continue
        with store.snapshot() as tx:
            for index in table.indexes:
                for entry, value in index.entries(key, row):
                    if tx.get(entry) != value:
                        yield error(name, f"{key.hex()}: its entry in '{index.space.name}' is missing or not its own")
    for index in table.indexes:
        for entry, primary in walk(store, *index.space.range()):
            data = pointed(store, primary)
            if data is None:
                yield error(index.space.name, f"{entry.hex()} points to a row that is not there")
                continue
            try:
                row = table.codec.decode(data)
            except (Corrupt, Unavailable):
                continue  # told above
            if (entry, primary) not in set(index.entries(primary, row)):
                yield error(index.space.name, f"{entry.hex()} points to a row that does not claim it")


def pointed(store: Store, primary: bytes) -> bytes | None:
    """What an index entry points to; None for nothing, or when what it holds is no key."""
    if not 0 < len(primary) <= MAX_KEY:
        return None
    with store.snapshot() as tx:
        return tx.get(primary)


def undeclared(store: Store) -> Iterator[Finding]:
    """Keys that belong to no declared space."""
    seen: set[bytes] = set()
    for key, _ in walk(store, b"\x00", b"\xff" * 2):
        space: Space | None = owner_of(key)
        mark = key[:1]
        if space is None and mark not in seen:
            seen.add(mark)
            yield error("keyspace", f"{key.hex()} belongs to no declared space")


def strangers(store: Store, accounts: Collection[int]) -> Iterator[Finding]:
    """Rows of accounts that are not there: neither among the principals, nor among the deleted ones that still have
    data. Looks at the first row of each account only."""
    start, stop = accounts_range()
    while True:
        with store.snapshot() as tx:
            found = next(iter(tx.scan(start, stop, limit=1)), None)
        if found is None:
            return
        number = number_of(found[0])
        if number not in accounts:
            kept = owner_of(found[0])
            yield error("account", f"{number} is not there, but has rows: {'?' if kept is None else kept.name}")
        start = account_range(number)[1]
