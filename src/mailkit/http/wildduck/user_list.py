"""Users as a list (W2.1, GET /users): flat without filters, a scan with them."""

from collections.abc import Iterator

import msgspec

from mailkit.http.cursor import Cursor
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read
from mailkit.http.paging import number_page, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Paged
from mailkit.http.wildduck.limits import quota_of
from mailkit.http.wildduck.message_parts import stored_object
from mailkit.http.wildduck.reach import tenant_number
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.normalise import parse_login
from mailkit.principals.permits import Caller, Need, Scope, hidden, permits
from mailkit.principals.records import Principal, Profile
from mailkit.storage.api import ReadTx

__all__ = ["list_users"]


@request
class ListUsers(Paged):
    """Which users."""

    query: str | None = take.text(255, "Part of the main address or the login", lower=True, default=None)
    forward: str | None = take.text(255, "Part of a forwarding target", lower=True, default=None)
    tags: tuple[str, ...] = take.comma_tags("Users with one of these tags")
    requiredTags: tuple[str, ...] = take.comma_tags("Users with all of these tags")
    metaData: bool = take.flag("Show metaData")
    internalData: bool = take.flag("Show internalData")


@answer
class UserQuota:
    """Bytes."""

    allowed: int
    used: int


@answer
class UserRow:
    """A user, as lists show it."""

    id: str
    username: str
    name: str | UnsetType = UNSET
    address: str
    tags: tuple[str, ...] | UnsetType
    targets: tuple[str, ...] = ()
    enabled2fa: tuple[str, ...] = ()
    autoreply: bool = False
    encryptMessages: bool = False
    encryptForwarded: bool = False
    quota: UserQuota
    metaData: msgspec.Raw | UnsetType = UNSET
    internalData: msgspec.Raw | UnsetType = UNSET
    hasPasswordSet: bool
    activated: bool = True
    disabled: bool
    suspended: bool


@answer
class Users:
    """A page of users, in order of creation."""

    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    query: str | UnsetType = UNSET
    results: tuple[UserRow, ...]


_LIST = Need.wildduck("userlisting:read:listing")
_BATCH = 500


@read
def list_users(kit: MailKit, ask: ListUsers, caller: Caller) -> Users | OnThread[Users]:
    """Users in order of creation."""
    if permits(caller, _LIST).scope is Scope.OWN:
        return _own_listing(kit, ask, caller)
    if ask.query or ask.forward or ask.tags or ask.requiredTags or caller.tenant is not None:
        return OnThread(lambda: _scan(kit, ask, caller))
    asked = position("getUsers", next=ask.next, previous=ask.previous, page=ask.page)
    with kit.store.snapshot() as tx:
        page = kit.principals.list_by_id(
            "individual", limit=ask.limit, after=asked.id(), reverse=asked.backwards, tx=tx
        )
        rows = tuple(_row(kit, row, ask, caller, tx) for row in page.items)
    edges = [Cursor(None, row.id) for row in rows[:1] + rows[-1:]]
    numbers = number_page(
        "getUsers", asked, ask.page, before=page.before, after=page.after,
        first=edges[0] if edges else None, last=edges[-1] if edges else None,
    )  # fmt: skip
    return Users(
        total=page.total, page=numbers.page, previousCursor=numbers.previous, nextCursor=numbers.next, results=rows
    )


def _own_listing(kit: MailKit, ask: ListUsers, caller: Caller) -> Users:
    assert caller.principal is not None
    with kit.store.snapshot() as tx:
        row = kit.principals.user(caller.principal, tx=tx)
        rows = (_row(kit, row, ask, caller, tx),) if _matches(kit, row, ask, None, tx) else ()
    query = UNSET if ask.query is None else ask.query
    return Users(total=len(rows), page=1, previousCursor=False, nextCursor=False, query=query, results=rows)


def _scan(kit: MailKit, ask: ListUsers, caller: Caller) -> Users:
    """Walks all users in batches, each in a snapshot of its own; keeps the page's rows and nothing else."""
    asked = position("getUsers", next=ask.next, previous=ask.previous, page=ask.page)
    edge = asked.id()
    total, before, after = 0, False, False
    found: list[Principal] = []
    for row in _matching(kit, ask, caller):
        total += 1
        if edge is None or (row.id < edge if asked.backwards else row.id > edge):
            found.append(row)
            if asked.backwards and len(found) > ask.limit:
                del found[0]
                before = True
            elif not asked.backwards and len(found) > ask.limit:
                found.pop()
                after = True
        else:
            before = before or not asked.backwards
    with kit.store.snapshot() as tx:
        rows = tuple(_row(kit, row, ask, caller, tx) for row in found)
    numbers = number_page(
        "getUsers", asked, ask.page, before=before, after=after,
        first=Cursor(None, rows[0].id) if rows else None, last=Cursor(None, rows[-1].id) if rows else None,
    )  # fmt: skip
    query = UNSET if ask.query is None else ask.query
    return Users(
        total=total, page=numbers.page, previousCursor=numbers.previous, nextCursor=numbers.next, query=query,
        results=rows,
    )  # fmt: skip


def _matching(kit: MailKit, ask: ListUsers, caller: Caller) -> Iterator[Principal]:
    place: Id | None = None
    while True:
        with kit.store.snapshot() as tx:
            tenant = tenant_number(kit, caller, tx)
            page = kit.principals.list_by_id("individual", limit=_BATCH, after=place, tx=tx)
            found = [row for row in page.items if _matches(kit, row, ask, tenant, tx)]
        yield from found
        if not page.after:
            return
        place = page.items[-1].id


def _matches(kit: MailKit, row: Principal, ask: ListUsers, tenant: int | None, tx: ReadTx) -> bool:
    if tenant is not None and row.tenant != tenant:
        return False
    if ask.forward and not any(ask.forward in target for target in row.targets):
        return False
    if ask.tags or ask.requiredTags:
        have = {tag.lower() for tag in (row.profile or Profile()).tags}
        needed = set(ask.requiredTags)
        if not needed <= have or (set(ask.tags) - needed and not have & (set(ask.tags) - needed)):
            return False
    if ask.query:
        main = kit.addresses.main_of(row, tx=tx)
        in_address = main is not None and ask.query in main.value
        return in_address or ask.query.replace(".", "") in parse_login(row.name)
    return True


def _row(kit: MailKit, row: Principal, ask: ListUsers, caller: Caller, tx: ReadTx) -> UserRow:
    unseen = hidden(caller, "userlisting")
    profile = row.profile or Profile()
    main = kit.addresses.main_of(row, tx=tx)
    allowed, used = quota_of(kit, row, tx)
    show_meta = ask.metaData and profile.meta is not None
    show_internal = ask.internalData and profile.internal is not None and "internalData" not in unseen
    return UserRow(
        id=str(row.id),
        username=row.name,
        name=UNSET if row.display is None else row.display,
        address=main.value if main else "",
        tags=UNSET if "tags" in unseen else profile.tags,
        targets=row.targets,
        enabled2fa=kit.two_factor.enabled(row.id, tx=tx),
        encryptMessages=profile.encrypt,
        encryptForwarded=profile.encrypt_forwarded,
        quota=UserQuota(allowed=allowed, used=used),
        metaData=stored_object(profile.meta) if show_meta else UNSET,
        internalData=stored_object(profile.internal) if show_internal else UNSET,
        hasPasswordSet=kit.credentials.has_password(row.number, tx=tx),
        disabled=not row.active,
        suspended=row.suspended,
    )
