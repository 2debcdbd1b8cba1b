"""`mailkit check` for address registers: each person once in an account, under the address that the row says."""

from collections.abc import Iterable, Iterator

from mailkit.principals.normalise import split_address
from mailkit.principals.register import BY_ADDRESS, ROWS
from mailkit.storage.api import Store
from mailkit.storage.verify import Finding, error, rows
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(store: Store, accounts: Iterable[int]) -> Iterator[Finding]:
    """Looks at the registers of these accounts."""
    for account in accounts:
        yield from _rows(store, account)
        yield from _entries(store, account)


def _rows(store: Store, account: int) -> Iterator[Finding]:
    place = ROWS.space.name
    for key, row in rows(store, ROWS, account):
        if isinstance(row, Finding):
            yield row
            continue
        if (row.account, row.id) != ROWS.space.parts(key):
            yield error(place, f"{key.hex()}: the row says that it is another's")
        mailbox = split_address(row.address)
        if mailbox is None or mailbox.normal != row.address:
            yield error(place, f"{key.hex()}: {row.address!r} is no address in normal form")
        with store.snapshot() as tx:
            for entry, primary in BY_ADDRESS.entries(key, row):
                if tx.get(entry) != primary:
                    yield error(place, f"{key.hex()}: its entry in '{BY_ADDRESS.space.name}' is missing or not its own")


def _entries(store: Store, account: int) -> Iterator[Finding]:
    place = BY_ADDRESS.space.name
    claimed = {
        pair
        for key, row in rows(store, ROWS, account)
        if not isinstance(row, Finding)
        for pair in BY_ADDRESS.entries(key, row)
    }
    for entry, primary in walk(store, *BY_ADDRESS.space.range(account)):
        if (entry, primary) not in claimed:
            yield error(place, f"{entry.hex()} belongs to no row that claims it")
