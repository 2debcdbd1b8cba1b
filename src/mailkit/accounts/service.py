"""Accounts as a whole: created and removed in one transaction."""

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.accounts.by import By, Log
from mailkit.accounts.create import NewAccount, Plan, plan
from mailkit.clock import Clock
from mailkit.credentials.service import Credentials
from mailkit.errors import AlreadyExists, Conflict, NotFound
from mailkit.ids import Id, new_id
from mailkit.mailstore import mailboxes
from mailkit.principals.addresses import Addresses
from mailkit.principals.members import Members
from mailkit.principals.records import Address, Principal
from mailkit.principals.records import Deleted as Buried
from mailkit.principals.service import Principals
from mailkit.quota import INHERIT, Bytes, Quota
from mailkit.storage.api import Store, Tx

__all__ = ["NOBODY_IN_PARTICULAR", "Accounts", "Deleted", "Restored"]


NOBODY_IN_PARTICULAR: Final = By()
"""Who does what nobody is named for: the program itself."""


@frozen
class Deleted:
    """What a deletion did at once, and the job that does the rest."""

    name: str
    addresses: tuple[str, ...]
    job: Id


@frozen
class Restored:
    """What a restoration brought back, and the job that will not run now."""

    principal: Principal
    addresses: tuple[str, ...]
    main: str | None
    job: Id | None


