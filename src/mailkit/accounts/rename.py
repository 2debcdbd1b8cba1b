"""A domain gets another name: its addresses, the aliases that stand for it, and the domain itself (WildDuck 2.3).

First, in one transaction, everything is looked at and any address that exists under the new name already refuses the
whole. Then the addresses move, `STEP` in a transaction: the first ones at once, the rest by a job. Until that is done
both names find every address (`Addresses.resolve`), and neither domain takes new ones.
"""

from collections.abc import Callable
from typing import Final

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.clock import Clock
from mailkit.credentials.service import Credentials
from mailkit.errors import AlreadyExists, Denied, Invalid, Unavailable
from mailkit.ids import Id
from mailkit.jobs import Later, Step
from mailkit.principals.members import Members
from mailkit.principals.normalise import Mailbox, ascii_domain, check_domain, normal_domain
from mailkit.principals.records import Address, DomainRename, Principal
from mailkit.principals.service import Principals
from mailkit.principals.tables import (
    ADDRESSES,
    ALIASES,
    ALIASES_OF,
    BY_DOMAIN,
    BY_VIEW,
    DOMAIN_COUNT,
    PRINCIPALS,
    RENAMES,
)
from mailkit.storage.api import Store, Tx

__all__ = ["RENAME", "STEP", "DomainNames", "Renamed"]

RENAME: Final = "domain.rename"
STEP = 500
"""Addresses that move in one transaction."""


@frozen
class Renamed:
    """What changes: addresses, people whose main address is one of them, aliases, signing keys. `job` does what is
    left, if any."""

    addresses: int
    users: int
    aliases: int
    keys: int
    job: Id | None


