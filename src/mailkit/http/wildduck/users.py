"""Users: created, found, listed, deleted (W2.1)."""

from collections.abc import Callable

import msgspec

from mailkit.accounts.by import By
from mailkit.accounts.create import NewAccount
from mailkit.accounts.limits import OWN_LIMITS
from mailkit.accounts.mail_encryption import check_switch
from mailkit.accounts.publickey import read_key, try_key
from mailkit.accounts.settings import ENCRYPTION_ALLOWED
from mailkit.credentials import factors
from mailkit.credentials.arrival import hashed
from mailkit.errors import Denied, Invalid, NotFound, NotSupported
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.operation import prepared, read, write
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.limits import UserLimits, limits_of
from mailkit.http.wildduck.message_parts import stored_object
from mailkit.http.wildduck.reach import tenant_number, user_within
from mailkit.http.wildduck.rules import Choice, Text
from mailkit.http.wildduck.times import iso
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.normalise import normal_senders
from mailkit.principals.permits import Caller, hidden
from mailkit.principals.records import Profile
from mailkit.quota import INHERIT, Bytes
from mailkit.storage.api import Tx

__all__ = [
    "FeatureFlags",
    "create_user",
    "delete_user",
    "get_user",
    "resolve_user",
]

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
    if ask.encryptMessages or ask.encryptForwarded:
        check_switch(None, allowed=kit.settings.get(ENCRYPTION_ALLOWED))
    secret = ask.password or None
    check_safe(kit, secret, hashed=ask.hashedPassword, unsafe=ask.allowUnsafe)
    ready = known_hash(kit, str(secret), ask.username) if ask.hashedPassword and secret is not None else None
    temporary = None  # a day's password, in the place of a permanent one
    if ask.requirePasswordChange and secret is not None:
        temporary = ready or kit.credentials.hash(str(secret))
        secret = ready = None
    with kit.store.snapshot() as tx:
        tenant = tenant_number(kit, caller, tx)
    profile = Profile(
        language=ask.language,
        retention=ask.retention,
        spam_level=ask.spamLevel,
        tags=ask.tags,
        meta=ask.metaData,
        internal=ask.internalData,
        from_whitelist=normal_senders(ask.fromWhitelist),
        disabled_scopes=ask.disabledScopes,
        limits={name: value for name in OWN_LIMITS if (value := getattr(ask, name))},
        flags={"indexing": ask.featureFlags.indexing} if ask.featureFlags else {},
        upload_sent=ask.uploadSentMessages,
        public_key=public_key(kit, ask.pubKey),
        encrypt=ask.encryptMessages,
        encrypt_forwarded=ask.encryptForwarded,
    )
    new = NewAccount(
        ask.username,
        address=ask.address,
        no_address=ask.emptyAddress,
        password=None if ask.hashedPassword or secret is None else str(secret),
        hashed=ready,
        display=ask.name,
        quota=Bytes(ask.quota) if ask.quota else INHERIT,
        tenant=tenant,
        profile=profile,
        address_tags=ask.tags if ask.addTagsToAddress else (),
        targets=tuple(dict.fromkeys(ask.targets)),
        folders=_folders(ask.mailboxes),
    )
    may_create = "domain-create" in caller.permissions
    commit = kit.accounts.prepare(new, may_create_domain=may_create, by=By(ask.ip, ask.sess))

    def make(tx: Tx) -> Created:
        row = commit(tx)
        if temporary is not None:
            kit.credentials.set_temporary(row.number, hashed=temporary, now=kit.clock(), tx=tx)
        return Created(id=str(row.id))

    return make


def check_safe(kit: MailKit, password: str | bool | None, *, hashed: bool, unsafe: bool) -> None:
    """Denied `password.insecure` for a password that is known to be used by others; with `unsafe`, and of hashes,
    nothing is looked at. Slow."""
    if password and not hashed and not unsafe and kit.known_password(str(password)):
        raise Denied("password.insecure", "Provided password was found from breached passwords list")


def public_key(kit: MailKit, text: str | None) -> str | None:
    """An OpenPGP key that mail can be encrypted for, as it is kept; Invalid on `pubKey` for anything else. Slow."""
    if text:
        try_key(text, now=kit.clock())
    return text


