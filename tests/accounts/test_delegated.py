"""Delegated administration: who administers a tenant neither sees nor touches what is outside of it, by any operation.

The token has every permission there is, in both dialects, so only the tenant stands between them. Each operation is
asked for the things of somebody outside by their real ids; the same requests by the server's own administrator are
answered, which shows that it is the tenant that refuses them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.http.operation import Operation
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK
from mailkit.principals.verify import verify
from tests.accounts.foreign import WHO, ZEBRA, Foreign, everything, furnish, talk

Asked = tuple[str, str, Any]

BUILT = [operation for operation in (*WILDDUCK, *STALWART) if operation.endpoint is not None]

BODIES: dict[str, Any] = {
    "updateUser": {"name": "x", "password": "new", "disabled": True, "tags": [], "targets": []},
    "createUserAddress": {"address": "new@acme.example"},
    "updateUserAddress": {"name": "x"},
    "updateForwardedAddress": {"targets": ["x@elsewhere.example"]},
    "createMailbox": {"path": "New"},
    "updateMailbox": {"path": "New"},
    "updateMessage": {"message": "1", "flagged": True},
    "updateMessagePathParams": {"flagged": True},
    "uploadMessage": {"raw": "Subject: x\r\n\r\ny\r\n"},
    "searchApplyMessages": {"query": ZEBRA, "action": {"flagged": True}},
    "restoreMessages": {"start": "2000-01-01", "end": "2040-01-01"},
    "uploadFile": {"filename": "x.txt", "content": "x"},
    "createASP": {"description": "x", "scopes": ["imap"]},
    "generateTOTPSeed": {"issuer": "x"},
    "enableTOTPSeed": {"token": "123456"},
    "validateTOTPToken": {"token": "123456"},
    "initiateWebAuthNRegistration": {"origin": "https://x.example", "description": "x"},
    "attestateWebAuthNRegistration": {
        "challenge": "00", "rawId": "00", "clientDataJSON": "00", "attestationObject": "00", "rpId": "x",
    },
    "authenticateWebAuthN": {"origin": "https://x.example"},
    "assertWebAuthN": {
        "challenge": "00", "rawId": "00", "clientDataJSON": "00", "authenticatorData": "00", "signature": "00",
    },
    "createSetting": {"value": 1},
    "patchPrincipalPrincipalId": [{"action": "set", "field": "description", "value": "x"}],
    "postStoreUndeleteAccountId": [],
}  # fmt: skip
QUERIES = {"getUserAddressregister": f"?query={ZEBRA}", "searchMessages": f"?query={ZEBRA}"}

SERVERS: dict[str, list[tuple[str, Any]]] = {
    "recalculateQuotaAllUsers": [("", {})],
    "getDomainAliases": [("", None), (f"?query={ZEBRA}", None)],
    "createDomainAlias": [("", {"alias": "x.example", "domain": "acme.example"})],
    "getSettings": [("", None)],
    "getSettingsKeys": [("?prefixes=limits", None)],
    "getSettingsGroup": [("", None)],
    "getSettingsList": [("", None)],
    "postSettings": [("", [])],
    "getReload": [("", None)],
    "getReloadSlash": [("", None)],
    "getStorePurgeBlob": [("", None)],
    "getStorePurgeData": [("", None)],
    "getStorePurgeInMemory": [("", None)],
}
"""Operations that are nobody's but the server's administrators'."""

