"""Users: created, found, listed, deleted (W2.1)."""

from collections.abc import Callable, Iterator

import msgspec

from mailkit.accounts.create import NewAccount
from mailkit.errors import Invalid, NotFound
from mailkit.http.cursor import Cursor
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread, not_built
from mailkit.http.operation import prepared, read, write
from mailkit.http.paging import number_page, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged, Paged
from mailkit.http.wildduck.limits import UserLimits, limits_of, quota_of
from mailkit.http.wildduck.message_parts import stored_object
from mailkit.http.wildduck.reach import tenant_number, user_within
from mailkit.http.wildduck.rules import Choice, Text
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.normalise import parse_login
from mailkit.principals.permits import Caller, Need, Scope, hidden, permits
from mailkit.principals.records import Principal, Profile
from mailkit.quota import INHERIT, Bytes
from mailkit.storage.api import ReadTx, Tx

__all__ = ["create_user", "delete_user", "get_user", "list_users", "resolve_user"]

_LIMITS = (
    "recipients", "forwards", "filters", "imapMaxUpload", "imapMaxDownload", "pop3MaxDownload", "pop3MaxMessages",
    "imapMaxConnections", "receivedMax",
)  # fmt: skip


# ---------------------------------------------------------------- POST /users


@request
class FolderNames:
    """Names for the folders that every account has."""

    sent: str | None = take.text(doc="For sent mail", default=None)
    trash: str | None = take.text(doc="For deleted mail", default=None)
    junk: str | None = take.text(doc="For spam", default=None)
    drafts: str | None = take.text(doc="For drafts", default=None)


@request
class FeatureFlags:
    """What is switched on for a user."""

    indexing: bool = take.flag("Full-text search")


@request
class CreateUser(Logged):
    """What a new user is made of."""

    username: str = take.username("Login, unique dots aside")
    password: str | bool = take.password("In the clear; empty or false: nobody can log in with a password")
    hashedPassword: bool = take.flag("`password` is a ready hash")
    allowUnsafe: bool = take.flag("False: look the password up among those that are known to be stolen", default=True)
    address: str | None = take.email("Main address; by default made from the login", default=None)
    emptyAddress: bool = take.flag("Make no address")
    name: str | None = take.text(256, "The person's name", default=None)
    language: str = take.text(20, "Language of folder names", default="")
    retention: int = take.number("Milliseconds that mail is kept; 0: for ever", least=0, default=0)
    targets: tuple[str, ...] = take.target_list("Where mail is forwarded to")
    spamLevel: int = take.number("0: everything is spam; 100: nothing is", least=0, most=100, default=50)
    quota: int = take.number("Bytes that may be kept; 0: the server's default", least=0, default=0)
    recipients: int = take.number("Recipients a day; 0: the server's default", least=0, default=0)
    forwards: int = take.number("Forwarded messages a day; 0: the server's default", least=0, default=0)
    filters: int = take.number("Filters; 0: the server's default", least=0, default=0)
    imapMaxUpload: int = take.number("Bytes a day over IMAP; 0: the server's default", least=0, default=0)
    imapMaxDownload: int = take.number("Bytes a day over IMAP; 0: the server's default", least=0, default=0)
    pop3MaxDownload: int = take.number("Bytes a day over POP3; 0: the server's default", least=0, default=0)
    pop3MaxMessages: int = take.number("Messages that POP3 shows; 0: the server's default", least=0, default=0)
    imapMaxConnections: int = take.number("IMAP connections; 0: the server's default", least=0, default=0)
    receivedMax: int = take.number("Messages taken a minute; 0: the server's default", least=0, default=0)
    fromWhitelist: tuple[str, ...] = take.items(
        Text(most=128, trim=True), "Further addresses to send from, `*` allowed"
    )
    tags: tuple[str, ...] = take.tags("Labels of the user")
    addTagsToAddress: bool = take.flag("Label the main address as well")
    requirePasswordChange: bool = take.flag("The password is temporary")
    uploadSentMessages: bool = take.flag("Keep a copy of what is sent over SMTP")
    mailboxes: FolderNames | None = take.nested(FolderNames, "Folder names", default=None)
    disabledScopes: tuple[str, ...] = take.items(
        Choice(("imap", "pop3", "smtp")), "Protocols that are switched off", unique=True
    )
    metaData: str | None = take.meta("Anything of the client's own")
    internalData: str | None = take.meta("The same, for administrators' eyes")
    pubKey: str | None = take.text(doc="OpenPGP key to encrypt for", default=None)
    encryptMessages: bool = take.flag("Encrypt what comes in")
    encryptForwarded: bool = take.flag("Encrypt what is forwarded")
    featureFlags: FeatureFlags | None = take.nested(FeatureFlags, "Features", default=None)


