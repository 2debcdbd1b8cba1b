"""Principals: created, shown, listed (S3)."""

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen
from msgspec.structs import replace

from mailkit.accounts.create import NewAccount
from mailkit.errors import Denied, Invalid, NotFound, NotSupported
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread, not_built
from mailkit.http.operation import prepared, read
from mailkit.http.stalwart import fields as take
from mailkit.http.stalwart.types import CREATABLE, LISTED, PERMISSION_PREFIXES
from mailkit.ids import new_id
from mailkit.kit import MailKit
from mailkit.principals.normalise import check_domain, normal_domain, parse_address
from mailkit.principals.permits import Caller, require
from mailkit.principals.records import KINDS, Principal
from mailkit.principals.roles import ALL_PERMISSIONS, ROLES, STALWART_PERMISSIONS, granted_by
from mailkit.quota import UNLIMITED, Bytes
from mailkit.storage.api import ReadTx, Tx

__all__ = ["create_principal", "get_principal", "list_principals"]

# ---------------------------------------------------------------- POST /principal


@request
class NewPrincipal:
    """A principal to be made. `id` and `usedQuota` may be sent back and are not looked at."""

    type: str = take.choice((*CREATABLE, "superuser"), "Kind of principal", default="individual")
    name: str = take.string("Unique over all types", default="")
    description: str | None = take.string("Full name", default=None, nullable=True)
    secrets: tuple[str, ...] = take.strings("Passwords in the clear, or ready hashes")
    emails: tuple[str, ...] = take.strings("Addresses, the main one first")
    quota: int | tuple[int, ...] | None = take.unsigned("Bytes; 0: no limit", default=None, or_many=True)
    memberOf: tuple[str, ...] = take.strings("Groups this belongs to")
    members: tuple[str, ...] = take.strings("What belongs to this")
    roles: tuple[str, ...] = take.strings("Roles")
    lists: tuple[str, ...] = take.strings("Mailing lists this belongs to")
    tenant: str | None = take.string("Tenant", default=None, nullable=True)
    enabledPermissions: tuple[str, ...] = take.strings("Permissions beyond those of the roles")
    disabledPermissions: tuple[str, ...] = take.strings("Permissions taken away")
    picture: str | None = take.string("A picture", default=None, nullable=True)
    urls: tuple[str, ...] = take.strings("Redirect addresses of an OAuth client")
    externalMembers: tuple[str, ...] = take.strings("Addresses elsewhere that a list sends to")
    id: None = take.ignored()
    usedQuota: None = take.ignored()


@request
class CreatePrincipal:
    """What is to be made."""

    principal: NewPrincipal = take.body(NewPrincipal)


_ACCOUNTS = ("individual", "group")


@prepared
def create_principal(kit: MailKit, ask: CreatePrincipal, caller: Caller) -> Callable[[Tx], int]:
    """Create a principal; the answer is its number."""
    asked = ask.principal
    kind = "individual" if asked.type == "superuser" else asked.type
    require(caller, f"{PERMISSION_PREFIXES[kind]}-create")
    not_built(
        "postPrincipal",
        memberOf=asked.memberOf,
        members=asked.members,
        lists=asked.lists,
        tenant=asked.tenant,
        picture=asked.picture,
        urls=asked.urls,
        externalMembers=asked.externalMembers,
    )
    _check_grants(caller, asked)
    if kind in _ACCOUNTS:
        return _account(kit, asked, kind, caller)
    if kind == "domain":
        return _domain(kit, asked)
    raise NotSupported("type.not_built", f"Principals of type {kind} cannot be created yet")