INDIVIDUAL = {"name": "x@acme.example"}
LISTS = [("", None), *((f"?{name}={ZEBRA}", None) for name in ("query", "forward", "tags", "requiredTags"))]
KINDS = "?types=individual,group,list,domain,role,apiKey,oauthClient,resource,location,tenant"
OWN: dict[str, list[tuple[str, Any]]] = {
    "getUsers": LISTS,
    "getAddresses": LISTS,
    "createUser": [
        ("", {"username": "x@acme.example", "password": "", "address": "x@zebra.example"}),
        ("", {"username": "x@zebra.example", "password": "", "address": "x@acme.example"}),
        ("", {"username": "zebra", "password": "", "emptyAddress": True}),
    ],
    "createForwardedAddress": [("", {"address": "x@zebra.example", "targets": []})],
    "renameDomain": [
        ("", {"oldDomain": "zebra.example", "newDomain": "x.example"}),
        ("", {"oldDomain": "acme.example", "newDomain": "zebra.example"}),
    ],
    "preauth": [("", {"username": WHO})],
    "authenticate": [("", {"username": WHO, "password": "zebra's"})],
    "getPrincipal": [
        (KINDS + more, None) for more in ("", f"&filter={ZEBRA}", "&tenant=zebras", "&fields=name&count=1")
    ],
    "postPrincipal": [
        ("", {"type": "domain", "name": "zebra.example"}),
        ("", {"type": "tenant", "name": "inner"}),
        ("", {**INDIVIDUAL, "name": "x@zebra.example"}),
        ("", {**INDIVIDUAL, "emails": [WHO]}),
        ("", {**INDIVIDUAL, "emails": ["@zebra.example"]}),
        ("", {**INDIVIDUAL, "memberOf": ["group@zebra.example"]}),
        ("", {**INDIVIDUAL, "lists": ["list@zebra.example"]}),
        ("", {**INDIVIDUAL, "roles": ["role@zebra.example"]}),
        ("", {"type": "group", "name": "x@acme.example", "members": [WHO]}),
    ],
    "deletePrincipalBulk": [(f"?type={kind}&confirm=true&tenant=zebras", None) for kind in ("group", "tenant", "list")],
    "getHealth": [("", None)],
    "postOauth": [("", {"type": "code", "client_id": "x", "redirect_uri": "https://zebra.example"})],
    "postTroubleshootDmarc": [],
    "getStoreReindex": [("", None)],
    "getStorePurgeAccount": [("", None)],
    "getAccountAuth": [("", None)],
    "getAccountCrypto": [("", None)],
    "postAccountCrypto": [("", {"type": "disabled"})],
    "postAccountAuth": [("", [{"type": "removeAppPassword", "name": "none"}])],
    "invalidateAccessToken": [],
}
"""Operations that tenants' administrators have, asked for what is outside."""

REFUSED = {"UserNotFound", "AddressNotFound", "AccountNotFound", "UserUpdateFail", "MissingPrivileges", "AuthFailed"}
REFUSED |= {"ResourceNotFound", "AddressExistsError", "UserExistsError"}
EMPTY = {"deleteUser", "getArchivedMessages"}
"""Nobody's archive is empty (W2.6), and nobody is deleted already (quirk 12)."""

ENDLESS = {"getUpdates"}
NOT_THERE = {"deleteWebAuthN", "getStoreBlobsBlobId", "getStorePurgeDataStore", "getStorePurgeInMemoryStore"}
NOT_THERE |= {"getStorePurgeInMemoryPrefix", "getStorePurgeInMemoryAccount"}
"""Nobody has such a thing here."""
REMOVING = {one.name for one in BUILT if one.method == "DELETE"} | {"cancelUserDelete", "restoreMessage"}


@pytest.fixture
def kit(clock: FixedClock) -> Iterator[MailKit]:
    with MailKit.open("memory:", clock=clock, password_cost=Cost(8, 1)) as opened:
        yield opened


@pytest.fixture(params=["no tenant", "another tenant"])
def foreign(request: pytest.FixtureRequest, kit: MailKit) -> Foreign:
    return furnish(kit, tenant=request.param == "another tenant")


def prefix_of(operation: Operation) -> str:
    return PREFIX if operation in STALWART else ""


def targeted(operation: Operation) -> bool:
    return "{" in operation.path


