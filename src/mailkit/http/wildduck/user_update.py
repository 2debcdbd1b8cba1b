"""PUT /users/{user} (W2.1)."""

from collections.abc import Callable
from typing import Any

from mailkit.accounts.by import By
from mailkit.accounts.limits import OWN_LIMITS
from mailkit.accounts.mail_encryption import check_switch, given_key
from mailkit.accounts.settings import ENCRYPTION_ALLOWED
from mailkit.accounts.users import UserChanges
from mailkit.credentials.passwords import hash_password
from mailkit.http.declare import answer, request
from mailkit.http.operation import prepared
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.rules import Choice, Text
from mailkit.http.wildduck.users import FeatureFlags, check_safe, known_hash, public_key
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.normalise import normal_senders
from mailkit.principals.permits import Caller, hidden
from mailkit.quota import INHERIT, Bytes
from mailkit.storage.api import Tx

__all__ = ["update_user"]


@request
class UpdateUser(Logged):
    """Changes of a user."""

    user: Id = take.id24("The user, or `me`")
    existingPassword: str | None = take.text(256, "The present password; checked when given", default=None)
    password: str | bool | None = take.password("A new one; empty or false: nobody can log in with one", default=None)
    hashedPassword: bool = take.flag("`password` is a ready hash")
    allowUnsafe: bool = take.flag("False: look the password up among those that are known to be stolen", default=True)
    name: str | None = take.text(256, "The person's name; empty for none", empty="kept", default=None)
    language: str | None = take.text(20, "Language of folder names", default=None)
    retention: int | None = take.number("Milliseconds that mail is kept in new mailboxes", least=0, default=None)
    targets: tuple[str, ...] | None = take.target_list("Where mail is forwarded to", default=None)
    spamLevel: int | None = take.number("0: everything is spam; 100: nothing is", least=0, most=100, default=None)
    quota: int | None = take.number("Bytes that may be kept; 0: the server's default", least=0, default=None)
    recipients: int | None = take.number("Recipients a day", least=0, default=None)
    forwards: int | None = take.number("Forwarded messages a day", least=0, default=None)
    filters: int | None = take.number("Filters", least=0, default=None)
    imapMaxUpload: int | None = take.number("Bytes a day over IMAP", least=0, default=None)
    imapMaxDownload: int | None = take.number("Bytes a day over IMAP", least=0, default=None)
    pop3MaxDownload: int | None = take.number("Bytes a day over POP3", least=0, default=None)
    pop3MaxMessages: int | None = take.number("Messages that POP3 shows", least=0, default=None)
    imapMaxConnections: int | None = take.number("IMAP connections", least=0, default=None)
    receivedMax: int | None = take.number("Messages taken a minute", least=0, default=None)
    fromWhitelist: tuple[str, ...] | None = take.items(
        Text(most=128, trim=True), "Further addresses to send from, `*` allowed", default=None
    )
    tags: tuple[str, ...] | None = take.tags("Labels of the user", default=None)
    uploadSentMessages: bool | None = take.flag("Keep a copy of what is sent over SMTP", default=None)
    disabledScopes: tuple[str, ...] | None = take.items(
        Choice(("imap", "pop3", "smtp")), "Protocols that are switched off", unique=True, default=None
    )
    disabled: bool | None = take.flag("No log-in, no upload, no sending", default=None)
    suspended: bool | None = take.flag("The same, and everybody who is logged in is logged out", default=None)
    disable2fa: bool = take.flag("Remove every second factor")
    metaData: str | None = take.meta("Anything of the client's own")
    internalData: str | None = take.meta("The same, for administrators' eyes")
    pubKey: str | None = take.text(doc="OpenPGP key to encrypt for; empty for none", empty="kept", default=None)
    encryptMessages: bool | None = take.flag("Encrypt what comes in", default=None)
    encryptForwarded: bool | None = take.flag("Encrypt what is forwarded", default=None)
    featureFlags: FeatureFlags | None = take.nested(FeatureFlags, "Features", default=None)
    presented: str = take.presented_token()


@answer
class Done:
    """It is done."""


@prepared
def update_user(kit: MailKit, ask: UpdateUser, caller: Caller) -> Callable[[Tx], Done]:
    """Change a user."""
    with kit.store.snapshot() as tx:
        row = user_within(kit, ask.user, caller, tx=tx)
    if ask.encryptMessages or ask.encryptForwarded:
        check_switch(None if ask.pubKey else row.profile, allowed=kit.settings.get(ENCRYPTION_ALLOWED))
    by = By(ask.ip, ask.sess, token=ask.presented or None)
    check_safe(kit, ask.password, hashed=ask.hashedPassword, unsafe=ask.allowUnsafe)
    if ask.existingPassword is not None:
        told = ask.ip if "wd:authentication:create:any" in caller.permissions else None
        kit.login.confirm(row, ask.existingPassword, ip=told, by=by)
    changes = UserChanges(
        display=ask.name,
        quota=None if ask.quota is None else Bytes(ask.quota) if ask.quota else INHERIT,
        limits={name: value for name in OWN_LIMITS if (value := getattr(ask, name)) is not None},
        profile=_profile(kit, ask, hidden(caller, "users")),
        targets=None if ask.targets is None else tuple(dict.fromkeys(ask.targets)),
        active=None if ask.disabled is None else not ask.disabled,
        suspended=ask.suspended,
        password=ask.password is not None,
        hashed=_hashed(kit, ask, row.name),
    )

    def store(tx: Tx) -> Done:
        if ask.disable2fa and kit.two_factor.enabled(ask.user, tx=tx):
            kit.two_factor.disable_all(ask.user, by=by, tx=tx)
        kit.users.change(user_within(kit, ask.user, caller, tx=tx), changes, by=by, tx=tx)
        return Done()

    return store


def _profile(kit: MailKit, ask: UpdateUser, unseen: frozenset[str]) -> dict[str, Any]:
    """What was given. A field that the caller doesn't see it doesn't set either; that is passed over (W1.7)."""
    given = {
        "language": ask.language,
        "retention": ask.retention,
        "spam_level": ask.spamLevel,
        "tags": None if "tags" in unseen else ask.tags,
        "meta": ask.metaData,
        "internal": None if "internalData" in unseen else ask.internalData,
        "from_whitelist": None if ask.fromWhitelist is None else normal_senders(ask.fromWhitelist),
        "disabled_scopes": None if "disabledScopes" in unseen else ask.disabledScopes,
        "upload_sent": ask.uploadSentMessages,
        "encrypt": ask.encryptMessages,
        "encrypt_forwarded": ask.encryptForwarded,
        "flags": None if ask.featureFlags is None else {"indexing": ask.featureFlags.indexing},
    }
    found = {name: value for name, value in given.items() if value is not None}
    key = public_key(kit, ask.pubKey)
    return found if key is None else {**found, **given_key(key)}


def _hashed(kit: MailKit, ask: UpdateUser, name: str) -> str | None:
    if not ask.password:
        return None
    if not ask.hashedPassword:
        return hash_password(str(ask.password), kit.credentials.cost)
    return known_hash(kit, str(ask.password), name)
