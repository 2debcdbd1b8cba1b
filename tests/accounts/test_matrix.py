"""Who may do what: every operation of both dialects against every kind of caller.

What is expected stands here in the words of the two APIs (operation groups and names), not of our permissions. What
must be refused is asked over HTTP; what must be let through is asked of the decision alone, for half of it would delete
something.
"""

import asyncio
from collections.abc import Callable, Iterator

import httpx2
import pytest

from mailkit import MailKit
from mailkit.accounts.directory import NewPrincipal
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.http import build_app
from mailkit.http.operation import Operation
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK
from mailkit.principals.permits import LOCAL_ADMINISTRATOR, permits
from mailkit.principals.records import Principal
from mailkit.principals.roles import ROLES

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
    refused = []
    for operation in WILDDUCK:
        assert operation.need is not None
        allowed = permits(caller, operation.need, owner=other.id if "{user}" in operation.path else None).allowed
        assert allowed is (ANY[role](operation) or operation.name in ALWAYS), operation.name
        if not allowed:
            refused.append((operation, path_of(operation, str(other.id)), secret))
    assert not refused or set(_ask(kit, refused)) == {(403, "MissingPrivileges")}


def test_a_users_own_token(kit: MailKit, jane: Principal, other: Principal) -> None:
    secret = token(kit, "wd/user", jane)
    caller = kit.callers.of_token(secret).caller
    refused = []
    for operation in WILDDUCK:
        assert operation.need is not None
        has_owner = "{user}" in operation.path
        allowed = permits(caller, operation.need, owner=jane.id if has_owner else None).allowed
        assert allowed is (own(operation) or operation.name in ALWAYS), operation.name
        if not allowed:
            refused.append((operation, path_of(operation, str(jane.id)), secret))
        if has_owner:  # somebody else's account is never reached
            refused.append((operation, path_of(operation, str(other.id)), secret))
    assert set(_ask(kit, refused)) == {(403, "MissingPrivileges")}


@pytest.mark.parametrize("role", sorted(MANAGE))
def test_stalwart_roles(kit: MailKit, jane: Principal, role: str) -> None:
    row = kit.principals.update(kit.principals.get(jane.number))
    secret = token(kit, role, row)
    if not role.startswith("wd/"):  # the account's own roles count too: it has `user`
        kit.accounts.create("spare", address="spare@example.org")
    caller = kit.callers.of_token(secret).caller
    refused = []
    for operation in STALWART:
        if operation.need is None:
            continue
        allowed = "authenticate" in caller.permissions and permits(caller, operation.need).allowed
        assert allowed is MANAGE[role](operation), operation.name
        if not allowed:
            refused.append((operation, path_of(operation, "", PREFIX), secret))
    assert not refused or set(_ask(kit, refused)) == {(403, "Forbidden")}


def test_another_tenants_accounts_do_not_exist(kit: MailKit, jane: Principal) -> None:
    for wanted in (
        NewPrincipal("tenant", "acme", roles=("admin",)),
        NewPrincipal("domain", "acme.example", tenant="acme"),
        NewPrincipal("individual", "boss@acme.example", tenant="acme", roles=("admin",)),
    ):
        kit.transact(kit.directory.prepare(wanted, LOCAL_ADMINISTRATOR))
    boss = kit.principals.by_name("boss@acme.example")
    secret = token(kit, "wd/root", boss)
    reading = [
        (operation, path_of(operation, str(jane.id)), secret)
        for operation in WILDDUCK
        if operation.method == "GET" and "{user}" in operation.path and operation.state == "built"
        if operation.name != "getArchivedMessages"  # nobody's archive is empty (W2.6), and so is a stranger's
    ]
    assert len(reading) > 8
    answers = _ask(kit, reading)
    assert {status for status, _ in answers} == {404}, [
        (o.name, a) for (o, _, _), a in zip(reading, answers, strict=True) if a[0] != 404
    ]
    listed = _ask(kit, [(o, path_of(o, ""), secret) for o in WILDDUCK if o.group in ("Settings", "DomainAliases")])
    assert {status for status, _ in listed} <= {403, 400}
    manage = [
        (operation, f"{PREFIX}/principal/jane", secret)
        for operation in STALWART
        if operation.path == "/principal/{principal_id}" and operation.method != "PATCH"
    ]
    assert {status for status, _ in _ask(kit, manage)} == {403}  # a wd/root token is no token there
    assert kit.principals.find_name("jane") is not None
