"""A request that its client names is done once: whatever happens to the server, and however many send it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx2
import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import Invalid
from mailkit.http import build_app
from mailkit.http.once import fingerprint, key_of, takes_key
from mailkit.http.operation import Operation, Runs
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK
from mailkit.testing.platform import platform, serving
from mailkit.verify import verify

Asked = tuple[str, str, dict[str, Any]]


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"8e03978e-40d5-43e8-bc93-6894a57f9324"', "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        (' "a b" ', "a b"),
        (r'"a\"b\\c"', r"a\"b\c".replace('\\"', '"')),
        ("bare-key_1", "bare-key_1"),
        ("x" * 255, "x" * 255),
    ],
)
def test_names_are_strings_with_quotes_or_without(header: str, key: str) -> None:
    assert key_of(header) == key


@pytest.mark.parametrize(
    "header",
    ['""', '"', '"a', 'a"b', '"a"b', '"a";x=1', '"a", "b"', "a b", r'"a\b"', "é", '"é"', "\x00", '"\x7f"', "x" * 256],
)
def test_what_is_no_name_is_told_by_the_header(header: str) -> None:
    with pytest.raises(Invalid) as refused:
        key_of(header)
    assert refused.value.errors[0].path == ("Idempotency-Key",)


def test_a_fingerprint_is_of_what_is_asked_not_of_how_it_was_written() -> None:
    said: dict[str, Any] = {"a": [1, {"b": None, "c": 10**400}], "raw": b"\x00\xff", "t": "\ud800é"}
    assert fingerprint("x", said) == fingerprint("x", dict(reversed(said.items())))
    others = [{**said, "raw": b"\x00"}, {**said, "a": []}, {**said, "d": 1}, {"a": said["a"]}]
    assert len({fingerprint("x", said), fingerprint("y", said), *(fingerprint("x", one) for one in others)}) == 6


OPERATIONS = [*WILDDUCK, *STALWART]
CREATES = {
    "createUser", "createUserAddress", "createForwardedAddress", "createMailbox", "uploadMessage", "uploadFile",
    "createASP", "createDomainAlias", "searchApplyMessages", "restoreMessages", "restoreMessage", "cancelUserDelete",
    "resetUserPassword", "postPrincipal",
}  # fmt: skip


def test_all_that_create_something_take_a_name() -> None:
    keyed = {operation.name for operation in OPERATIONS if takes_key(operation)}
    assert keyed >= CREATES
    built = [operation for operation in OPERATIONS if operation.endpoint and operation.method == "POST"]
    # What else is POST works in steps, or checks something, or makes what is told once.
    assert {operation.name for operation in built} - keyed == {
        "recalculateQuota", "generateTOTPSeed", "enableTOTPSeed", "validateTOTPToken", "attestateWebAuthNRegistration",
        "assertWebAuthN", "preauth", "authenticate", "createSetting", "postTroubleshootDmarc",
        "postStoreUndeleteAccountId",
    }  # fmt: skip


SECRET = {"password", "token", "seed", "secret", "secrets", "mobileconfig", "access_token", "permissions"}


def test_no_secret_is_kept() -> None:
    def names(operation: Operation) -> set[str]:
        assert operation.endpoint is not None
        kind = operation.endpoint.answer
        return {field.name for field in attrs.fields(kind)} if attrs.has(kind) else set()

    keyed = [operation for operation in OPERATIONS if takes_key(operation)]
    assert [one.name for one in keyed if names(one) & SECRET and not one.secret] == []
    assert {one.name for one in keyed if one.secret} == {"createASP", "resetUserPassword", "postOauth"}
    assert all(one.endpoint and one.endpoint.runs in (Runs.WRITE, Runs.PREPARED) for one in keyed)


def test_of_many_at_once_one_is_done_and_all_are_answered() -> None:
    raw = b"Subject: at once\r\n\r\n" + b"x" * 400_000  # goes to a file
    with platform() as kit, serving(kit) as server:
        alice = kit.accounts.create("alice", address="alice@example.org")
        path = f"/users/{alice.id}/mailboxes/{kit.mailstore.mailbox(alice.id, 'INBOX').id}/messages"
        headers = {"X-Access-Token": server.token(), "Content-Type": "message/rfc822", "Idempotency-Key": '"k"'}

        async def story() -> list[httpx2.Response]:
            async with httpx2.AsyncClient(base_url=server.http, timeout=60) as client:
                return await asyncio.gather(*(client.post(path, content=raw, headers=headers) for _ in range(12)))

        answers = asyncio.run(story())
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert kit.mailstore.list(alice.id).total == 1
        assert kit.used(alice.number) == len(raw)


# killed servers


class Servers:
    """Processes that serve, and die at their first commit."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killed_server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def _line(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def ask(self, moment: str, now: int, asked: Asked, headers: dict[str, str]) -> None:
        """Sends a request to a server that dies of it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([self.where, moment, now]) + "\n")
        self.process.stdin.flush()
        method, path, how = asked
        how = {**how, "headers": {**headers, **how.get("headers", {})}}
        at = f"http://127.0.0.1:{self._line()}"
        with httpx2.Client(base_url=at, timeout=60) as client, pytest.raises(httpx2.RemoteProtocolError):
            client.request(method, path, **how)
        assert self._line() == -9


@pytest.fixture(scope="module", params=["lmdb", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "lmdb":
        yield str(tmp_path_factory.mktemp("once") / "data")
        return
    import psycopg

    server = request.getfixturevalue("postgres_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create schema once")
    yield f"{server}&options=-csearch_path%3Donce"


@pytest.fixture(scope="module")
def shared(where: str) -> Iterator[MailKit]:
    with platform(where, clock=FixedClock()) as kit:
        kit.accounts.create("jane", address="jane@example.org")
        yield kit
        assert [str(finding) for finding in verify(kit) if finding.level == "error"] == []


@pytest.fixture(scope="module")
def servers(where: str) -> Iterator[Servers]:
    made = Servers(where)
    yield made
    made.process.communicate()


def messages(kit: MailKit) -> int:
    return kit.mailstore.list(jane(kit)).total


def jane(kit: MailKit) -> int:
    return kit.principals.by_name("jane").number


MAIL = {"Content-Type": "message/rfc822"}
LARGE = b"Subject: large\r\n\r\n" + bytes(range(32, 127)) * 4_000

WRITES: dict[str, tuple[Asked, Callable[[MailKit], int]]] = {
    "upload": (("POST", "$inbox/messages", {"content": b"Subject: raw\r\n\r\n", "headers": MAIL}), messages),
    "upload of a file": (("POST", "$inbox/messages", {"content": LARGE, "headers": MAIL}), messages),
    "compose": (("POST", "$inbox/messages", {"json": {"text": "made of its parts"}}), messages),
    "file": (
        ("POST", "$user/storage", {"content": b"file", "headers": {"Content-Type": "text/plain"}}),
        lambda kit: kit.files.list(jane(kit)).total,
    ),
    "mailbox": (
        ("POST", "$user/mailboxes", {"json": {"path": "x"}}),
        lambda kit: len(kit.mailstore.mailboxes(jane(kit))),
    ),
    "user": (
        ("POST", "/users", {"json": {"username": "new", "password": "", "emptyAddress": True}}),
        lambda kit: len(kit.principals.list_by_id("individual", limit=100).items),
    ),
    "principal": (
        ("POST", "/api/principal", {"json": {"type": "domain", "name": "example.net"}}),
        lambda kit: len(kit.principals.list_by_id("domain", limit=100).items),
    ),
}  # fmt: skip


def filled(kit: MailKit, asked: Asked) -> Asked:
    method, path, how = asked
    user = f"/users/{kit.principals.by_name('jane').id}"
    inbox = f"{user}/mailboxes/{kit.mailstore.mailbox(jane(kit), 'INBOX').id}"
    return method, path.replace("$inbox", inbox).replace("$user", user), how


def ask(kit: MailKit, asked: Asked, headers: dict[str, str]) -> httpx2.Response:
    method, path, how = asked

    async def story() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=build_app(kit))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **{**how, "headers": {**headers, **how.get("headers", {})}})

    return asyncio.run(story())


@pytest.mark.parametrize("moment", ["within", "after"])
@pytest.mark.parametrize("what", WRITES)
def test_whoever_lost_the_answer_to_a_killed_server_asks_again(
    what: str, moment: str, shared: MailKit, servers: Servers
) -> None:
    kit = shared
    unfilled, count = WRITES[what]
    method, path, how = filled(kit, unfilled)
    if what in ("mailbox", "user", "principal"):  # each needs a name of its own
        key = {"mailbox": "path", "user": "username", "principal": "name"}[what]
        how = {"json": {**how["json"], key: f"{moment}.{how['json'][key]}"}}
    asked = method, path, how
    token = {"Authorization": f"Bearer {kit.credentials.issue_token('admin', now=kit.clock())}"}
    named = {**token, "Idempotency-Key": f'"{what} {moment}"'}
    before = count(kit)
    servers.ask(moment, kit.clock(), asked, named)
    assert count(kit) == before + (moment == "after")
    first, second = ask(kit, asked, named), ask(kit, asked, named)
    assert first.status_code == second.status_code == 200
    assert "error" not in first.json()
    assert first.content == second.content
    assert count(kit) == before + 1
    if moment == "after" and count in (messages,):  # without a name, nobody could know
        assert ask(kit, asked, token).status_code == 200
        assert count(kit) == before + 2