def aimed(operation: Operation, foreign: Foreign) -> Asked:
    """The operation, asked for a thing of somebody's outside."""
    named = {**foreign.path, "id": foreign.path["address"], "principal_id": WHO, "account_id": WHO}
    if "forwarded" in operation.path:
        named |= {"id": foreign.forwarded, "address": foreign.forwarded}
    special: dict[str, dict[str, str]] = {
        "restoreUserInfo": {"user": foreign.deleted},
        "cancelUserDelete": {"user": foreign.deleted},
        "updateMailbox": {"mailbox": foreign.path["box"]},
        "deleteMailbox": {"mailbox": foreign.path["box"]},
        "restoreMessage": {"message": foreign.path["archived"]},
        "resolveAddress": {"address": WHO},
        "resolveDomainAlias": {"alias": "alias-zebra.example"},
        "deletePrincipalPrincipalId": {"principal_id": "list@zebra.example"},
        "getSetting": {"key": "const:max:storage"},
        "createSetting": {"key": "const:max:storage"},
    }
    named |= special.get(operation.name, {})
    parts = [named.get(part[1:-1], "0" * 24) if part[:1] == "{" else part for part in operation.path.split("/")]
    body = BODIES.get(operation.name, {}) if operation.method not in ("GET", "DELETE") else None
    return operation.method, prefix_of(operation) + "/".join(parts) + QUERIES.get(operation.name, ""), body


def refused(answer: httpx2.Response) -> bool:
    if "json" not in answer.headers["content-type"]:
        return False
    body = answer.json()
    if "code" in body:
        return body["code"] in REFUSED
    return body.get("error") == "notFound" or body.get("status") in (403, 404)


def told(answer: httpx2.Response, asked: Asked) -> list[str]:
    """What an answer says of zebras that its request has not said."""
    known = f"{asked[1]} {json.dumps(asked[2])}"
    return [word for word in re.findall(WORD, answer.text) if word not in known]


WORD = re.compile(rf"[\w.@'-]*{ZEBRA}[\w.@'-]*")


def test_every_operation_is_asked() -> None:
    """Whoever adds one says here what a tenant's administrator may not do with it."""
    assert {one.name for one in BUILT if not targeted(one)} == SERVERS.keys() | OWN.keys()
    assert {one.name for one in BUILT if targeted(one) and one.method in ("POST", "PUT", "PATCH")} >= BODIES.keys()


def test_nothing_of_anybody_outside_is_there(kit: MailKit, foreign: Foreign) -> None:
    before = everything(kit)
    for operation in filter(targeted, BUILT):
        asked = aimed(operation, foreign)
        (answer,) = talk(kit, foreign.boss, [asked])
        assert refused(answer) or operation.name in EMPTY, (operation.name, answer.text)
        assert told(answer, asked) == [], operation.name
        assert everything(kit) == before, operation.name


def test_the_servers_administrator_is_answered(kit: MailKit, foreign: Foreign) -> None:
    """Without this, the test above would pass with ids of nothing."""
    asked = [one for one in BUILT if targeted(one) and one.name not in ENDLESS | NOT_THERE]
    asked.sort(key=lambda one: (one.name in REMOVING, one.name == "deleteUser"))
    answers = talk(kit, foreign.root, [aimed(one, foreign) for one in asked])
    assert [one.name for one, answer in zip(asked, answers, strict=True) if refused(answer)] == []


def test_nothing_outside_shows_in_lists_nor_can_be_built_upon(kit: MailKit, foreign: Foreign) -> None:
    before = as_the_server_sees_it(kit, foreign)
    for operation in BUILT:
        for query, body in (*SERVERS.get(operation.name, ()), *OWN.get(operation.name, ())):
            asked = operation.method, prefix_of(operation) + operation.path + query, body
            (answer,) = talk(kit, foreign.boss, [asked])
            assert told(answer, asked) == [], operation.name
            if operation.name in SERVERS:
                assert answer.status_code in (403, 404), (operation.name, answer.text)
            if operation.method == "POST" and operation.name in OWN and ZEBRA in str(body):
                assert "error" in answer.json(), (operation.name, answer.text)
    while kit.run_due():
        pass
    assert as_the_server_sees_it(kit, foreign) == before