def _check_grants(caller: Caller, asked: NewPrincipal) -> None:
    """Nobody grants what he doesn't hold (S3.3, steps 4 and 10)."""
    for name in asked.roles:
        if name not in ROLES:
            raise NotFound("role.unknown", name=name)
        if not granted_by((name,)) & STALWART_PERMISSIONS <= caller.permissions:
            raise Denied("role.not_grantable", reason=f'Your account cannot grant the "{name}" role')
    for field_name in ("enabledPermissions", "disabledPermissions"):
        for name in getattr(asked, field_name):
            if name not in ALL_PERMISSIONS:
                details, reason = f"Invalid {field_name} value", f'Permission "{name}" is invalid'
                raise Invalid("value.invalid", details=details, reason=reason)
            if field_name == "enabledPermissions" and name not in caller.permissions:
                reason = f'Your account cannot grant the "{name}" permission'
                raise Invalid("value.invalid", details="Invalid permission", reason=reason)


def _quota(asked: NewPrincipal) -> Any:
    if isinstance(asked.quota, tuple):
        raise NotSupported("parameter.not_built", "A quota by type is for tenants, which cannot be created yet")
    return Bytes(asked.quota) if asked.quota else UNLIMITED


def _account(kit: MailKit, asked: NewPrincipal, kind: str, caller: Caller) -> Callable[[Tx], int]:
    if len(asked.secrets) > 1:
        raise NotSupported("parameter.not_built", "One secret per principal is kept so far")
    secret = asked.secrets[0] if asked.secrets else None
    for prefix in ("{PLAIN}", "{plain}", "{CLEAR}", "{clear}"):
        secret = secret.removeprefix(prefix) if secret else None
    hashed = secret is not None and secret.startswith(("$", "{", "_", "otpauth:"))
    if secret is not None and hashed and not secret.startswith("$argon2"):
        raise NotSupported("parameter.not_built", "Only argon2 hashes and clear passwords are understood so far")
    addresses = [_address(text) for text in asked.emails]
    tenant = None if caller.tenant is None else kit.principals.by_id(caller.tenant).number
    new = NewAccount(
        asked.name,
        address=asked.emails[0].lower() if asked.emails else None,
        no_address=not asked.emails,
        password=None if hashed else secret or None,
        hashed=secret if hashed else None,
        display=asked.description,
        kind=kind,
        quota=_quota(asked),
        roles=asked.roles,
        tenant=tenant,
    )
    may_create_domain = "domain-create" in caller.permissions
    commit = kit.accounts.prepare(new, may_create_domain=may_create_domain)

    def store(tx: Tx) -> int:
        row = commit(tx)
        for address in addresses[1:]:
            kit.addresses.add(address, row, now=kit.clock(), may_create_domain=may_create_domain, tx=tx)
        if asked.enabledPermissions or asked.disabledPermissions:
            row = kit.principals.get(row.number, tx=tx)
            changed = replace(row, enabled=asked.enabledPermissions, disabled=asked.disabledPermissions)
            kit.principals.update(changed, tx=tx)
        return row.number

    return store


def _address(text: str) -> Any:
    return parse_address(text.lower(), "emails").without_label


def _domain(kit: MailKit, asked: NewPrincipal) -> Callable[[Tx], int]:
    not_built("postPrincipal", secrets=asked.secrets, emails=asked.emails, roles=asked.roles)
    name = normal_domain(asked.name)
    reason = check_domain(name) if name else None
    if reason is not None:
        raise Invalid("value.invalid", details="Invalid principal name", reason=reason)

    def store(tx: Tx) -> int:
        now = kit.clock()
        known = kit.principals.find_domain(name, tx=tx)
        if known is not None and known.implicit:  # it came into being through an address; now it is adopted
            return kit.principals.update(replace(known, implicit=False, display=asked.description), tx=tx).number
        row = Principal(number=0, id=new_id(now), kind="domain", name=name, created=now, display=asked.description)
        return kit.principals.create(row, tx=tx).number

    return store


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
    quota: int | UnsetType = UNSET
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


