"""How the domain's errors are told in WildDuck's words (W1.5). Data, and one function that reads it.

Clients read `code`, and some the status. Where the reference server sends an error with HTTP 200 for want of a
status, the obvious one is sent; its 500s that clients may know (quirk 3) are kept.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from mailkit.errors import (
    AlreadyExists,
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    MailKitError,
    NotFound,
    NotSupported,
    OverQuota,
    RateLimited,
    Unavailable,
)

__all__ = ["BY_CLASS", "BY_CODE", "BY_OPERATION", "FRAMEWORK", "Told", "tell"]


@frozen
class Told:
    """Status and code; `message` replaces the domain's; `merged` names values that go into the body: the error's field
    of that name, else what was asked."""

    status: int
    code: str
    message: str | None = None
    merged: tuple[str, ...] = ()


BY_CLASS: Final[Mapping[type[MailKitError], Told]] = {
    NotFound: Told(404, "NotFound"),
    AlreadyExists: Told(400, "AlreadyExists"),
    Invalid: Told(400, "InputValidationError"),
    Denied: Told(403, "MissingPrivileges"),
    OverQuota: Told(400, "OverQuotaError"),
    RateLimited: Told(403, "RateLimitedError"),
    Conflict: Told(500, "InternalDatabaseError", "Database Error: the transaction lost against others"),
    Unavailable: Told(500, "InternalDatabaseError"),
    Corrupt: Told(500, "InternalDatabaseError"),
    NotSupported: Told(501, "NotSupported"),
}

_ADDRESS_TAKEN = "This email address already exists"

BY_CODE: Final[Mapping[str, Told]] = {
    # accounts
    "user.not_found": Told(404, "UserNotFound", "This user does not exist"),
    "principal.not_found": Told(404, "UserNotFound", "This user does not exist"),
    "principal.exists": Told(400, "UserExistsError", "This username already exists"),
    "address.exists": Told(400, "AddressExistsError", _ADDRESS_TAKEN),
    "address.not_found": Told(404, "AddressNotFound"),
    "address.main": Told(400, "NotPermitted"),
    "address.fixed": Told(400, "ChangeNotAllowed"),
    "address.wildcard_main": Told(400, "WildcardNotPermitted"),
    "account.not_found": Told(404, "AccountNotFound", "This account does not exist"),
    "account.purging": Told(500, "DeleteInProgress"),
    "alias.exists": Told(400, "AliasExists", "This domain alias already exists"),
    "alias.not_found": Told(404, "AliasNotFound", "This alias does not exist"),
    "domain.has_members": Told(400, "NotPermitted"),
    "tenant.has_members": Told(400, "NotPermitted"),
    "role.not_grantable": Told(403, "MissingPrivileges"),
    "password.wrong": Told(403, "AuthFailed"),
    "password.insecure": Told(403, "InsecurePasswordError"),
    "password.hash_unknown": Told(500, "HashError"),
    "setting.unknown": Told(200, "NotFound", merged=("success", "key")),
    # mail
    "mailbox.not_found": Told(404, "NoSuchMailbox", "This mailbox does not exist"),
    "mailbox.exists": Told(400, "MailboxExistsError"),
    "mailbox.reserved": Told(400, "DisallowedMailboxMethod"),
    "mailbox.too_many": Told(400, "DisallowedMailboxMethod"),
    "message.not_found": Told(404, "MessageNotFound", "This message does not exist"),
    "attachment.not_found": Told(404, "AttachmentNotFound", "This attachment does not exist"),
    "file.not_found": Told(404, "FileNotFound", "This file does not exist"),
    "files.full": Told(400, "OverQuotaError"),
    "message.empty": Told(400, "EmptyMessage"),
    "user.disabled": Told(403, "UserDisabled"),
    # access
    "permission.missing": Told(403, "MissingPrivileges", "Not enough privileges"),
    "login.failed": Told(403, "AuthFailed", "Authentication failed", ("id",)),
    "login.scope": Told(403, "InvalidAuthScope", merged=("id",)),
    "login.limited": Told(403, "RateLimitedError", "Authentication was rate limited"),
    "login.not_yet_valid": Told(403, "TempPasswordNotYetValid", merged=("id",)),
    "event.not_found": Told(404, "EventNotFound"),
    "asp.not_found": Told(404, "AspNotFound", "This application password does not exist"),
    "asp.too_many": Told(403, "TooMany", merged=("allowed",)),
    "asp.profile_scopes": Told(400, "InvalidAuthScope"),
    # second factors
    "totp.enabled": Told(400, "TotpEnabled"),
    "totp.disabled": Told(400, "TotpDisabled"),
    "totp.wrong_code": Told(400, "InvalidToken"),
    "totp.wrong": Told(403, "InvalidToken", "Invalid authentication token"),
    "totp.used": Told(403, "RateLimitedError"),
    "totp.limited": Told(403, "RateLimitedError"),
    "custom.enabled": Told(400, "CustomEnabled"),
    "custom.disabled": Told(400, "CustomDisabled"),
    "webauthn.disabled": Told(400, "WebAuthnDisabled"),
    "webauthn.challenge_not_found": Told(404, "ChallengeNotFound"),
    "webauthn.credential_not_found": Told(404, "CredentialsNotFound"),
    "webauthn.refused": Told(403, "AuthFailed"),
    # this server
    "origin.refused": Told(403, "OriginRefused"),
    "operation.not_built": Told(501, "NotSupported"),
    "blob.gone": Told(500, "InternalError"),
    "form.invalid": Told(400, "InvalidContent"),
    "query.invalid": Told(400, "InputValidationError"),
    "query.too_long": Told(400, "BadRequest"),
    "body.too_large": Told(413, "RequestEntityTooLarge"),
    "body.cut_short": Told(400, "BadRequest"),
    "body.too_slow": Told(408, "RequestTimeout"),
    "idempotency.reused": Told(422, "IdempotencyKeyReused"),
    "idempotency.secret": Told(409, "AlreadyDone"),
    "body.encoded": Told(415, "UnsupportedMediaType"),
    "body.unknown_type": Told(415, "UnsupportedMediaType"),
    "headers.too_large": Told(431, "RequestHeaderFieldsTooLarge"),
    "http.busy": Told(429, "TooManyRequests"),
    "streams.too_many": Told(429, "TooManyRequests"),
}

FRAMEWORK: Final[Mapping[str, Told]] = {
    # The reference's framework names these in `message`; here `error` says the same, so either kind of client reads it.
    "token.invalid": Told(403, "InvalidToken", "Invalid accessToken value"),
    "path.unknown": Told(404, "ResourceNotFound"),
    "method.unknown": Told(405, "MethodNotAllowed"),
    "json.invalid": Told(400, "InvalidContent"),
}

_USERNAME = ("username",)

BY_OPERATION: Final[Mapping[tuple[str, str], Told]] = {
    ("createUser", "principal.exists"): Told(500, "UserExistsError", "This username already exists", _USERNAME),
    ("createUser", "address.exists"): Told(500, "AddressExistsError", _ADDRESS_TAKEN, _USERNAME),
    ("createUser", "password.hash_unknown"): Told(500, "HashError", merged=_USERNAME),
    ("updateUser", "user.not_found"): Told(500, "UserNotFound", "This user does not exist"),
    ("updateUser", "password.wrong"): Told(500, "AuthFail"),
    ("updateUser", "password.hash_unknown"): Told(500, "HashError"),
    ("logoutUser", "user.not_found"): Told(500, "UserNotFound", "This user does not exist"),
    ("resetUserPassword", "user.not_found"): Told(500, "UserUpdateFail"),
    ("restoreUserInfo", "account.not_found"): Told(404, "AccountNotFound"),
    ("cancelUserDelete", "account.not_found"): Told(500, "AccountNotFound"),
    ("cancelUserDelete", "principal.exists"): Told(500, "AccountFound"),
    ("cancelUserDelete", "account.purging"): Told(500, "DeleteInProgress"),
}
"""Exceptions, by operation."""


def tell(error: MailKitError, operation: str = "", ask: object = None) -> tuple[int, dict[str, Any]]:
    """Status and body for an error of an operation; `ask` is what was asked, as far as it was understood."""
    framework = FRAMEWORK.get(error.code)
    told = (
        BY_OPERATION.get((operation, error.code))
        or framework
        or BY_CODE.get(error.code)
        or next((BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS), Told(500, "InternalError"))
    )
    message = told.message or error.message
    body: dict[str, Any] = {"error": message, "code": told.code}
    if framework is not None:
        body["message"] = message
    if isinstance(error, Invalid) and error.errors:
        body["error"] = ". ".join(problem.message for problem in error.errors)
        details: dict[str, str] = {}
        for problem in error.errors:
            details.setdefault(",".join(map(str, problem.path)), problem.message)
        body["details"] = details
    for name in told.merged:
        value = error.fields.get(name, getattr(ask, name, None))
        if value is not None:
            body[name] = value
    return told.status, body