def test_what_the_server_has_tied_across_stays_unseen_and_untouched(kit: MailKit, foreign: Foreign) -> None:
    mine = "group2@acme.example"
    ties = {"memberOf": ["group@zebra.example"], "lists": ["list@zebra.example"]}
    made = [{"type": "group", "name": mine, "tenant": "acme", "members": [WHO, "boss@acme.example"]}]
    made += [{"name": "x@acme.example", "tenant": "acme", "roles": ["role@zebra.example"], **ties}]
    for body in made:
        assert "data" in talk(kit, foreign.root, [("POST", f"{PREFIX}/principal", body)])[0].json()
    shown = ("GET", f"{PREFIX}/principal/x@acme.example", None), ("GET", f"{PREFIX}/principal/{mine}", None)
    before = [answer.json()["data"] for answer in talk(kit, foreign.root, list(shown))]

    person, group = (answer.json()["data"] for answer in talk(kit, foreign.boss, list(shown)))
    assert person.keys().isdisjoint({"memberOf", "lists", "roles"})
    assert group["members"] == ["boss@acme.example"]
    listed = talk(kit, foreign.boss, [("GET", f"{PREFIX}/principal?types=individual,group", None)])[0]
    assert ZEBRA not in listed.text

    for path, changes in (
        (shown[0][1], [_change("set", name, []) for name in ("memberOf", "lists", "roles")]),
        (shown[0][1], [_change("removeItem", "memberOf", "group@zebra.example")]),
        (shown[1][1], [_change("set", "members", ["boss@acme.example"]), _change("removeItem", "members", WHO)]),
    ):
        assert talk(kit, foreign.boss, [("PATCH", path, changes)])[0].json() == {"data": None}
    for change in (
        _change("addItem", "memberOf", "group@zebra.example"),
        _change("addItem", "emails", WHO),
        _change("addItem", "emails", "new@zebra.example"),
        _change("set", "name", "x@zebra.example"),
        _change("set", "tenant", "zebras"),
        _change("set", "tenant", ""),
    ):
        (answer,) = talk(kit, foreign.boss, [("PATCH", shown[0][1], [change])])
        assert answer.json().keys() & {"error", "status"}, change
    assert [answer.json()["data"] for answer in talk(kit, foreign.root, list(shown))] == before
    assert [finding for finding in verify(kit.store) if finding.level == "error"] == []


@pytest.mark.parametrize("wild", [False, True])
def test_a_domain_with_others_addresses_in_it_keeps_its_name(kit: MailKit, foreign: Foreign, wild: bool) -> None:
    guest = {"address": "guest@acme.example", "targets": [WHO]}
    assert talk(kit, foreign.root, [("POST", "/addresses/forwarded", guest)])[0].json()["success"]
    if wild:
        names = {"oldDomain": "acme.example", "newDomain": "new.example"}
        asked: Asked = ("PUT", "/addresses/renameDomain", names)
    else:
        asked = ("PATCH", f"{PREFIX}/principal/acme.example", [_change("set", "name", "new.example")])
    before = everything(kit)
    (answer,) = talk(kit, foreign.boss, [asked])
    assert answer.json()["code" if wild else "details"] == ("NotPermitted" if wild else "Domain has members")
    assert everything(kit) == before
    assert "error" not in talk(kit, foreign.root, [asked])[0].json()


def as_the_server_sees_it(kit: MailKit, foreign: Foreign) -> list[str]:
    """Every thing outside, whole."""
    shown = [one for one in BUILT if targeted(one) and one.method == "GET" and not one.changes]
    counted = {"getMessageSource", "getMessageAttachment"}  # what is downloaded is counted, and shows
    shown = [one for one in shown if one.name not in ENDLESS | counted]
    return [answer.text for answer in talk(kit, foreign.root, [aimed(one, foreign) for one in shown])]


def _change(action: str, field: str, value: Any) -> dict[str, Any]:
    return {"action": action, "field": field, "value": value}
