"""Addresses: all of them, a user's, and whose an address is (W2.3). Over 400 lines: ten operations on one record."""

from collections.abc import Iterator
from typing import Any

import msgspec

from mailkit.accounts.addressing import Details
from mailkit.errors import Invalid, NotFound
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read, write
from mailkit.http.paging import position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged, Paged
from mailkit.http.wildduck.forwarding import ForwardLimits, autoreply_of, limits_of
from mailkit.http.wildduck.reach import tenant_number, user_within
from mailkit.http.wildduck.scanning import Found, numbers_of, scan
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, Need, Scope, hidden, permits
from mailkit.principals.records import Address, Forwarding, Principal
from mailkit.principals.wildcards import new_mailbox
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.keyspace import ADDRESS_VIEW

__all__ = [
    "create_address",
    "delete_address",
    "get_address",
    "list_addresses",
    "list_user_addresses",
    "resolve_address",
    "update_address",
]


def raw(stored: str | None) -> msgspec.Raw | UnsetType:
    """Stored JSON text as it is; absent when nothing is stored."""
    return UNSET if stored is None else msgspec.Raw(stored.encode())


# ---------------------------------------------------------------- GET /addresses


@request
class ListAddresses(Paged):
    """Which addresses."""

    query: str | None = take.text(255, "Part of the address", default=None)
    forward: str | None = take.text(255, "Part of a forwarding target", default=None)
    tags: tuple[str, ...] = take.comma_tags("Addresses with one of these tags")
    requiredTags: tuple[str, ...] = take.comma_tags("Addresses with all of these tags")
    metaData: bool = take.flag("Show metaData")
    internalData: bool = take.flag("Show internalData")


@answer
class AddressRow:
    """An address, as the list of all shows it."""

    id: str
    name: str | bool
    address: str
    user: str | UnsetType = UNSET
    forwarded: bool
    forwardedDisabled: bool
    targets: tuple[str, ...] | UnsetType = UNSET
    tags: tuple[str, ...]
    metaData: msgspec.Raw | UnsetType = UNSET
    internalData: msgspec.Raw | UnsetType = UNSET


@answer
class Addresses:
    """A page of addresses, in order of their normal forms without dots."""

    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    query: str | UnsetType = UNSET
    results: tuple[AddressRow, ...]


_LIST = Need.wildduck("addresslisting:read:listing")
_NAME = "getAddresses"
_BATCH = 500
_Pair = tuple[Address, Principal]


@read
def list_addresses(kit: MailKit, ask: ListAddresses, caller: Caller) -> Addresses | OnThread[Addresses]:
    """All addresses, of users and forwarded ones, in order of their normal forms without dots."""
    own = permits(caller, _LIST).scope is Scope.OWN
    filtered = ask.query or ask.forward or ask.tags or ask.requiredTags or caller.tenant is not None
    asked = position(_NAME, next=ask.next, previous=ask.previous, page=ask.page)
    if own or filtered:
        walk = _own(kit, ask, caller) if own else _all(kit, ask, caller)
        return OnThread(lambda: _page(ask, caller, scan(walk, _view, ADDRESS_VIEW.key, asked=asked, limit=ask.limit)))
    with kit.store.snapshot() as tx:
        page = kit.addresses.list_by_view(limit=ask.limit, after=asked.text(), reverse=asked.backwards, tx=tx)
        rows = tuple((row, kit.principals.get(row.owner, tx=tx)) for row in page.items)
    return _page(ask, caller, Found(rows, page.total, page.before, page.after))


def _view(pair: _Pair) -> str:
    return pair[0].view


def _id(pair: _Pair) -> str:
    return str(pair[0].id)


def _page(ask: ListAddresses, caller: Caller, found: Found[_Pair]) -> Addresses:
    asked = position(_NAME, next=ask.next, previous=ask.previous, page=ask.page)
    numbers = numbers_of(_NAME, asked, ask.page, found, _view, _id)
    return Addresses(
        total=found.total,
        page=numbers.page,
        previousCursor=numbers.previous,
        nextCursor=numbers.next,
        query=UNSET if ask.query is None else ask.query,
        results=tuple(_row(row, owner, ask, caller) for row, owner in found.rows),
    )


def _row(row: Address, owner: Principal, ask: ListAddresses, caller: Caller) -> AddressRow:
    forwarded = owner.kind == "list"
    unseen = hidden(caller, "addresslisting")
    return AddressRow(
        id=str(row.id),
        name=row.name or False,
        address=row.value,
        user=UNSET if forwarded else str(owner.id),
        forwarded=forwarded,
        forwardedDisabled=bool(forwarded and (owner.forwarding or Forwarding()).disabled),
        targets=owner.targets if forwarded else UNSET,
        tags=row.tags,
        metaData=raw(row.meta) if ask.metaData else UNSET,
        internalData=raw(row.internal) if ask.internalData and "internalData" not in unseen else UNSET,
    )