class DomainNames:
    """The use case. `schedule(tx, old, now)` makes the job; `kit.py` passes it in. `move_keys(tx, old, new)` gives the
    signing keys of a domain to another name, and says how many; there are none before something signs."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        members: Members,
        credentials: Credentials,
        *,
        clock: Clock,
        schedule: Callable[[Tx, str, int], Id],
        move_keys: Callable[[Tx, str, str], int] = lambda tx, old, new: 0,
    ) -> None:
        self.store = store
        self._principals = principals
        self._members = members
        self._credentials = credentials
        self._clock = clock
        self._schedule = schedule
        self._move_keys = move_keys

    def rename(self, old: str, new: str, *, tenant: int | None = None, tx: Tx | None = None) -> Renamed:
        """Renames a domain; into one that is there, its addresses are added to that one's.

        AlreadyExists `address.exists` for the first address that both have; Unavailable
        `domain.renaming` while one of them is on its way. With `tenant` both must be that tenant's, and Denied
        `domain.has_members` when there are addresses in it that are not.
        """
        old, new = normal_domain(old), normal_domain(new)
        reason = check_domain(new)
        if reason is not None:
            raise Invalid.field("newDomain", f'"newDomain" {reason}')

        def fn(tx: Tx) -> Renamed:
            return self._begin(old, new, tenant, tx)

        return self.store.transact(fn) if tx is None else fn(tx)

    def _begin(self, old: str, new: str, tenant: int | None, tx: Tx) -> Renamed:
        now = self._clock()
        for name in (old, new):
            if RENAMES.find(tx, ascii_domain(name)) is not None:
                raise Unavailable("domain.renaming", f"The domain {name} is being renamed", domain=name)
        source, target = self._principals.find_domain(old, tx=tx), self._principals.find_domain(new, tx=tx)
        foreign = tenant is not None and (source is None or {source.tenant, (target or source).tenant} != {tenant})
        if foreign:
            return Renamed(0, 0, 0, 0, None)
        aliases = _move_aliases(old, new, tx)
        keys = self._move_keys(tx, old, new)
        self._tell(old, new, now, tx)
        if source is None or old == new:
            return Renamed(0, 0, aliases, keys, None)
        addresses, users = self._look(source, new, tenant, tx)
        if target is None:
            if self._principals.find_name(new, tx=tx) is not None:
                raise AlreadyExists("principal.exists", name=new)
            target = self._principals.update(replace(source, name=new), tx=tx)
        rename = DomainRename(old=old, new=new, source=source.number, target=target.number, at=now)
        if _move_some(rename, None, STEP, tx) is None:
            self._close(rename, tx)
            return Renamed(addresses, users, aliases, keys, None)
        for name in (old, new):
            RENAMES.put(tx, rename, ascii_domain(name))
        return Renamed(addresses, users, aliases, keys, self._schedule(tx, old, now))

    def _look(self, source: Principal, new: str, tenant: int | None, tx: Tx) -> tuple[int, int]:
        """Counts what will move; AlreadyExists for the first that cannot."""
        addresses = users = 0
        owners: dict[int, Principal] = {}
        for _, row in ADDRESSES.through(tx, BY_DOMAIN, source.number):
            moved = _moved(row, new)
            there = ADDRESSES.first(tx, BY_VIEW, moved.view)
            if there is not None and there.id != row.id:
                raise AlreadyExists("address.exists", f"{moved.value} exists already", address=moved.value)
            addresses += 1
            owner = owners.get(row.owner) or owners.setdefault(row.owner, PRINCIPALS.get(tx, row.owner))
            if tenant not in (None, owner.tenant):
                reason = "Not all addresses in it are the tenant's"
                raise Denied("domain.has_members", "The domain cannot be renamed", reason=reason)
            users += owner.kind == "individual" and owner.main == row.id
        return addresses, users

    def _close(self, rename: DomainRename, tx: Tx) -> None:
        for name in (rename.old, rename.new):
            RENAMES.delete(tx, ascii_domain(name))
        if rename.source != rename.target and DOMAIN_COUNT.get(tx, rename.source) == 0:
            self._members.forget(rename.source, tx=tx)
            self._credentials.forget(rename.source, tx=tx)
            self._principals.delete(rename.source, tx=tx)

    @staticmethod
    def _tell(old: str, new: str, now: int, tx: Tx) -> None:
        payload = {"previous": old, "current": new}
        journal.add(tx, journal.Entry(kind="address.domain.renamed", at=now, payload=payload))

    def handler(self, step: Step) -> Later | None:
        """The job: moves what is left, from where an earlier run stopped."""
        after: Id | None = Id(step.progress["after"]) if "after" in step.progress else None
        while True:

            def some(tx: Tx, after: Id | None = after) -> Id | None:
                rename = RENAMES.find(tx, ascii_domain(step.args["old"]))
                if rename is None:
                    step.finish(tx)  # somebody else has finished it
                    return None
                last = _move_some(rename, after, STEP, tx)
                if last is None:
                    self._close(rename, tx)
                    step.finish(tx)
                else:
                    step.save(tx, {"after": last})
                return last

            after = step.transact(some)
            if after is None:
                return None
            if step.stopping:
                return Later(step.now())


def _moved(row: Address, new: str) -> Address:
    mailbox = Mailbox(row.value.rpartition("@")[0], new)
    return replace(row, value=mailbox.normal, view=mailbox.view)


def _move_some(rename: DomainRename, after: Id | None, limit: int, tx: Tx) -> Id | None:
    """Moves up to `limit` addresses beyond `after`; returns the last one's id, None when there are no more."""
    edge = None if after is None else (rename.source, after)
    rows = [row for _, row in ADDRESSES.through(tx, BY_DOMAIN, rename.source, after=edge, limit=limit + 1)]
    for row in rows[:limit]:
        ADDRESSES.replace(tx, row, replace(_moved(row, rename.new), domain=rename.target), row.id)
    if rename.source != rename.target:
        DOMAIN_COUNT.add(tx, -len(rows[:limit]), rename.source)
        DOMAIN_COUNT.add(tx, len(rows[:limit]), rename.target)
    return rows[limit - 1].id if len(rows) > limit else None


def _move_aliases(old: str, new: str, tx: Tx) -> int:
    """Aliases of the old name stand for the new one."""
    rows = [row for _, row in list(ALIASES.through(tx, ALIASES_OF, ascii_domain(old)))]
    for row in rows:
        ALIASES.put(tx, replace(row, domain=new), row.id)
    return len(rows)
