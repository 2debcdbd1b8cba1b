"""Principals: create, find, list, change, delete. Every method works in the transaction it is given, or in its own."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from mailkit.errors import AlreadyExists, Invalid, NotFound, OverQuota
from mailkit.ids import Id
from mailkit.principals.normalise import login_view, normal_domain, parse_login
from mailkit.principals.records import KINDS, Deleted, Principal
from mailkit.principals.tables import (
    BY_ID,
    BY_KIND_ID,
    BY_KIND_NAME,
    BY_LOGIN,
    BY_NAME,
    BY_TENANT,
    DELETED,
    DELETED_BY_ID,
    KIND_COUNT,
    NUMBERS,
    PRINCIPALS,
    TENANT_COUNT,
)
from mailkit.principals.tenancy import Full, name_refusal, room_for
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["Principals"]

_NAME_LIMIT = 512  # bytes (Stalwart 3.2)


def check_name(name: str) -> str:
    """A principal's name as it is kept: trimmed and lower-case; Invalid on `name` when it cannot be one."""
    name = name.strip().lower()
    if not name:
        raise Invalid.field("name", '"name" is required', kind="required", code="principal.name_missing")
    if len(name.encode()) > _NAME_LIMIT:
        raise Invalid.field("name", f'"name" must not be longer than {_NAME_LIMIT} bytes', kind="max")
    if not name.isprintable():
        raise Invalid.field("name", '"name" has control characters in it')
    return name


