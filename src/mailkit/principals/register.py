"""The address register: people that an account had mail with, for typing addresses ahead (WildDuck 3.9)."""

from collections.abc import Iterable

from msgspec import field
from msgspec.structs import replace

from mailkit.ids import Id, new_id
from mailkit.principals.normalise import split_address
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.storage.codec import Codec, Record
from mailkit.storage.tables import Table, Unique

__all__ = ["Acquaintance", "Register"]

FRESH = 3_600_000
"""A row is written again for mail from the same person when it is older than this, in ms."""


class Acquaintance(Record, frozen=True, kw_only=True):
    """Somebody that an account had mail with."""

    id: Id = field(name="i")
    account: int = field(name="o")
    address: str = field(name="a")  # normal form
    updated: int = field(name="u")  # ms
    name: str | None = field(name="n", default=None)


BY_ADDRESS = Unique[Acquaintance](keyspace.REGISTER_ADDRESS, lambda row: [(row.account, row.address)])
ROWS = Table[Acquaintance](keyspace.REGISTER, Codec(Acquaintance), indexes=[BY_ADDRESS])


class Register:
    """The service; it keeps nothing but its store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @writes
    def note(self, account: int, people: Iterable[tuple[str, str]], *, now: int, tx: Tx = OWN) -> None:
        """Notes people by (name, address): one row for each address, with the newest name that is not empty."""
        for name, text in people:
            mailbox = split_address(text)
            if mailbox is None:
                continue
            row = ROWS.first(tx, BY_ADDRESS, account, mailbox.normal)
            if row is None:
                row = Acquaintance(
                    id=new_id(now), account=account, address=mailbox.normal, updated=now, name=name or None
                )
                ROWS.put(tx, row, account, row.id)
            elif now - row.updated >= FRESH or (name and name != row.name):
                ROWS.put(tx, replace(row, updated=now, name=name or row.name), account, row.id)

    @reads
    def find(self, account: int, query: str, *, limit: int, tx: ReadTx = OWN) -> list[Acquaintance]:
        """Whose address (case counts: all are lower-case) or name (it doesn't) begins with `query`; the most recent
        first. Walks the account's register."""
        wanted = query.lower()
        found = [
            row
            for _, row in ROWS.scan(tx, account)
            if row.address.startswith(query) or (row.name or "").lower().startswith(wanted)
        ]
        return sorted(found, key=lambda row: (row.updated, row.id), reverse=True)[:limit]
