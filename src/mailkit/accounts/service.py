"""Accounts as a whole: created and removed in one transaction."""

from collections.abc import Callable
from typing import Any

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.accounts.create import NewAccount, Plan, plan
from mailkit.clock import Clock
from mailkit.credentials.service import Credentials
from mailkit.errors import NotFound
from mailkit.ids import Id, new_id
from mailkit.mailstore import mailboxes
from mailkit.principals.addresses import Addresses
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.quota import INHERIT, Bytes, Quota
from mailkit.storage.api import Store, Tx

__all__ = ["Accounts", "Deleted"]


@frozen
class Deleted:
    """What a deletion did at once, and the job that does the rest."""

    name: str
    addresses: tuple[str, ...]
    job: Id


class Accounts:
    """The use case. `purge(tx, number, now)` schedules the removal of an account's data; `kit.py` passes it in."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        credentials: Credentials,
        *,
        clock: Clock,
        domain: Callable[[], str],
        purge: Callable[[Tx, int, int], Id],
    ) -> None:
        self.store = store
        self._principals = principals
        self._addresses = addresses
        self._credentials = credentials
        self._clock = clock
        self._domain = domain
        self._purge = purge

    def create(
        self,
        name: str,
        *,
        address: str | None = None,
        password: str | None = None,
        quota: Quota | int = INHERIT,
        tx: Tx | None = None,
        **rest: Any,
    ) -> Principal:
        """An account with its folders, main address and password, ready for mail; returns the principal.

        `quota` may be a number of bytes; for `rest` see `NewAccount`. A missing domain comes into being. Raises
        AlreadyExists (`principal.exists`, `address.exists`) and Invalid, and then nothing was made.
        """
        chosen = Bytes(quota) if isinstance(quota, int) else quota
        fn = self.prepare(NewAccount(name, address=address, password=password, quota=chosen, **rest))
        return self.store.transact(fn) if tx is None else fn(tx)

    def prepare(self, new: NewAccount, *, may_create_domain: bool = True) -> Callable[[Tx], Principal]:
        """Checks and hashes, about 20 ms; returns what is left to do in a transaction."""
        decided = plan(new, domain=self._domain(), cost=self._credentials.cost)
        return lambda tx: self._create(tx, decided, may_create_domain)

    def _create(self, tx: Tx, decided: Plan, may_create_domain: bool) -> Principal:
        now = self._clock()
        row = self._principals.create(replace(decided.principal, id=new_id(now), created=now), tx=tx)
        mailboxes.create(row.number, decided.folders, now=now, tx=tx)
        address = None
        if decided.address is not None:
            address = self._addresses.add(
                decided.address,
                row,
                now=now,
                may_create_domain=may_create_domain,
                name=row.display,
                tags=decided.address_tags,
                tx=tx,
            )
        if decided.hashed is not None:
            self._credentials.set_password(row.number, decided.hashed, now=now, tx=tx)
        payload = {"user": row.id, "username": row.name, "name": row.display, "address": address and address.value}
        journal.add(tx, journal.Entry(kind="user.created", account=row.number, at=now, payload=payload))
        return self._principals.get(row.number, tx=tx)

    def set_password(self, id: Id, password: str | None, *, tx: Tx | None = None) -> None:
        """Sets a permanent password (None: no login with one); ends the account's tokens. NotFound `user.not_found`."""
        hashed = None if password is None else self._credentials.hash(password)

        def fn(tx: Tx) -> None:
            now = self._clock()
            row = self._principals.user(id, tx=tx)
            self._credentials.set_password(row.number, hashed, now=now, tx=tx)
            self._principals.update(replace(row, auth_version=row.auth_version + 1), tx=tx)
            entry = journal.Entry(kind="user.password.changed", account=row.number, at=now, payload={"user": row.id})
            journal.add(tx, entry)

        self.store.transact(fn) if tx is None else fn(tx)

    def delete(self, id: Id, *, tx: Tx | None = None) -> Deleted:
        """Removes the principal, its addresses and secrets now, and its mail by a job; NotFound `user.not_found`."""

        def fn(tx: Tx) -> Deleted:
            now = self._clock()
            row = self._principals.by_id(id, tx=tx)
            if row.kind not in ("individual", "group"):
                raise NotFound("user.not_found", id=str(id))
            gone = self._addresses.remove_all(row.number, tx=tx)
            self._credentials.forget(row.number, tx=tx)
            values = tuple(address.value for address in gone)
            self._principals.bury(row.number, values, now=now, tx=tx)
            job = self._purge(tx, row.number, now)
            payload = {"user": row.id, "addresses": len(gone), "task": job}
            journal.add(tx, journal.Entry(kind="user.delete.started", account=row.number, at=now, payload=payload))
            return Deleted(row.name, values, job)

        return self.store.transact(fn) if tx is None else fn(tx)