class Principals:
    """The service; it keeps nothing but its store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @writes
    def create(self, row: Principal, *, tx: Tx = OWN) -> Principal:
        """Stores a new principal under a fresh number.

        AlreadyExists `principal.exists` when its name or, for an individual, its login is taken; OverQuota
        `tenant.full` when its tenant may have no more of its kind.
        """
        if row.kind not in KINDS:
            raise Invalid.field("type", f'"type" must be one of {", ".join(KINDS)}')
        row = replace(row, number=NUMBERS.add(tx, 1, "principal"), name=check_name(row.name))
        self._check_tenant_name(row, tx)
        return self._store_new(row, tx)

    @writes
    def restore(self, row: Principal, *, tx: Tx = OWN) -> Principal:
        """Brings a buried principal back under its number and its name, whatever its tenant's domains are called now;
        raises what `create` raises, and NotFound `account.not_found` when its tenant is gone."""
        if row.tenant is not None and PRINCIPALS.find(tx, row.tenant) is None:
            raise NotFound("account.not_found", "The account's tenant does not exist any more", id=str(row.id))
        DELETED.delete(tx, row.number)
        return self._store_new(replace(row, revision=row.revision + 1, auth_version=row.auth_version + 1), tx)

    @reads
    def check_new(self, kind: str, name: str, tenant: int | None, *, tx: ReadTx = OWN) -> None:
        """Raises what `create` would raise for a name: before other things are looked at."""
        name = check_name(name)
        self._check_name_in_tenant(kind, name, tenant, tx)
        taken = BY_NAME.find(tx, name) or (kind == "individual" and BY_LOGIN.find(tx, login_view(name)))
        if taken:
            raise AlreadyExists("principal.exists", f"The name {name} is taken", name=name)

    def _store_new(self, row: Principal, tx: Tx) -> Principal:
        PRINCIPALS.insert(tx, row, row.number)
        KIND_COUNT.add(tx, 1, KINDS[row.kind])
        if row.tenant is not None:
            self._enter(row.tenant, row.kind, tx)
        return row

    def _check_tenant_name(self, row: Principal, tx: ReadTx) -> None:
        if not row.hidden:
            self._check_name_in_tenant(row.kind, row.name, row.tenant, tx)

    def _check_name_in_tenant(self, kind: str, name: str, tenant: int | None, tx: ReadTx) -> None:
        """Asked before whether the name is free, which would tell a tenant's administrator of others' names."""
        if tenant is None or kind in ("domain", "tenant"):
            return
        domain = self.find_domain(name.rpartition("@")[2], tx=tx)
        reason = name_refusal(name, domain_is_own=domain is not None and domain.tenant == tenant)
        if reason is not None:
            raise Invalid.field("name", reason, code="value.invalid", details="Invalid principal name", reason=reason)

    def _enter(self, tenant: int, kind: str, tx: Tx) -> None:
        decision = room_for(
            kind, held=TENANT_COUNT.get(tx, tenant, KINDS[kind]), ceilings=PRINCIPALS.get(tx, tenant).ceilings
        )
        if isinstance(decision, Full):
            raise OverQuota("tenant.full", decision.reason, kind=kind, used=decision.held, allowed=decision.allowed)
        TENANT_COUNT.add(tx, 1, tenant, KINDS[kind])

    @writes
    def update(self, row: Principal, *, tx: Tx = OWN) -> Principal:
        """Stores a changed principal with its revision raised, which ends what is cached of it. Raises what `create`
        raises, of a new name or tenant."""
        row = replace(row, revision=row.revision + 1)
        old = PRINCIPALS.get(tx, row.number)
        if (old.name, old.tenant) != (row.name, row.tenant):
            self._check_tenant_name(row, tx)
        PRINCIPALS.replace(tx, old, row, row.number)
        if old.tenant != row.tenant:
            if row.tenant is not None:
                self._enter(row.tenant, row.kind, tx)
            if old.tenant is not None:
                TENANT_COUNT.add(tx, -1, old.tenant, KINDS[row.kind])
        return row

    @writes
    def delete(self, number: int, *, tx: Tx = OWN) -> Principal:
        """Removes the record; what else belongs to it is the caller's (see `mailkit.accounts`)."""
        row = PRINCIPALS.delete(tx, number)
        if row is None:
            raise NotFound("principal.not_found", number=number)
        KIND_COUNT.add(tx, -1, KINDS[row.kind])
        if row.tenant is not None:
            TENANT_COUNT.add(tx, -1, row.tenant, KINDS[row.kind])
        return row

    @writes
    def bury(self, row: Deleted, *, tx: Tx = OWN) -> None:
        """`delete` for a principal with data: its record is kept aside until `forget`, its names are free at once."""
        self.delete(row.principal.number, tx=tx)
        DELETED.put(tx, row, row.principal.number)

    @writes
    def forget(self, number: int, *, tx: Tx = OWN) -> None:
        """The data of a buried principal is purged: nothing of it is left."""
        DELETED.delete(tx, number)

    @writes
    def close(self, number: int, *, tx: Tx = OWN) -> None:
        """Too late to restore a buried principal: what is kept of it only waits to be purged."""
        DELETED.put(tx, replace(DELETED.get(tx, number), gone=True), number)

    @reads
    def buried(self, id: Id, *, tx: ReadTx = OWN) -> Deleted:
        """A deleted principal that can be restored, by id; NotFound `account.not_found`."""
        row = DELETED.first(tx, DELETED_BY_ID, id)
        if row is None or row.gone:
            raise NotFound("account.not_found", "This account does not exist", id=str(id))
        return row

    @reads
    def list_buried(self, *, limit: int, after: int | None = None, tx: ReadTx = OWN) -> list[Deleted]:
        """Up to `limit` deleted principals whose data is still there, by number, beyond the number `after`. Flat."""
        edge = None if after is None else (after,)
        return [row for _, row in DELETED.scan(tx, after=edge, limit=limit)]

    @reads
    def find_any(self, number: int, *, tx: ReadTx = OWN) -> Principal | None:
        """By number, among the living and the buried."""
        row = PRINCIPALS.find(tx, number)
        if row is None and (buried := DELETED.find(tx, number)) is not None:
            return buried.principal
        return row

    @reads
    def get(self, number: int, *, tx: ReadTx = OWN) -> Principal:
        """By number; NotFound `principal.not_found`."""
        return PRINCIPALS.get(tx, number)

    @reads
    def find(self, number: int, *, tx: ReadTx = OWN) -> Principal | None:
        """By number, or None."""
        return PRINCIPALS.find(tx, number)

    @reads
    def by_id(self, id: Id, *, tx: ReadTx = OWN) -> Principal:
        """By public id; NotFound `principal.not_found`."""
        row = PRINCIPALS.first(tx, BY_ID, id)
        if row is None:
            raise NotFound("principal.not_found", id=str(id))
        return row

    @reads
    def user(self, id: Id, *, tx: ReadTx = OWN) -> Principal:
        """The individual with this id; NotFound `user.not_found` for anything else."""
        row = PRINCIPALS.first(tx, BY_ID, id)
        if row is None or row.kind != "individual":
            raise NotFound("user.not_found", "This user does not exist", id=str(id))
        return row

    @reads
    def find_name(self, name: str, *, tx: ReadTx = OWN) -> Principal | None:
        """By exact name, over all kinds."""
        return PRINCIPALS.first(tx, BY_NAME, name)

    @reads
    def by_name(self, name: str, *, tx: ReadTx = OWN) -> Principal:
        """By exact name; NotFound `principal.not_found`."""
        row = PRINCIPALS.first(tx, BY_NAME, name)
        if row is None:
            raise NotFound("principal.not_found", name=name)
        return row

    @reads
    def find_login(self, login: str, *, tx: ReadTx = OWN) -> Principal | None:
        """The individual with this user name, dots and plus label aside. Addresses are not looked at."""
        return PRINCIPALS.first(tx, BY_LOGIN, parse_login(login))

    @reads
    def login_taken(self, name: str, *, tx: ReadTx = OWN) -> bool:
        """True when an individual has this name, dots aside, or any principal has it exactly."""
        return BY_LOGIN.find(tx, login_view(name)) is not None or BY_NAME.find(tx, name) is not None

    @reads
    def find_domain(self, domain: str, *, tx: ReadTx = OWN) -> Principal | None:
        """The domain principal with this name in any spelling."""
        row = PRINCIPALS.first(tx, BY_NAME, normal_domain(domain))
        return row if row is not None and row.kind == "domain" else None

    @reads
    def list_by_id(
        self, kind: str, *, limit: int, after: Id | None = None, reverse: bool = False, tx: ReadTx = OWN
    ) -> Page[Principal]:
        """A page of a kind in order of creation, of those beyond `after`; with `reverse`, those before it. Flat."""
        code = KINDS[kind]
        edge = None if after is None else (code, after)
        found = PRINCIPALS.through(tx, BY_KIND_ID, code, after=edge, reverse=reverse, limit=limit + 1)
        rows = [row for _, row in found]
        more = len(rows) > limit
        rows = rows[:limit]
        before, beyond = (more, edge is not None) if reverse else (edge is not None, more)
        return Page(tuple(reversed(rows) if reverse else rows), KIND_COUNT.get(tx, code), before, beyond)

    @reads
    def list_by_name(
        self, kinds: Iterable[str], *, limit: int, after: str | None = None, tx: ReadTx = OWN
    ) -> list[Principal]:
        """Up to `limit` principals of some kinds, by name over all of them, of those beyond the name `after`. Flat."""
        walks = [self._named(tx, KINDS[kind], after, limit) for kind in kinds]
        return list(islice(heapq.merge(*walks, key=lambda row: keyspace.PRINCIPAL_NAME.key(row.name)), limit))

    @staticmethod
    def _named(tx: ReadTx, code: int, after: str | None, limit: int) -> Iterator[Principal]:
        edge = None if after is None else (code, after)
        return (row for _, row in PRINCIPALS.through(tx, BY_KIND_NAME, code, after=edge, limit=limit))

    def of_tenant(self, tenant: int, kinds: Iterable[str] = KINDS, *, tx: ReadTx) -> Iterator[Principal]:
        """A tenant's principals of some kinds, by kind and name; lazily, in the caller's snapshot."""
        return (row for kind in kinds for _, row in PRINCIPALS.through(tx, BY_TENANT, tenant, KINDS[kind]))

    @reads
    def tenant_count(self, tenant: int, kind: str, *, tx: ReadTx = OWN) -> int:
        """How many principals of a kind a tenant has. Flat."""
        return TENANT_COUNT.get(tx, tenant, KINDS[kind])

    @reads
    def count(self, kind: str, *, tx: ReadTx = OWN) -> int:
        """How many principals of a kind there are. Flat."""
        return KIND_COUNT.get(tx, KINDS[kind])
