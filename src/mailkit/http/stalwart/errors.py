"""How the domain's errors are told in Stalwart's words (S1.4). Data, and one function that reads it.

Management errors are HTTP 200 with an `error` key; clients look for it before `data`. Everything that is wrong with the
request itself, or with the server, is a problem (RFC 9457, once 7807) with its real status.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from attrs import frozen

from mailkit.errors import (
    AlreadyExists,
    Denied,
    Invalid,
    MailKitError,
    NotFound,
    NotSupported,
    OverQuota,
    RateLimited,
)

__all__ = ["BY_CLASS", "BY_CODE", "BY_OPERATION", "Manage", "Problem", "tell"]


@frozen
class Problem:
    """A real HTTP status; without `detail`, the domain's message is told."""

    status: int
    title: str | None = None
    detail: str | None = None


@frozen
class Manage:
    """HTTP 200 with an `error` key. `keys` are (key in the body, field of the error, `message`, or `=text`)."""

    error: str
    keys: tuple[tuple[str, str], ...] = ()


_UNAUTHORIZED = Problem(401, "Unauthorized", "You have to authenticate first.")
_FORBIDDEN = Problem(403, "Forbidden", "You do not have enough permissions to access this resource.")
_BAD_JSON = Problem(400, "Invalid parameters", "JSON deserialization failed")
_NOT_FOUND = Problem(404, "Not Found", "The requested resource does not exist on this server.")
_TOO_MANY = Problem(429, "Too Many Requests")

_OAUTH = Manage("other", (("details", "message"), ("reason", "reason")))
_SECRET = Manage("other", (("details", "=Invalid secret"), ("reason", "message")))

BY_CLASS: Final[Mapping[type[MailKitError], Problem | Manage]] = {
    NotFound: _NOT_FOUND,
    AlreadyExists: Manage("fieldAlreadyExists", (("field", "=name"), ("value", "name"))),
    Invalid: _BAD_JSON,
    Denied: _FORBIDDEN,
    OverQuota: Problem(403, "Quota exceeded"),
    RateLimited: _TOO_MANY,
    NotSupported: Manage("unsupported"),
    MailKitError: Problem(500, "Internal Server Error"),
}

BY_CODE: Final[Mapping[str, Problem | Manage]] = {
    "principal.exists": Manage("fieldAlreadyExists", (("field", "=name"), ("value", "name"))),
    "address.exists": Manage("fieldAlreadyExists", (("field", "=emails"), ("value", "address"))),
    "principal.name_missing": Manage("fieldMissing", (("field", "=name"),)),
    "principal.not_found": Manage("notFound", (("item", "name"),)),
    "user.not_found": Manage("notFound", (("item", "name"),)),
    "store.unknown": _NOT_FOUND,
    "hold.not_found": _NOT_FOUND,
    "blob.missing": Manage("notFound", (("item", "="),)),
    "domain.unknown": Manage("notFound", (("item", "domain"),)),
    "domain.renaming": Manage("other", (("details", "=The domain is being renamed"), ("reason", "message"))),
    "role.unknown": Manage("notFound", (("item", "name"),)),
    "role.not_grantable": Manage("other", (("details", "=Invalid role"), ("reason", "reason"))),
    "tenant.has_members": Manage("other", (("details", "=Tenant has members"), ("reason", "reason"))),
    "domain.has_members": Manage("other", (("details", "=Domain has members"), ("reason", "reason"))),
    "settings.not_empty": Manage("assertFailed"),
    "tenant.full": Problem(403, "Tenant quota exceeded"),
    "tenant.over_quota": Problem(403, "Tenant quota exceeded"),
    "value.invalid": Manage("other", (("details", "details"), ("reason", "reason"))),
    "token.invalid": _UNAUTHORIZED,
    "login.failed": _UNAUTHORIZED,
    "login.limited": Problem(429, "Too Many Authentication Attempts"),
    "account.none": Manage("unsupported"),
    "asp.too_many": Manage("other", (("details", "=Too many application passwords"), ("reason", "reason"))),
    "auth.basic_needed": Manage("other", (("details", "details"), ("reason", "reason"))),
    "certificates.invalid": Manage("other", (("details", "message"), ("reason", "reason"))),
    "oauth.access_denied": _OAUTH,
    "oauth.invalid_client": _OAUTH,
    "oauth.invalid_grant": _OAUTH,
    "oauth.invalid_request": _OAUTH,
    "oauth.user_code": _TOO_MANY,
    "otp.url": _SECRET,
    "secret.app": _SECRET,
    "secret.kind": _SECRET,
    "secret.not_found": _SECRET,
    "secret.scheme": _SECRET,
    "secret.too_many": _SECRET,
    "totp.missing": Problem(402, "TOTP code required"),
    "permission.missing": _FORBIDDEN,
    "origin.refused": Problem(403, "Forbidden"),
    "path.unknown": _NOT_FOUND,
    "operation.not_built": Problem(501, "Not Implemented"),
    "json.invalid": _BAD_JSON,
    "query.too_long": Problem(400, "Invalid parameters"),
    "body.cut_short": Problem(400, "Invalid parameters"),
    "idempotency.reused": Problem(422, "Unprocessable Content"),
    "idempotency.secret": Problem(409, "Conflict"),
    "body.encoded": Problem(415, "Unsupported Media Type"),
    "body.too_slow": Problem(408, "Request Timeout"),
    "body.too_large": Problem(413, "Payload Too Large"),
    "headers.too_large": Problem(431, "Request Header Fields Too Large"),
}

BY_OPERATION: Final[Mapping[tuple[str, str], Problem | Manage]] = {
    ("getStoreUndeleteAccountId", "principal.not_found"): _NOT_FOUND,
    ("postStoreUndeleteAccountId", "principal.not_found"): _NOT_FOUND,
}
"""Exceptions, by operation."""


def tell(error: MailKitError, operation: str = "") -> tuple[int, dict[str, Any]]:
    """Status and body for an error of an operation."""
    told = (
        BY_OPERATION.get((operation, error.code))
        or BY_CODE.get(error.code)
        or next(BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS)
    )
    if isinstance(told, Manage):
        return 200, _manage(told, error)
    body: dict[str, Any] = {"type": "about:blank", "status": told.status}
    if told.title:
        body["title"] = told.title
    body["detail"] = told.detail or error.message or HTTPStatus(told.status).phrase
    if isinstance(error, Invalid) and error.errors:
        # An extension member (RFC 9457 3.2): the reference says only that something did not parse.
        body["errors"] = [{"field": problem.dotted, "reason": problem.message} for problem in error.errors]
    return told.status, body


def _manage(told: Manage, error: MailKitError) -> dict[str, Any]:
    body: dict[str, Any] = {"error": told.error}
    for key, source in told.keys:
        body[key] = source[1:] if source.startswith("=") else _field(error, source)
    if told.error == "unsupported":
        body["details"] = error.message
    if told.error == "notFound":
        body["item"] = body.get("item") or ""
    return body


def _field(error: MailKitError, name: str) -> Any:
    return error.message if name == "message" else error.fields.get(name)