def details_of(kit: MailKit, row: Principal, tx: ReadTx, only: frozenset[str] = frozenset()) -> PrincipalDetails:
    """A principal as clients see it; with `only`, of these fields. Secrets are never shown."""
    shown: dict[str, Any] = {"name": row.name}

    def wanted(name: str) -> bool:
        return not only or name in only

    if row.display:
        shown["description"] = row.display
    if wanted("secrets"):
        shown["secrets"] = ()
    if wanted("emails"):
        owned = row.kind not in ("domain", "tenant", "role", "apiKey")
        shown["emails"] = tuple(item.value for item in kit.addresses.listed(row, tx=tx)) if owned else ()
    if row.kind in _ACCOUNTS and (wanted("quota") or wanted("usedQuota")):
        usage = kit.quota.usage(tx, row.number)
        if usage.allowed is not None:
            shown["quota"] = usage.allowed
        if usage.used > 0:
            shown["usedQuota"] = usage.used
    if row.kind == "domain" and wanted("members"):
        shown["members"] = kit.addresses.domain_size(row.number, tx=tx)
    listed = {"roles": row.roles, "enabledPermissions": row.enabled, "disabledPermissions": row.disabled}
    shown |= {name: values for name, values in listed.items() if values}
    if row.tenant is not None and (tenant := kit.principals.find(row.tenant, tx=tx)) is not None:
        shown["tenant"] = tenant.name
    if only:
        shown = {name: value for name, value in shown.items() if name in only}
    return PrincipalDetails(id=row.number, type=row.kind, **shown)


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
        if not _within(kit, row, caller, tx):
            raise NotFound("principal.not_found", name=ask.principal_id)
        require(caller, f"{PERMISSION_PREFIXES[row.kind]}-get")
        return details_of(kit, row, tx)


def _within(kit: MailKit, row: Principal, caller: Caller, tx: ReadTx) -> bool:
    if caller.tenant is None:
        return True
    return row.tenant is not None and row.tenant == kit.principals.by_id(caller.tenant, tx=tx).number


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


@frozen
class _Walk:
    """What a list walks through."""

    kit: MailKit
    kinds: tuple[str, ...]
    needle: str
    tenant: int | None

    def matching(self) -> Iterator[tuple[Principal, ReadTx]]:
        with self.kit.store.snapshot() as tx:
            for row in self.kit.principals.scan_by_name(self.kinds, tx=tx):
                if (self.tenant is None or row.tenant == self.tenant) and self._matches(row, tx):
                    yield row, tx

    def _matches(self, row: Principal, tx: ReadTx) -> bool:
        needle = self.needle
        if not needle or needle in row.name or needle in (row.display or "").lower():
            return True
        return any(needle in address.value for address in self.kit.addresses.of(row.number, tx=tx))


@read
def list_principals(kit: MailKit, ask: ListPrincipals, caller: Caller) -> Principals | OnThread[Principals]:
    """Principals by name."""
    asked = ask.types or ask.type
    kinds = tuple(dict.fromkeys(kind for kind in asked if kind in CREATABLE))
    require(caller, *(f"{PERMISSION_PREFIXES[kind]}-list" for kind in kinds or LISTED))
    if asked and not kinds:
        kinds = tuple(KINDS)  # unknown types are ignored, and without any there is no restriction
    tenant = _tenant_asked(kit, ask, caller)
    walk = _Walk(kit, kinds or tuple(KINDS), (ask.filter or "").lower(), tenant)
    return OnThread(lambda: _listed(walk, ask))


def _tenant_asked(kit: MailKit, ask: ListPrincipals, caller: Caller) -> int | None:
    if caller.tenant is not None:
        return kit.principals.by_id(caller.tenant).number
    if ask.tenant is None:
        return None
    row = kit.principals.find_name(ask.tenant.lower())
    return row.number if row is not None and row.kind == "tenant" else -1  # an unknown tenant has nobody in it


def _listed(walk: _Walk, ask: ListPrincipals) -> Principals:
    kit, total = walk.kit, 0
    start = max(ask.page - 1, 0) * ask.limit
    only = frozenset(ask.fields)
    items: list[PrincipalDetails] = []
    for row, tx in walk.matching():
        if not ask.count and total >= start and (not ask.limit or len(items) < ask.limit):
            items.append(details_of(kit, row, tx, only))
        total += 1
    return Principals(items=tuple(items), total=total)