@answer
class Created:
    """What was made."""

    id: str


@prepared
def create_user(kit: MailKit, ask: CreateUser, caller: Caller) -> Callable[[Tx], Created]:
    """Create a user, with folders and a main address."""
    not_built(
        "createUser",
        targets=ask.targets,
        requirePasswordChange=ask.requirePasswordChange,
        allowUnsafe=not ask.allowUnsafe,
        mailboxes=ask.mailboxes,
        pubKey=ask.pubKey,
        encryptMessages=ask.encryptMessages,
        encryptForwarded=ask.encryptForwarded,
        uploadSentMessages=ask.uploadSentMessages,
    )
    secret = ask.password or None
    if ask.hashedPassword and secret is not None and not str(secret).startswith("$argon2"):
        raise Invalid("password.hash_unknown", "This kind of password hash is not supported", name=ask.username)
    with kit.store.snapshot() as tx:
        tenant = tenant_number(kit, caller, tx)
    profile = Profile(
        language=ask.language,
        retention=ask.retention,
        spam_level=ask.spamLevel,
        tags=ask.tags,
        meta=ask.metaData,
        internal=ask.internalData,
        from_whitelist=ask.fromWhitelist,
        disabled_scopes=ask.disabledScopes,
        limits={name: value for name in _LIMITS if (value := getattr(ask, name))},
        flags={"indexing": ask.featureFlags.indexing} if ask.featureFlags else {},
    )
    new = NewAccount(
        ask.username,
        address=ask.address,
        no_address=ask.emptyAddress,
        password=None if ask.hashedPassword or secret is None else str(secret),
        hashed=str(secret) if ask.hashedPassword and secret else None,
        display=ask.name,
        quota=Bytes(ask.quota) if ask.quota else INHERIT,
        tenant=tenant,
        profile=profile,
        address_tags=ask.tags if ask.addTagsToAddress else (),
    )
    commit = kit.accounts.prepare(new, may_create_domain="domain-create" in caller.permissions)
    return lambda tx: Created(id=str(commit(tx).id))


# ---------------------------------------------------------------- GET /users/{user}


@request
class GetUser(Logged):
    """Which user."""

    user: Id = take.id24("The user, or `me`")


@answer
class KeyInfo:
    """The key that mail is encrypted for."""

    name: str
    address: str
    fingerprint: str


@answer
class UserDetails:
    """One user."""

    id: str
    username: str
    name: str
    address: str
    language: str
    retention: int | bool
    enabled2fa: tuple[str, ...] = ()
    autoreply: bool = False
    encryptMessages: bool = False
    encryptForwarded: bool = False
    pubKey: str = ""
    keyInfo: KeyInfo | bool = False
    metaData: msgspec.Raw
    internalData: msgspec.Raw | UnsetType = UNSET
    targets: tuple[str, ...] = ()
    spamLevel: int
    limits: UserLimits
    tags: tuple[str, ...] | UnsetType = UNSET
    fromWhitelist: tuple[str, ...]
    disabledScopes: tuple[str, ...] | UnsetType = UNSET
    hasPasswordSet: bool
    activated: bool = True
    disabled: bool
    suspended: bool
    featureFlags: dict[str, bool]


