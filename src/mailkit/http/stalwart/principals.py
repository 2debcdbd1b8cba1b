"""Principals: shown and listed (S3)."""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from mailkit.accounts.bulk import matches
from mailkit.errors import NotFound
from mailkit.http.answers import Content
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read
from mailkit.http.stalwart import fields as take
from mailkit.http.stalwart.types import CREATABLE, LISTED, PERMISSION_PREFIXES
from mailkit.http.wire import encoder
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, require
from mailkit.principals.records import KINDS, Principal
from mailkit.principals.targets import kind_of
from mailkit.principals.tenancy import quota_array
from mailkit.quota import UNLIMITED, decode, effective
from mailkit.storage.api import ReadTx

__all__ = ["details_of", "get_principal", "list_principals"]

# ---------------------------------------------------------------- the shape of a principal


@answer
class PrincipalDetails:
    """A principal. What it doesn't have is left out; `emails` and `secrets` are always there."""

    id: int
    type: str
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    secrets: tuple[str, ...] | UnsetType = UNSET
    emails: tuple[str, ...] | UnsetType = UNSET
    quota: int | tuple[int, ...] | UnsetType = UNSET
    usedQuota: int | UnsetType = UNSET
    memberOf: tuple[str, ...] | UnsetType = UNSET
    members: int | tuple[str, ...] | UnsetType = UNSET
    roles: tuple[str, ...] | UnsetType = UNSET
    lists: tuple[str, ...] | UnsetType = UNSET
    tenant: str | UnsetType = UNSET
    enabledPermissions: tuple[str, ...] | UnsetType = UNSET
    disabledPermissions: tuple[str, ...] | UnsetType = UNSET
    picture: str | UnsetType = UNSET
    urls: tuple[str, ...] | UnsetType = UNSET
    externalMembers: tuple[str, ...] | UnsetType = UNSET


def details_of(
    kit: MailKit, row: Principal, tx: ReadTx, only: frozenset[str] = frozenset(), *, inside: int | None = None
) -> PrincipalDetails:
    """A principal as clients see it; with `only`, of these fields. Of secrets, names only; of what it belongs to and
    what belongs to it, what somebody `inside` a tenant sees."""
    shown: dict[str, Any] = {"name": row.name}

    def wanted(name: str) -> bool:
        return not only or name in only

    if row.display:
        shown["description"] = row.display
    if wanted("secrets"):
        shown["secrets"] = kit.secrets.shown(row.number, tx=tx)
    if wanted("emails"):
        owned = row.kind not in ("domain", "tenant", "role", "apiKey")
        shown["emails"] = row.contacts or tuple(a.value for a in kit.addresses.listed(row, tx=tx) if owned)
    if wanted("quota") or wanted("usedQuota"):
        shown |= _quota(kit, row, tx)
    if wanted("members"):
        shown |= _members(kit, row, tx, inside)
    if any(map(wanted, ("memberOf", "lists", "roles"))):
        held = kit.members.by_field(row.number, tx=tx)
        ties = {name: tuple(r.name for r in rows if inside in (None, r.tenant)) for name, rows in held.items()}
        ties["roles"] = (*row.roles, *ties["roles"])
        shown |= {name: names for name, names in ties.items() if names}
    listed = {"enabledPermissions": row.enabled, "disabledPermissions": row.disabled, "urls": row.urls}
    listed["externalMembers"] = tuple(t for t in row.targets if row.kind == "list" and kind_of(t) == "mail")
    shown |= {name: values for name, values in listed.items() if values}
    if row.picture:
        shown["picture"] = row.picture
    if row.tenant is not None and (tenant := kit.principals.find(row.tenant, tx=tx)) is not None:
        shown["tenant"] = tenant.name
    if only:
        shown = {name: value for name, value in shown.items() if name in only}
    return PrincipalDetails(id=row.number, type=row.kind, **shown)


def _quota(kit: MailKit, row: Principal, tx: ReadTx) -> dict[str, Any]:
    if row.kind not in ("individual", "group", "tenant"):
        return {}
    used = kit.quota.used(tx, row.number)
    shown: dict[str, Any] = {"usedQuota": used} if used > 0 else {}
    if row.kind == "tenant":
        storage = effective(decode(row.quota), UNLIMITED) or 0
        if row.ceilings:
            shown["quota"] = quota_array(storage, row.ceilings)
        elif storage:
            shown["quota"] = storage
    elif (allowed := kit.quota.usage(tx, row.number).allowed) is not None:
        shown["quota"] = allowed
    return shown


def _members(kit: MailKit, row: Principal, tx: ReadTx, inside: int | None) -> dict[str, Any]:
    """How many addresses a domain has and people a tenant; of others the names."""
    if row.kind == "domain":
        return {"members": kit.addresses.domain_size(row.number, tx=tx)}
    if row.kind == "tenant":
        return {"members": kit.principals.tenant_count(row.number, "individual", tx=tx)}
    names = tuple(one.name for one in kit.members.of(row.number, tx=tx) if inside in (None, one.tenant))
    return {"members": names} if names else {}


