"""Who may do what: every operation of both dialects against every kind of caller.

What is expected stands here in the words of the two APIs (operation groups and names), not of our permissions. All of
it is asked over HTTP: what must be refused is, and what must be let through gets another answer. Other tenants are in
`test_delegated.py`.
"""

import asyncio
from collections.abc import Callable, Iterator

import httpx2
import pytest
from msgspec.structs import replace

from mailkit import MailKit
from mailkit.accounts.directory import NewPrincipal
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.http import build_app
from mailkit.http.operation import Operation
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.stalwart.types import CREATABLE, PERMISSION_PREFIXES
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK
from mailkit.principals.permits import LOCAL_ADMINISTRATOR, permits
from mailkit.principals.records import Principal
from mailkit.principals.roles import ROLES
from tests.accounts.foreign import talk

ALWAYS = {"invalidateAccessToken", "getHealth"}
"""Any valid token will do."""

_MAIL = {"Messages", "Archive", "Storage", "Mailboxes", "Submission"}
_READ_USERS = {"getUser", "logoutUser", "restoreUserInfo", "getUpdates", "validateTOTPToken", "getWebAuthN"}
_OWN_USERS = _READ_USERS | {"updateUser", "recalculateQuota", "cancelUserDelete"}
_ASSERT = {"authenticateWebAuthN", "assertWebAuthN"}
_LOGIN = {"preauth", "authenticate"} | _ASSERT
_ANYBODYS_ADDRESSES = {
    "createForwardedAddress", "updateForwardedAddress", "deleteForwardedAddress", "getForwardedAddress",
    "resolveAddress", "renameDomain",
}  # fmt: skip
_LOG = {"getAuthlog", "getAuthlogEvent"}


def _in(*groups: str, but: frozenset[str] | set[str] = frozenset()) -> Callable[[Operation], bool]:
    return lambda operation: operation.group in groups and operation.name not in but


ANY: dict[str, Callable[[Operation], bool]] = {
    "wd/root": lambda o: o.group not in ("Audit", "Export"),
    "wd/manager": lambda o: o.group not in ("Audit", "Export", "Settings", *_MAIL),
    "wd/webmail": lambda o: (
        o.group in {*_MAIL, "ApplicationPasswords", "Autoreplies", "Filters", "DomainAccess", "Webhooks"}
        or _in("Addresses", but={"getAddresses"})(o)
        or _in("TwoFactorAuth", "Authentication")(o)
        or o.name in _OWN_USERS | {"resolveUser", "recalculateQuotaAllUsers", "resetUserPassword"}
    ),
    "wd/user": lambda o: False,
    "wd/auth": lambda o: o.name in _LOGIN,
    "wd/tokenAuth": lambda o: o.name in _LOGIN,
    "wd/attachments": lambda o: o.name == "getMessageAttachment",
    "wd/audit": lambda o: o.group == "Audit" or o.name in _READ_USERS | {"resolveUser"},
    "wd/auditclient": lambda o: o.name in ("getAudit", "getAuditEmails"),
    "wd/export": lambda o: o.group == "Export",
    "wd/settings": lambda o: o.group == "Settings",
    "wd/downloader": lambda o: o.name in {
        "getMessages", "getMessage", "getMessageSource", "searchMessages", "searchApplyMessages", "getArchivedMessages",
    },
    "admin": lambda o: True,
}  # fmt: skip
"""Role -> the WildDuck operations it may do on anybody's account."""


def own(operation: Operation) -> bool:
    """What a `wd/user` token may do on its own account."""
    return (
        operation.group in {*_MAIL, "ApplicationPasswords", "Autoreplies"}
        or _in("Addresses", but=_ANYBODYS_ADDRESSES)(operation)
        or _in("Filters")(operation)
        or _in("TwoFactorAuth")(operation)
        or operation.name in _OWN_USERS | _LOG | {"getUsers", "getWebhooks"}
    )


_TENANT_GROUPS = {"principal", "dkim", "queue", "reports", "dns"}
_USER_GROUPS = {"oauth", "account"}
MANAGE: dict[str, Callable[[Operation], bool]] = {
    "admin": lambda o: True,
    "user": lambda o: o.group in _USER_GROUPS or o.path.startswith("/spam-filter/"),
    "tenant-admin": lambda o: (
        o.group in _USER_GROUPS | _TENANT_GROUPS or o.path.startswith("/spam-filter/") or "undelete" in o.path
    ),
    **dict.fromkeys((name for name in ROLES if name.startswith("wd/")), lambda o: False),
}
"""Role -> the Stalwart operations it may do. WildDuck's tokens are not even let in."""


