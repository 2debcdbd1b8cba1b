"""Codes for OAuth clients, and what an account proves itself with (S1.3, S9.2)."""

from collections.abc import Callable

from mailkit import __version__
from mailkit.accounts.secrets import Add, Change, PasswordChange, Remove
from mailkit.credentials.oauth.authorize import Asked
from mailkit.errors import Denied, Invalid, NotSupported
from mailkit.http.declare import answer, request
from mailkit.http.operation import prepared, read, write
from mailkit.http.stalwart import fields as take
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller, TokenKind
from mailkit.principals.roles import STALWART_PERMISSIONS
from mailkit.storage.api import Tx

_LONGEST_CLIENT = 20
"""Bytes of a client_id that this operation takes (S1.3); the page at /authorize takes longer ones."""

__all__ = ["change_account_auth", "get_account_auth", "give_code"]

# ---------------------------------------------------------------- POST /oauth


@request
class CodeRequest:
    """A code for a client, or the approval of a device."""

    type: str = take.choice(("code", "device"), "`code` or `device`")
    client_id: str | None = take.string("The client", default=None, nullable=True)
    redirect_uri: str | None = take.string(
        "Where the client will redeem it from", default=None, nullable=True, most=2048
    )
    nonce: str | None = take.string("Comes back in the ID token", default=None, nullable=True)
    code_challenge: str | None = take.string("PKCE (RFC 7636)", default=None, nullable=True)
    code_challenge_method: str | None = take.string("`S256`", default=None, nullable=True)
    code: str | None = take.string("The user code that a device shows", default=None, nullable=True)


@request
class GiveCode:
    """What is asked for."""

    asked: CodeRequest = take.body(CodeRequest)


@answer
class Code:
    """A code, and what the caller may do."""

    code: str
    permissions: tuple[str, ...]
    version: str
    isEnterprise: bool


@write
def give_code(kit: MailKit, ask: GiveCode, caller: Caller, tx: Tx) -> Code | bool:
    """A code that a client exchanges for tokens; or with a user code, the approval of a device."""
    asked = ask.asked
    if asked.type == "device":
        if asked.code is None:
            raise Invalid.field("code", "is missing")
        _demand_account(caller)
        return kit.oauth.approve(caller, asked.code, tx=tx)
    if asked.client_id is None:
        raise Invalid.field("client_id", "is missing")
    _demand_account(caller)
    if len(asked.client_id.encode()) > _LONGEST_CLIENT:
        raise Denied("oauth.invalid_client", "client_id is too long", reason=None)
    wanted = Asked(
        asked.client_id, asked.redirect_uri or "", asked.code_challenge or None, asked.code_challenge_method or None
    )
    return Code(
        code=kit.oauth.code(caller, wanted, nonce=asked.nonce, direct=True, tx=tx),
        permissions=tuple(sorted(caller.permissions & STALWART_PERMISSIONS, reverse=True)),
        version=__version__,
        isEnterprise=True,
    )


def _demand_account(caller: Caller) -> None:
    if caller.number is None:
        raise NotSupported("account.none", "This caller has no account")


# ---------------------------------------------------------------- GET, POST /account/auth


@request
class Nothing:
    """Nothing is asked."""


@answer
class AccountAuth:
    """Whether codes are asked for, and the names of application passwords."""

    otpEnabled: bool
    appPasswords: tuple[str, ...]


@read
def get_account_auth(kit: MailKit, ask: Nothing, caller: Caller) -> AccountAuth:
    """What the caller's account proves itself with, besides its password."""
    if caller.number is None:
        return AccountAuth(otpEnabled=False, appPasswords=())
    with kit.store.snapshot() as tx:
        return AccountAuth(
            otpEnabled=kit.secrets.otp_enabled(caller.number, tx=tx),
            appPasswords=kit.secrets.app_names(caller.number, tx=tx),
        )


_TYPES = ("setPassword", "enableOtpAuth", "disableOtpAuth", "addAppPassword", "removeAppPassword")
_BASIC_ONLY = frozenset({"setPassword", "enableOtpAuth", "disableOtpAuth"})


@request
class AuthChange:
    """One change; the fields that its type has."""

    type: str = take.choice(_TYPES, "What to change")
    password: str | None = take.string("A password, in the clear or hashed", default=None, most=4096)
    url: str | None = take.string("An otpauth URL", default=None, most=4096, nullable=True)
    name: str | None = take.string("Name of an application password", default=None, nullable=True)


@request
class ChangeAuth:
    """Changes, all of them or none."""

    changes: tuple[AuthChange, ...] = take.body(AuthChange, many=True)


@prepared
def change_account_auth(kit: MailKit, ask: ChangeAuth, caller: Caller) -> Callable[[Tx], None]:
    """Change what the caller's account proves itself with.

    Passwords and TOTP need the password itself with the request: neither a token nor an application password will do.
    """
    if not ask.changes:
        raise Invalid("body.invalid", "an empty list changes nothing")
    _demand_account(caller)
    for change in ask.changes:
        if change.type in _BASIC_ONLY and caller.kind is not TokenKind.BASIC:
            raise Denied("auth.basic_needed", details=f"{change.type} needs Basic authentication", reason=None)
    commit = kit.secrets.prepare([_change(change) for change in ask.changes])
    number = caller.number
    assert number is not None

    def apply(tx: Tx) -> None:
        commit(tx, number)

    return apply


def _change(change: AuthChange) -> Change:
    match change.type:
        case "setPassword":
            return PasswordChange(_given(change.password, "password"))
        case "enableOtpAuth":
            url = _given(change.url, "url")
            if not url.lower().startswith("otpauth:"):
                raise Invalid.field("url", "is no otpauth URL", code="otp.url")
            return Add(url)
        case "disableOtpAuth":
            return Remove(change.url or "otpauth:")
        case "addAppPassword":
            name = _given(change.name, "name")
            if "$" in name:
                raise Invalid.field("name", "must not contain $", code="secret.app")
            return Add(f"$app${name}${_given(change.password, 'password')}")
    return Remove(f"$app${change.name or ''}")


def _given(value: str | None, name: str) -> str:
    if not value:
        raise Invalid.field(name, "is missing")
    return value