@read
def get_user(kit: MailKit, ask: GetUser, caller: Caller) -> UserDetails:
    """One user, with limits and what is used of them."""
    unseen = hidden(caller, "users")
    with kit.store.snapshot() as tx:
        row = user_within(kit, ask.user, caller, tx=tx)
        main = kit.addresses.main_of(row, tx=tx)
        profile = row.profile or Profile()
        return UserDetails(
            id=str(row.id),
            username=row.name,
            name=row.display or "",
            address=main.value if main else "",
            language=profile.language,
            retention=profile.retention or False,
            metaData=stored_object(profile.meta),
            internalData=UNSET if "internalData" in unseen else stored_object(profile.internal),
            spamLevel=profile.spam_level,
            limits=limits_of(kit, row, profile, tx),
            tags=UNSET if "tags" in unseen else profile.tags,
            fromWhitelist=profile.from_whitelist,
            disabledScopes=UNSET if "disabledScopes" in unseen else profile.disabled_scopes,
            hasPasswordSet=kit.credentials.has_password(row.number, tx=tx),
            disabled=not row.active,
            suspended=row.suspended,
            featureFlags=profile.flags,
        )


# ---------------------------------------------------------------- GET /users/resolve/{username}


@request
class ResolveUser(Logged):
    """Which login."""

    username: str = take.username("The login, dots don't matter")


@read
def resolve_user(kit: MailKit, ask: ResolveUser, caller: Caller) -> Created:
    """The id of the user with a login."""
    with kit.store.snapshot() as tx:
        row = kit.principals.find_login(ask.username, tx=tx)
        if row is None:
            raise NotFound("user.not_found", name=ask.username)
        return Created(id=str(user_within(kit, row.id, caller, tx=tx).id))


# ---------------------------------------------------------------- GET /users


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
            "individual", limit=ask.limit, after=_place(asked.after), reverse=asked.backwards, tx=tx
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


def _place(cursor: Cursor | None) -> Id | None:
    if cursor is None:
        return None
    try:
        return Id.parse(str(cursor.id))
    except ValueError:
        raise Invalid.field("next", '"next" is no cursor of this list', kind="cursor") from None


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
    edge = _place(asked.after)
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
    if ask.forward:
        return False  # nobody has forwarding targets yet
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
        quota=UserQuota(allowed=allowed, used=used),
        metaData=stored_object(profile.meta) if show_meta else UNSET,
        internalData=stored_object(profile.internal) if show_internal else UNSET,
        hasPasswordSet=kit.credentials.has_password(row.number, tx=tx),
        disabled=not row.active,
        suspended=row.suspended,
    )


# ---------------------------------------------------------------- DELETE /users/{user}


@request
class DeleteUser(Logged):
    """Which user, and when its data goes."""

    user: Id = take.id24("The user")
    deleteAfter: int | bool | None = take.date_or_false("Keep the data until then; the user can be restored")


@answer
class DeletedAddresses:
    """Counts."""

    deleted: int


@answer
class DeletedUser:
    """What was deleted, and the task that removes the rest."""

    code: str = "TaskScheduled"
    user: str
    addresses: DeletedAddresses
    deleteAfter: str | bool = False
    task: str | UnsetType = UNSET


@write
def delete_user(kit: MailKit, ask: DeleteUser, caller: Caller, tx: Tx) -> DeletedUser:
    """Delete a user with its addresses; its mail goes in the background."""
    not_built("deleteUser", deleteAfter=ask.deleteAfter)
    try:
        user_within(kit, ask.user, caller, tx=tx)
    except NotFound:
        # Deleting twice is no error (quirk 12).
        return DeletedUser(user=str(ask.user), addresses=DeletedAddresses(deleted=0))
    gone = kit.accounts.delete(ask.user, tx=tx)
    return DeletedUser(user=str(ask.user), addresses=DeletedAddresses(deleted=len(gone.addresses)), task=str(gone.job))