# ---------------------------------------------------------------- GET /principal/{principal_id}


@request
class GetPrincipal:
    """Which principal."""

    principal_id: str = take.in_path("Its name")


@read
def get_principal(kit: MailKit, ask: GetPrincipal, caller: Caller) -> PrincipalDetails:
    """One principal by name."""
    with kit.store.snapshot() as tx:
        row = kit.principals.by_name(ask.principal_id, tx=tx)
        if not kit.directory.within(row, caller, tx=tx):
            raise NotFound("principal.not_found", name=ask.principal_id)
        require(caller, f"{PERMISSION_PREFIXES[row.kind]}-get")
        return details_of(kit, row, tx, inside=kit.directory.tenant_number(None, caller, tx=tx))


# ---------------------------------------------------------------- GET /principal


@request
class ListPrincipals:
    """Which principals, and what of them."""

    types: tuple[str, ...] = take.commas("Types; by default all")
    type: tuple[str, ...] = take.commas("The same as `types`")
    fields: tuple[str, ...] = take.commas("Fields to show; by default all")
    filter: str | None = take.query("Part of the name, description or an address")
    page: int = take.number("Page, from 1")
    limit: int = take.number("Rows on a page; 0: all")
    count: bool = take.present("Show the total only")
    tenant: str | None = take.query("Of this tenant only")


@answer
class Principals:
    """Principals by name; `total` counts them all."""

    items: tuple[PrincipalDetails, ...]
    total: int


_BATCH = 250
"""Principals looked at in one snapshot."""


@frozen
class _Walk:
    """What a list walks through."""

    kit: MailKit
    kinds: tuple[str, ...]
    needle: str
    tenant: int | None
    inside: int | None
    """The tenant of whoever asks."""

    def batches(self, shown: slice, only: frozenset[str]) -> Iterator[tuple[list[PrincipalDetails], int]]:
        """By name, a batch at a time: those that match and lie in `shown` of all that do, as clients see them, and how
        many match. Each batch has a snapshot of its own, closed by the time it is handed out."""
        after: str | None = None
        total = 0
        while True:
            with self.kit.store.snapshot() as tx:
                rows = self.kit.principals.list_by_name(self.kinds, limit=_BATCH, after=after, tx=tx)
                found = [row for row in rows if self._wanted(row, tx)]
                stop = None if shown.stop is None else max(0, shown.stop - total)
                page = found[max(0, shown.start - total) : stop]
                items = [details_of(self.kit, row, tx, only, inside=self.inside) for row in page]
            total += len(found)
            yield items, len(found)
            if len(rows) < _BATCH:
                return
            after = rows[-1].name

    def _wanted(self, row: Principal, tx: ReadTx) -> bool:
        own = self.tenant in (None, row.tenant) and not row.hidden
        return own and matches(self.kit.directory, row, self.needle, tx)


@read
def list_principals(kit: MailKit, ask: ListPrincipals, caller: Caller) -> Principals | OnThread[Principals]:
    """Principals by name. All of them at once (no limit) are sent as they are found."""
    asked = ask.types or ask.type
    kinds = tuple(dict.fromkeys(kind for kind in asked if kind in CREATABLE))
    require(caller, *(f"{PERMISSION_PREFIXES[kind]}-list" for kind in kinds or LISTED))
    if asked and not kinds:
        kinds = tuple(KINDS)  # unknown types are ignored, and without any there is no restriction
    tenant = _tenant_asked(kit, ask, caller)
    inside = None if caller.tenant is None else tenant
    walk = _Walk(kit, kinds or tuple(KINDS), (ask.filter or "").lower(), tenant, inside)
    if not ask.limit and not ask.count:
        whole: Any = Content(_streamed(walk, frozenset(ask.fields)), "application/json; charset=utf-8")
        return OnThread(lambda: whole)
    return OnThread(lambda: _listed(walk, ask))


def _tenant_asked(kit: MailKit, ask: ListPrincipals, caller: Caller) -> int | None:
    if caller.tenant is not None:
        return kit.principals.by_id(caller.tenant).number
    if ask.tenant is None:
        return None
    row = kit.principals.find_name(ask.tenant.lower())
    return row.number if row is not None and row.kind == "tenant" else -1  # an unknown tenant has nobody in it


def _listed(walk: _Walk, ask: ListPrincipals) -> Principals:
    start = max(ask.page - 1, 0) * ask.limit
    shown = slice(0, 0) if ask.count else slice(start, start + ask.limit)
    items: list[PrincipalDetails] = []
    total = 0
    for some, found in walk.batches(shown, frozenset(ask.fields)):
        items += some
        total += found
    return Principals(items=tuple(items), total=total)


def _streamed(walk: _Walk, only: frozenset[str]) -> Iterator[bytes]:
    """The whole answer in pieces, a batch each: memory doesn't grow with the list."""
    encode = encoder(PrincipalDetails)
    total = 0
    yield b'{"data":{"items":['
    for some, found in walk.batches(slice(0, None), only):
        if some:
            yield (b"," if total else b"") + b",".join(map(encode, some))
        total += found
    yield b'],"total":%d}}' % total