@pytest.fixture
def kit(clock: FixedClock) -> Iterator[MailKit]:
    with MailKit.open("memory:", clock=clock, password_cost=Cost(8, 1)) as opened:
        yield opened


@pytest.fixture
def jane(kit: MailKit) -> Principal:
    return kit.accounts.create("jane", address="jane@example.org")


@pytest.fixture
def other(kit: MailKit) -> Principal:
    return kit.accounts.create("other", address="other@example.org")


def token(kit: MailKit, role: str, owner: Principal | None = None, ttl: int | None = None) -> str:
    number, version = (None, 0) if owner is None else (owner.number, owner.auth_version)
    return kit.credentials.issue_token(role, now=kit.clock(), owner=number, auth_version=version, ttl=ttl)


def path_of(operation: Operation, user: str, prefix: str = "") -> str:
    path = operation.path.replace("{user}", user).replace("{message}", "1")
    parts = ["0" * 24 if part.startswith("{") else part for part in path.split("/")]
    query = "?query=x" if operation.name == "getUserAddressregister" else ""
    return prefix + "/".join(parts) + query


Refusal = tuple[int, str]


def _ask(kit: MailKit, asked: list[tuple[Operation, str, str]]) -> list[Refusal]:
    """Status and code of each answer; the operations come with a path and a token."""

    async def go() -> list[Refusal]:
        transport = httpx2.ASGITransport(app=build_app(kit), client=("192.0.2.7", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            found = []
            for operation, path, secret in asked:
                headers = {"Authorization": f"Bearer {secret}"} if secret else {}
                answer = await client.request(operation.method, path, headers=headers)
                body = answer.json()
                found.append((answer.status_code, body.get("code") or body.get("title", "")))
            return found

    return asyncio.run(go())


REFUSALS = {(403, "MissingPrivileges"), (403, "Forbidden"), (403, "InvalidToken"), (401, "Unauthorized")}


def _let_through(kit: MailKit, asked: list[tuple[Operation, str, str]]) -> None:
    """Asks for all of it, what takes things away last; AssertionError names what was refused."""
    last = ("deleteUser", "deletePrincipalBulk", "invalidateAccessToken")
    bounded = [each for each in asked if each[0].name not in ENDLESS]
    bounded.sort(key=lambda each: (each[0].name in last, each[0].name == last[-1]))
    answers = _ask(kit, bounded)
    assert [each[0].name for each, answer in zip(bounded, answers, strict=True) if answer in REFUSALS] == []


ENDLESS = {"getUpdates"}
"""Answered until the client has enough; `test_updates.py` asks for it."""


def test_every_operation_is_in_the_matrix() -> None:
    assert len(WILDDUCK) + len(STALWART) >= 177
    assert set(ANY) == {name for name in ROLES if name not in ("user", "tenant-admin")}
    assert set(MANAGE) == set(ROLES)
    for name, expected in [*ANY.items(), ("own", own)]:
        assert name in ("wd/user",) or any(expected(operation) for operation in WILDDUCK), name


@pytest.mark.parametrize("why", ["none", "wrong", "malformed", "expired", "disabled", "suspended", "deleted", "stale"])
def test_nothing_is_done_without_a_token_that_counts(
    kit: MailKit, clock: FixedClock, jane: Principal, why: str
) -> None:
    secret = {"none": "", "wrong": "a" * 40, "malformed": "x"}.get(why) or token(kit, "admin", jane, ttl=1000)
    if why == "none":
        secret = ""
    elif why == "expired":
        clock.advance(days=1)
    elif why == "deleted":
        kit.accounts.delete(jane.id)
    elif why == "stale":
        kit.accounts.set_password(jane.id, "new")
    elif why in ("disabled", "suspended"):
        from mailkit.accounts.users import UserChanges

        kit.users.change(jane, UserChanges(active=why != "disabled", suspended=why == "suspended"))
    wild = [(operation, path_of(operation, str(jane.id)), secret) for operation in WILDDUCK if operation.need]
    assert set(_ask(kit, wild)) == {(403, "InvalidToken")}
    manage = [(operation, path_of(operation, "", PREFIX), secret) for operation in STALWART if operation.need]
    assert set(_ask(kit, manage)) == {(401, "Unauthorized")}


@pytest.mark.parametrize("role", sorted(ANY))
def test_wildduck_roles_on_anybodys_account(kit: MailKit, other: Principal, role: str) -> None:
    secret = token(kit, role)
    caller = kit.callers.of_token(secret).caller
    refused: list[tuple[Operation, str, str]] = []
    let: list[tuple[Operation, str, str]] = []
    for operation in WILDDUCK:
        assert operation.need is not None
        allowed = permits(caller, operation.need, owner=other.id if "{user}" in operation.path else None).allowed
        assert allowed is (ANY[role](operation) or operation.name in ALWAYS), operation.name
        (let if allowed else refused).append((operation, path_of(operation, str(other.id)), secret))
    assert not refused or set(_ask(kit, refused)) == {(403, "MissingPrivileges")}
    _let_through(kit, let)


def test_a_users_own_token(kit: MailKit, jane: Principal, other: Principal) -> None:
    secret = token(kit, "wd/user", jane)
    caller = kit.callers.of_token(secret).caller
    refused: list[tuple[Operation, str, str]] = []
    let: list[tuple[Operation, str, str]] = []
    for operation in WILDDUCK:
        assert operation.need is not None
        has_owner = "{user}" in operation.path
        allowed = permits(caller, operation.need, owner=jane.id if has_owner else None).allowed
        assert allowed is (own(operation) or operation.name in ALWAYS), operation.name
        (let if allowed else refused).append((operation, path_of(operation, str(jane.id)), secret))
        if has_owner:  # somebody else's account is never reached
            refused.append((operation, path_of(operation, str(other.id)), secret))
    assert set(_ask(kit, refused)) == {(403, "MissingPrivileges")}
    _let_through(kit, let)


@pytest.mark.parametrize("role", sorted(MANAGE))
def test_stalwart_roles(kit: MailKit, jane: Principal, role: str) -> None:
    """Jane's own role counts too: it is `user`."""
    secret = token(kit, role, jane)
    caller = kit.callers.of_token(secret).caller
    refused: list[tuple[Operation, str, str]] = []
    let: list[tuple[Operation, str, str]] = []
    for operation in STALWART:
        assert operation.need is not None
        allowed = "authenticate" in caller.permissions and permits(caller, operation.need).allowed
        assert allowed is MANAGE[role](operation), operation.name
        path = path_of(operation, "", PREFIX)
        if operation.name == "getPrincipal":
            path += "?types=group"  # without types it takes permission for all of them
        (let if allowed else refused).append((operation, path, secret))
    assert not refused or set(_ask(kit, refused)) == {(403, "Forbidden")}
    _let_through(kit, let)


@pytest.mark.parametrize("kind", CREATABLE)
def test_each_type_of_principal_has_permissions_of_its_own(kit: MailKit, jane: Principal, kind: str) -> None:
    prefix, made = PERMISSION_PREFIXES[kind], f"{kind.lower()}.example"
    kit.transact(kit.directory.prepare(NewPrincipal("role", "nothing"), LOCAL_ADMINISTRATOR))
    asked = {
        f"{prefix}-create": ("POST", f"{PREFIX}/principal", {"type": kind, "name": made}),
        f"{prefix}-list": ("GET", f"{PREFIX}/principal?types={kind}", None),
        f"{prefix}-get": ("GET", f"{PREFIX}/principal/{made}", None),
        f"{prefix}-update": (
            "PATCH",
            f"{PREFIX}/principal/{made}",
            [{"action": "set", "field": "description", "value": "x"}],
        ),
        f"{prefix}-delete": ("DELETE", f"{PREFIX}/principal/{made}", None),
    }
    others = {f"{other}-{name.rpartition('-')[2]}" for other in PERMISSION_PREFIXES.values() for name in asked}
    for needed, request in asked.items():
        for held, status in ((others - {needed}, 403), ({needed}, 200)):
            row = kit.principals.get(jane.number)
            row = kit.principals.update(replace(row, roles=(), enabled=("authenticate", *sorted(held))))
            (answer,) = talk(kit, token(kit, "nothing", row), [request])
            assert answer.status_code == status, (needed, answer.text)
            assert "error" not in answer.json()
    (answer,) = talk(kit, token(kit, "nothing", row), [("GET", f"{PREFIX}/principal", None)])
    assert answer.status_code == 403, "without types it takes permission for all of them"