def _own(kit: MailKit, ask: ListAddresses, caller: Caller) -> Iterator[_Pair]:
    assert caller.principal is not None
    with kit.store.snapshot() as tx:
        owner = kit.principals.user(caller.principal, tx=tx)
        rows = sorted(kit.addresses.of(owner.number, tx=tx), key=lambda row: ADDRESS_VIEW.key(row.view))
    yield from ((row, owner) for row in rows if _matches(row, owner, ask))


def _all(kit: MailKit, ask: ListAddresses, caller: Caller) -> Iterator[_Pair]:
    after: str | None = None
    while True:
        with kit.store.snapshot() as tx:
            tenant = tenant_number(kit, caller, tx)
            page = kit.addresses.list_by_view(limit=_BATCH, after=after, tx=tx)
            pairs = [(row, kit.principals.get(row.owner, tx=tx)) for row in page.items]
        for row, owner in pairs:
            if tenant in (None, owner.tenant) and _matches(row, owner, ask):
                yield row, owner
        if not page.after:
            return
        after = page.items[-1].view


def _matches(row: Address, owner: Principal, ask: ListAddresses) -> bool:
    if ask.forward and not (owner.kind == "list" and any(ask.forward in target for target in owner.targets)):
        return False
    return (not ask.query or ask.query in row.value) and tags_match(row.tags, ask.tags, ask.requiredTags)


def tags_match(tags: tuple[str, ...], some: tuple[str, ...], every: tuple[str, ...]) -> bool:
    """W1.12: one of `some` and all of `every`; a tag in both counts for `every` only."""
    have = {tag.lower() for tag in tags}
    needed = set(every)
    wanted = set(some) - needed
    return needed <= have and (not wanted or bool(have & wanted))


# ---------------------------------------------------------------- a user's addresses


@request
class CreateAddress(Logged):
    """A new address of a user."""

    user: Id = take.id24("The user, or `me`")
    address: str = take.text(255, "The address; with `allowWildcard` also `*@domain`, `pre*@domain`, `user@*`")
    name: str | None = take.text(128, "Name of its owner, for this address", default=None)
    tags: tuple[str, ...] = take.tags("Labels")
    main: bool = take.flag("Make it the main address")
    allowWildcard: bool = take.flag("Allow one * in it")
    metaData: str | None = take.meta("Anything of the client's own")
    internalData: str | None = take.meta("The same, for administrators' eyes")


@answer
class Made:
    """What was made."""

    id: str


@answer
class Done:
    """It is done."""


@write
def create_address(kit: MailKit, ask: CreateAddress, caller: Caller, tx: Tx) -> Made:
    """Give a user another address."""
    mailbox = new_mailbox(ask.address, wildcard=ask.allowWildcard, main=ask.main)
    owner = user_within(kit, ask.user, caller, tx=tx)
    row = kit.addressing.add(
        owner,
        mailbox,
        main=ask.main,
        details=Details(ask.name, ask.tags, ask.metaData, _internal(caller, ask.internalData)),
        may_create_domain="domain-create" in caller.permissions,
        tx=tx,
    )
    return Made(id=str(row.id))


def _internal(caller: Caller, asked: str | None) -> str | None:
    """Who doesn't see internalData doesn't set it either; it is passed over (W1.7)."""
    return None if "internalData" in hidden(caller, "addresses") else asked


@request
class ListUserAddresses(Logged):
    """Whose addresses."""

    user: Id = take.id24("The user, or `me`")
    metaData: bool = take.flag("Show metaData")
    internalData: bool = take.flag("Show internalData")


@answer
class UserAddress:
    """An address of a user."""

    id: str
    name: str | bool
    address: str
    main: bool
    created: str
    tags: tuple[str, ...]
    metaData: msgspec.Raw | UnsetType = UNSET
    internalData: msgspec.Raw | UnsetType = UNSET


@answer
class UserAddresses:
    """All addresses of a user, in order of their normal forms without dots."""

    results: tuple[UserAddress, ...]


@read
def list_user_addresses(kit: MailKit, ask: ListUserAddresses, caller: Caller) -> UserAddresses:
    """A user's addresses."""
    with kit.store.snapshot() as tx:
        owner = user_within(kit, ask.user, caller, tx=tx)
        rows = sorted(kit.addresses.of(owner.number, tx=tx), key=lambda row: row.view)
    shown = ask.internalData and "internalData" not in hidden(caller, "addresses")
    return UserAddresses(results=tuple(_shown(row, owner, meta=ask.metaData, internal=shown) for row in rows))


def _shown(row: Address, owner: Principal, *, meta: bool, internal: bool) -> UserAddress:
    return UserAddress(
        id=str(row.id),
        name=row.name or False,
        address=row.value,
        main=row.id == owner.main,
        created=iso(row.created),
        tags=row.tags,
        metaData=raw(row.meta) if meta else UNSET,
        internalData=raw(row.internal) if internal else UNSET,
    )


