"""The tables that tell the domain's errors, against the behaviour that clients know."""

import re
from pathlib import Path

import pytest

from mailkit.errors import AlreadyExists, Denied, FieldError, Invalid, MailKitError, NotFound, NotSupported, RateLimited
from mailkit.http.stalwart import errors as stalwart
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck import errors as wildduck
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK

# WildDuck's catalogue: code -> the statuses that it is sent with.
CATALOGUE = {
    "InputValidationError": {400}, "InvalidToken": {400, 403}, "MissingPrivileges": {403},
    "InternalDatabaseError": {500},
    "InternalError": {500}, "UserNotFound": {404, 500}, "UserExistsError": {400, 500}, "AddressExistsError": {400, 500},
    "AddressNotFound": {404}, "NotPermitted": {400}, "UserUpdateFail": {500}, "InsecurePasswordError": {403},
    "HashError": {500}, "AuthFail": {500}, "AuthFailed": {403}, "RateLimitedError": {403},
    "AccountNotFound": {404, 500},
    "AccountFound": {500}, "DeleteInProgress": {500}, "NoSuchMailbox": {404}, "MailboxExistsError": {400},
    "DisallowedMailboxMethod": {400}, "MessageNotFound": {404}, "AttachmentNotFound": {404}, "FileNotFound": {404},
    "EmptyMessage": {400}, "OverQuotaError": {400},
    "ChangeNotAllowed": {400}, "WildcardNotPermitted": {400}, "AliasExists": {400}, "AliasNotFound": {404},
    "UserDisabled": {403}, "InvalidAuthScope": {400, 403}, "TempPasswordNotYetValid": {403}, "EventNotFound": {404},
    "AspNotFound": {404}, "TooMany": {403}, "TotpEnabled": {400}, "TotpDisabled": {400}, "CustomEnabled": {400},
    "CustomDisabled": {400}, "WebAuthnDisabled": {400}, "ChallengeNotFound": {404}, "CredentialsNotFound": {404},
    "ResourceNotFound": {404}, "MethodNotAllowed": {405}, "InvalidContent": {400},
}  # fmt: skip
# Codes of this server's own: for what the reference does not refuse, or refuses without a code.
OWN = {
    "NotFound", "AlreadyExists", "NotSupported", "OriginRefused", "BadRequest", "RequestEntityTooLarge",
    "UnsupportedMediaType", "RequestHeaderFieldsTooLarge", "RequestTimeout",
    "TooManyRequests", "IdempotencyKeyReused", "AlreadyDone",
}  # fmt: skip


def test_wildduck_codes_and_statuses_are_those_of_the_catalogue() -> None:
    tables = (wildduck.BY_CLASS, wildduck.BY_CODE, wildduck.FRAMEWORK, wildduck.BY_OPERATION)
    for told in [row for table in tables for row in table.values()]:
        assert told.code in OWN or told.status in CATALOGUE[told.code], told


@pytest.mark.parametrize(("table", "routes"), [(wildduck.BY_OPERATION, WILDDUCK), (stalwart.BY_OPERATION, STALWART)])
def test_exceptions_name_operations_that_exist(
    table: dict[tuple[str, str], object], routes: tuple[object, ...]
) -> None:
    assert {name for name, _ in table} <= {operation.name for operation in routes}  # type: ignore[attr-defined]


def every_error() -> list[type[MailKitError]]:
    found, waiting = [], [MailKitError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", every_error())
def test_every_error_can_be_told(kind: type[MailKitError]) -> None:
    status, body = wildduck.tell(kind())
    assert status >= 400
    assert body.keys() == {"error", "code"}
    status, body = stalwart.tell(kind())
    assert (status == 200 and "error" in body) or (status >= 400 and body["status"] == status)


def test_codes_that_the_services_raise_are_in_the_tables() -> None:
    """Every code of a NotFound, AlreadyExists, Denied or Invalid that services raise has a row, so none is told by
    its class alone in the dialect that clients of that operation speak."""
    sources = Path(__file__).parents[2] / "src" / "mailkit"
    raised: set[str] = set()
    for package in ("principals", "accounts", "mailstore"):
        for path in (sources / package).rglob("*.py"):
            raised |= set(re.findall(r'(?:NotFound|AlreadyExists|Denied)\(\s*"([a-z_]+\.[a-z_]+)"', path.read_text()))
    assert raised
    assert raised <= wildduck.BY_CODE.keys() | wildduck.FRAMEWORK.keys() | stalwart.BY_CODE.keys()


def test_wildduck_names_every_bad_field() -> None:
    error = Invalid(
        errors=(FieldError(("to", 0, "address"), '"to.0.address" is required'), FieldError(("x",), '"x" no'))
    )
    assert wildduck.tell(error) == (
        400,
        {
            "error": '"to.0.address" is required. "x" no',
            "code": "InputValidationError",
            "details": {"to,0,address": '"to.0.address" is required', "x": '"x" no'},
        },
    )


def test_stalwart_management_errors_are_200() -> None:
    assert stalwart.tell(NotFound("principal.not_found", name="jane")) == (200, {"error": "notFound", "item": "jane"})
    assert stalwart.tell(NotFound("principal.not_found")) == (200, {"error": "notFound", "item": ""})
    assert stalwart.tell(AlreadyExists("principal.exists", name="x")) == (
        200,
        {"error": "fieldAlreadyExists", "field": "name", "value": "x"},
    )
    assert stalwart.tell(NotSupported("x.y", "Not here")) == (200, {"error": "unsupported", "details": "Not here"})


def test_stalwart_never_names_the_missing_permission() -> None:
    status, body = stalwart.tell(Denied("permission.missing", permission="individual-get"))
    assert status == 403
    assert "individual" not in str(body)
    assert stalwart.tell(RateLimited())[1]["title"] == "Too Many Requests"