def known_hash(kit: MailKit, text: str, name: str) -> str:
    """A ready hash in its normal form; Invalid `password.hash_unknown` for one that could not be verified."""
    try:
        return hashed(text, schemes=kit.credentials.schemes)
    except Invalid as error:
        message = "This kind of password hash is not supported"
        raise Invalid("password.hash_unknown", message, name=name) from error


_FOLDERS = {"sent": "\\Sent", "trash": "\\Trash", "junk": "\\Junk", "drafts": "\\Drafts"}


def _folders(asked: FolderNames | None) -> dict[str, str]:
    """Special use -> path, of those that were named."""
    return {use: path for name, use in _FOLDERS.items() if asked is not None and (path := getattr(asked, name))}


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
    keyInfo: KeyInfo | bool | UnsetType = False
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
        secrets = kit.credentials.secrets(row.number, tx=tx)
        return UserDetails(
            id=str(row.id),
            username=row.name,
            name=row.display or "",
            address=main.value if main else "",
            language=profile.language,
            retention=profile.retention or False,
            enabled2fa=factors.enabled(secrets),
            encryptMessages=profile.encrypt,
            encryptForwarded=profile.encrypt_forwarded,
            pubKey=profile.public_key or "",
            keyInfo=_key_info(profile.public_key),
            metaData=stored_object(profile.meta),
            internalData=UNSET if "internalData" in unseen else stored_object(profile.internal),
            targets=row.targets,
            spamLevel=profile.spam_level,
            limits=limits_of(kit, row, profile, tx),
            tags=UNSET if "tags" in unseen else profile.tags,
            fromWhitelist=profile.from_whitelist,
            disabledScopes=UNSET if "disabledScopes" in unseen else profile.disabled_scopes,
            hasPasswordSet=secrets.has_password,
            disabled=not row.active,
            suspended=row.suspended,
            featureFlags=profile.flags,
        )


def _key_info(text: str | None) -> KeyInfo | bool | UnsetType:
    """What is told of a stored key; left out when it cannot be read (any more, or without the extra)."""
    if not text:
        return False
    try:
        key = read_key(text)
    except (Invalid, NotSupported):
        return UNSET
    return KeyInfo(name=key.name, address=key.address, fingerprint=key.fingerprint)


# ---------------------------------------------------------------- GET /users/resolve/{username}


@request
class ResolveUser(Logged):
    """Which login."""

    username: str = take.login("The login; dots don't matter, and of an address neither does its label")


@read
def resolve_user(kit: MailKit, ask: ResolveUser, caller: Caller) -> Created:
    """The id of the user with a login."""
    with kit.store.snapshot() as tx:
        row = kit.principals.find_login(ask.username, tx=tx)
        if row is None:
            raise NotFound("user.not_found", name=ask.username)
        return Created(id=str(user_within(kit, row.id, caller, tx=tx).id))


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


_LINGER = 14 * 86_400_000


@write
def delete_user(kit: MailKit, ask: DeleteUser, caller: Caller, tx: Tx) -> DeletedUser:
    """Delete a user with its addresses; its data goes in the background, its mail 14 days after that."""
    due = ask.deleteAfter or None
    try:
        user_within(kit, ask.user, caller, tx=tx)
    except NotFound:
        return _deleted_before(kit, ask, caller, tx)
    gone = kit.accounts.delete(ask.user, due=due, linger=_LINGER, by=By(ask.ip, ask.sess), tx=tx)
    return DeletedUser(
        user=str(ask.user),
        addresses=DeletedAddresses(deleted=len(gone.addresses)),
        deleteAfter=iso(due) if due else False,
        task=str(gone.job),
    )


def _deleted_before(kit: MailKit, ask: DeleteUser, caller: Caller, tx: Tx) -> DeletedUser:
    """Deleting twice is no error (quirk 12): the answer names the task that is under way, if there is one."""
    nothing = DeletedAddresses(deleted=0)
    try:
        row = kit.principals.buried(ask.user, tx=tx)
    except NotFound:
        return DeletedUser(user=str(ask.user), addresses=nothing)
    if caller.tenant is not None and row.principal.tenant != tenant_number(kit, caller, tx):
        return DeletedUser(user=str(ask.user), addresses=nothing)
    return DeletedUser(
        user=str(ask.user),
        addresses=nothing,
        deleteAfter=iso(row.due) if row.due else False,
        task=UNSET if row.job is None else str(row.job),
    )