@request
class OneAddress(Logged):
    """Which address of which user."""

    user: Id = take.id24("The user, or `me`")
    address: Id = take.id24("The address' id")


def _of_user(kit: MailKit, user: Id, address: Id, caller: Caller, tx: ReadTx) -> _Pair:
    owner = user_within(kit, user, caller, tx=tx)
    row = kit.addresses.get(address, tx=tx)
    if row.owner != owner.number:
        raise NotFound("address.not_found", "Invalid or unknown address identifier", id=str(address))
    return row, owner


@read
def get_address(kit: MailKit, ask: OneAddress, caller: Caller) -> UserAddress:
    """One address of a user."""
    with kit.store.snapshot() as tx:
        row, owner = _of_user(kit, ask.user, ask.address, caller, tx)
    return _shown(row, owner, meta=True, internal="internalData" not in hidden(caller, "addresses"))


@request
class UpdateAddress(Logged):
    """Changes of an address."""

    user: Id = take.id24("The user, or `me`")
    id: Id = take.id24("The address' id")
    address: str | None = take.text(255, "Another text for it", default=None)
    name: str | None = take.text(128, "Name of its owner", default=None)
    tags: tuple[str, ...] | None = take.tags("Labels, instead of those it has", default=None)
    main: bool | None = take.flag("True makes it the main address", default=None)
    metaData: str | None = take.meta("Anything of the client's own")
    internalData: str | None = take.meta("The same, for administrators' eyes")


@write
def update_address(kit: MailKit, ask: UpdateAddress, caller: Caller, tx: Tx) -> Done:
    """Change an address of a user."""
    if ask.main is False:
        raise Invalid.field("main", "Cannot unset main status")
    row, _ = _of_user(kit, ask.user, ask.id, caller, tx)
    kit.addressing.change(
        row,
        mailbox=None if ask.address is None else new_mailbox(ask.address, wildcard=True),
        main=bool(ask.main),
        may_create_domain="domain-create" in caller.permissions,
        tx=tx,
        **given(name=ask.name, tags=ask.tags, meta=ask.metaData, internal=_internal(caller, ask.internalData)),
    )
    return Done()


def given(**values: Any) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


@write
def delete_address(kit: MailKit, ask: OneAddress, caller: Caller, tx: Tx) -> Done:
    """Take an address from a user; not the main one."""
    row, _ = _of_user(kit, ask.user, ask.address, caller, tx)
    kit.addressing.remove(row, tx=tx)
    return Done()


# ---------------------------------------------------------------- GET /addresses/resolve/{address}


@request
class ResolveAddress(Logged):
    """Which address."""

    address: str = take.text(255, "An address or its id")
    allowWildcard: bool = take.flag("Look for wildcards as well")


@answer
class ResolvedAddress:
    """An address with its owner, or with its targets."""

    id: str
    address: str
    user: str | UnsetType = UNSET
    name: str | bool
    targets: tuple[str, ...] | UnsetType = UNSET
    limits: ForwardLimits | UnsetType = UNSET
    autoreply: msgspec.Raw | UnsetType = UNSET
    tags: tuple[str, ...]
    metaData: msgspec.Raw | UnsetType = UNSET
    internalData: msgspec.Raw | UnsetType = UNSET
    created: str


@read
def resolve_address(kit: MailKit, ask: ResolveAddress, caller: Caller) -> ResolvedAddress:
    """Whose an address is, by id or in any spelling, aliases and wildcards included."""
    with kit.store.snapshot() as tx:
        row, owner = _found(kit, ask, tx)
        if caller.tenant is not None and owner.tenant != tenant_number(kit, caller, tx):
            raise NotFound("address.not_found", "Invalid or unknown address")
        forwarded = owner.kind == "list"
        internal = "internalData" not in hidden(caller, "addresses")
        return ResolvedAddress(
            id=str(row.id),
            address=row.value,
            user=UNSET if forwarded else str(owner.id),
            name=row.name or ("" if forwarded else False),
            targets=owner.targets if forwarded else UNSET,
            limits=limits_of(kit, owner, tx) if forwarded else UNSET,
            autoreply=autoreply_of(owner) if forwarded else UNSET,
            tags=row.tags,
            metaData=raw(row.meta),
            internalData=raw(row.internal) if internal else UNSET,
            created=iso(row.created),
        )


def _found(kit: MailKit, ask: ResolveAddress, tx: ReadTx) -> _Pair:
    if "@" in ask.address:
        found = kit.addresses.resolve(ask.address, wildcards=ask.allowWildcard, tx=tx)
        if found is not None:
            return found
        raise NotFound("address.not_found", "Invalid or unknown address", address=ask.address)
    try:
        row = kit.addresses.get(Id.parse(ask.address), tx=tx)
    except ValueError:
        raise Invalid.field("address", '"address" must be an address or an id') from None
    return row, kit.principals.get(row.owner, tx=tx)