class Accounts:
    """The use case. `log` keeps the login log; `purge(tx, number, due, linger)` schedules the removal of an account's
    data, `cancel(tx, job, now)` calls it off (False: it is too late), `held(tx, number)` says whether a hold keeps the
    data; `kit.py` passes them in."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        members: Members,
        credentials: Credentials,
        *,
        clock: Clock,
        domain: Callable[[], str],
        log: Log,
        purge: Callable[[Tx, int, int, int], Id],
        cancel: Callable[[Tx, Id, int], bool],
        held: Callable[[Tx, int], bool] = lambda tx, number: False,
    ) -> None:
        self.store = store
        self._principals = principals
        self._addresses = addresses
        self._members = members
        self._credentials = credentials
        self._clock = clock
        self._domain = domain
        self._log = log
        self._purge = purge
        self._cancel = cancel
        self._held = held

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

    def prepare(
        self, new: NewAccount, *, may_create_domain: bool = True, by: By = NOBODY_IN_PARTICULAR
    ) -> Callable[[Tx], Principal]:
        """Checks and hashes, about 20 ms; returns what is left to do in a transaction."""
        decided = plan(new, domain=self._domain(), cost=self._credentials.cost)
        return lambda tx: self._create(tx, decided, may_create_domain, by)

    def _create(self, tx: Tx, decided: Plan, may_create_domain: bool, by: By) -> Principal:
        now = self._clock()
        main = None if decided.address is None else new_id(now)  # known beforehand, so that the row is written once
        row = self._principals.create(replace(decided.principal, id=new_id(now), created=now, main=main), tx=tx)
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
                id=main,
                tx=tx,
            )
        if decided.hashed is not None:
            self._credentials.set_password(row.number, decided.hashed, now=now, tx=tx)
        payload = {"user": row.id, "username": row.name, "name": row.display, "address": address and address.value}
        journal.add(tx, journal.Entry(kind="user.created", account=row.number, at=now, payload=payload))
        self._log(row.number, by.event("account created"), now=now, tx=tx)
        for target in row.targets:
            told = {"user": row.id, "type": "user", "target": target}
            journal.add(tx, journal.Entry(kind="forward added", account=row.number, at=now, payload=told))
            self._log(row.number, by.event("user forward added", target=target), now=now, tx=tx)
        return row

    def set_password(
        self, id: Id, password: str | None, *, by: By = NOBODY_IN_PARTICULAR, tx: Tx | None = None
    ) -> None:
        """Sets a permanent password (None: no login with one); ends the account's tokens. NotFound `user.not_found`."""
        hashed = None if password is None else self._credentials.hash(password)

        def fn(tx: Tx) -> None:
            now = self._clock()
            row = self._principals.user(id, tx=tx)
            self._credentials.set_password(row.number, hashed, now=now, tx=tx)
            self._principals.update(replace(row, auth_version=row.auth_version + 1), tx=tx)
            entry = journal.Entry(kind="user.password.changed", account=row.number, at=now, payload={"user": row.id})
            journal.add(tx, entry)
            self._log(row.number, by.event("password change"), now=now, tx=tx)

        self.store.transact(fn) if tx is None else fn(tx)

    def delete(
        self,
        id: Id,
        *,
        due: int | None = None,
        linger: int = 0,
        by: By = NOBODY_IN_PARTICULAR,
        tx: Tx | None = None,
    ) -> Deleted:
        """Removes the principal with its addresses and memberships now, and its data by a job; NotFound
        `user.not_found`.

        With `due` (UTC ms) the job waits until then, and the account can be restored meanwhile. `linger`: the mail is
        kept that many ms longer, out of reach.
        """

        def fn(tx: Tx) -> Deleted:
            now = self._clock()
            row = self._principals.by_id(id, tx=tx)
            if row.kind not in ("individual", "group"):
                raise NotFound("user.not_found", id=str(id))
            gone = self._addresses.remove_all(row.number, tx=tx)
            ties = self._members.forget(row.number, tx=tx)
            values = tuple(address.value for address in gone)
            job = self._purge(tx, row.number, now if due is None else max(due, now), linger)
            buried = Buried(
                principal=row,
                addresses=values,
                at=now,
                rows=tuple(gone),
                containers=ties.containers,
                members=ties.members,
                due=due or 0,
                job=job,
            )
            self._principals.bury(buried, tx=tx)
            payload = {"user": row.id, "addresses": len(gone), "task": job, "due": due}
            journal.add(tx, journal.Entry(kind="user.delete.started", account=row.number, at=now, payload=payload))
            self._log(row.number, by.event("delete user"), now=now, tx=tx)
            return Deleted(row.name, values, job)

        return self.store.transact(fn) if tx is None else fn(tx)

    def restore(self, id: Id, *, by: By = NOBODY_IN_PARTICULAR, tx: Tx | None = None) -> Restored:
        """Brings a deleted account back under its id, with those of its addresses and memberships that are still free.
        Its mail and its passwords are what they were; tokens of before are void.

        NotFound `account.not_found`; Conflict `account.purging` when its data is being removed, or was to be removed at
        once and no hold kept it; AlreadyExists `principal.exists` when its name is somebody else's by now.
        """

        def fn(tx: Tx) -> Restored:
            now = self._clock()
            buried = self._principals.buried(id, tx=tx)
            late = not buried.due or buried.due <= now
            if (late and not self._held(tx, buried.principal.number)) or (
                buried.job is not None and not self._cancel(tx, buried.job, now)
            ):
                raise Conflict("account.purging", "The account is being deleted", id=str(id))
            was = buried.principal
            if self._principals.find_name(was.name, tx=tx) is not None:
                raise AlreadyExists("principal.exists", "The name is taken", name=was.name)
            row = self._principals.restore(replace(was, main=None), tx=tx)
            back = [one for old in buried.rows if (one := self._addresses.restore(old, tx=tx)) is not None]
            main = _main_of(back, was.main)
            if main is not None:
                row = self._principals.update(replace(row, main=main.id), tx=tx)
            for container in buried.containers:
                if self._principals.find(container, tx=tx) is not None:
                    self._members.add(container, row.number, tx=tx)
            for member in buried.members:
                if self._principals.find(member, tx=tx) is not None:
                    self._members.add(row.number, member, tx=tx)
            payload = {"user": row.id, "addresses": len(back), "task": buried.job}
            journal.add(tx, journal.Entry(kind="user.delete.cancelled", account=row.number, at=now, payload=payload))
            self._log(row.number, by.event("restore user"), now=now, tx=tx)
            values = tuple(address.value for address in back)
            return Restored(row, values, main.value if main else None, buried.job)

        return self.store.transact(fn) if tx is None else fn(tx)


def _main_of(back: list[Address], wanted: Id | None) -> Address | None:
    """The old main address, else the first that came back and can be one."""
    able = [address for address in back if "*" not in address.value]
    return next((address for address in able if address.id == wanted), able[0] if able else None)
