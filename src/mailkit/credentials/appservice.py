"""Application passwords in the store: at most so many of an account, found by their keyed hash."""

from attrs import frozen
from msgspec.structs import replace

from mailkit.credentials.apppasswords import digest, spellings
from mailkit.credentials.records import AppPassword
from mailkit.credentials.tables import ASP_COUNT, ASPS
from mailkit.errors import Denied, NotFound
from mailkit.ids import Id
from mailkit.sealing import Sealing
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["APP_KEY", "MAX_HASHED", "AppPasswords", "Use"]

MAX_HASHED = 10
"""Most application passwords of a principal that its client hashed: each is a verification at every failed login."""

APP_KEY = "app-passwords"
"""The named key that they are found by."""

_STILL = 60_000  # ms between two notes of a last use: a GET is not a write


@frozen
class Use:
    """Where and when an application password was used."""

    time: int
    event: Id | None
    ip: str | None


class AppPasswords:
    """The service."""

    def __init__(self, store: Store, sealing: Sealing) -> None:
        self.store = store
        self._sealing = sealing

    @writes
    def add(
        self, owner: int, row: AppPassword, password: str | None = None, *, limit: int | None = None, tx: Tx = OWN
    ) -> AppPassword:
        """Stores one, with `password` in the clear or already hashed by its client (`row.hash`).

        Denied `asp.too_many` with `allowed` when the account has `limit` of them.
        """
        if limit is not None and ASP_COUNT.get(tx, owner) >= limit:
            raise Denied("asp.too_many", "Maximum application password limit reached", allowed=limit)
        if row.hash is not None and sum(each.hash is not None for _, each in ASPS.scan(tx, owner)) >= MAX_HASHED:
            raise Denied("asp.too_many", "Too many hashed application passwords", allowed=MAX_HASHED)
        if password is not None:
            row = replace(row, lookup=digest(self._sealing.named_key(tx, APP_KEY), owner, password), hash=None)
            assert row.lookup is not None
            tx.put(keyspace.ASP_LOOKUP.key(owner, row.lookup), row.id)
        if row.expires is not None:
            tx.put(keyspace.ASP_END.key(row.expires, owner, row.id), b"")
        ASPS.put(tx, row, owner, row.id)
        ASP_COUNT.add(tx, 1, owner)
        return row

    @reads
    def get(self, owner: int, id: Id, *, now: int, tx: ReadTx = OWN) -> AppPassword:
        """NotFound `asp.not_found`; so is one that has expired."""
        row = ASPS.find(tx, owner, id)
        if row is None or not _alive(row, now):
            raise NotFound("asp.not_found", id=str(id))
        return row

    @reads
    def list(self, owner: int, *, now: int, tx: ReadTx = OWN) -> tuple[AppPassword, ...]:
        """Those of an account that have not expired, oldest first."""
        return tuple(row for _, row in ASPS.scan(tx, owner) if _alive(row, now))

    @writes
    def remove(self, owner: int, id: Id, *, tx: Tx = OWN) -> AppPassword:
        """What it was; NotFound `asp.not_found`."""
        row = ASPS.delete(tx, owner, id)
        if row is None:
            raise NotFound("asp.not_found", id=str(id))
        ASP_COUNT.add(tx, -1, owner)
        if row.lookup is not None:
            tx.delete(keyspace.ASP_LOOKUP.key(owner, row.lookup))
        if row.expires is not None:
            tx.delete(keyspace.ASP_END.key(row.expires, owner, row.id))
        return row

    @reads
    def find(self, owner: int, password: str, *, now: int, tx: ReadTx = OWN) -> AppPassword | None:
        """The one with this password, by one look-up for each way to spell it; fast."""
        key = self._sealing.find_named_key(tx, APP_KEY)
        if key is None:
            return None
        for spelling in spellings(password):
            found = tx.get(keyspace.ASP_LOOKUP.key(owner, digest(key, owner, spelling)))
            if found is not None:
                row = ASPS.get(tx, owner, Id(found))
                return row if _alive(row, now) else None
        return None

    @reads
    def hashed(self, owner: int, *, now: int, tx: ReadTx = OWN) -> tuple[AppPassword, ...]:
        """Those that have to be verified one by one."""
        return tuple(row for row in self.list(owner, now=now, tx=tx) if row.hash is not None)

    @writes
    def used(self, owner: int, id: Id, use: Use, *, password: str, tx: Tx = OWN) -> None:
        """Notes a use, at most once a minute, and keeps one that its client hashed by its keyed hash from now on."""
        row = ASPS.find(tx, owner, id)
        if row is None or (row.hash is None and use.time - row.used < _STILL):
            return
        new = replace(row, used=use.time, event=use.event, ip=use.ip)
        if row.hash is not None:
            lookup = digest(self._sealing.named_key(tx, APP_KEY), owner, password)
            new = replace(new, hash=None, lookup=lookup)
            tx.put(keyspace.ASP_LOOKUP.key(owner, lookup), row.id)
        if row.ttl is not None:
            if row.expires is not None:
                tx.delete(keyspace.ASP_END.key(row.expires, owner, row.id))
            new = replace(new, expires=use.time + row.ttl)
            tx.put(keyspace.ASP_END.key(use.time + row.ttl, owner, row.id), b"")
        ASPS.put(tx, new, owner, row.id)


def _alive(row: AppPassword, now: int) -> bool:
    return row.expires is None or row.expires > now
