"""What is refused changes nothing: after each refusal the whole store is what it was, byte by byte."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from attrs import define

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import MailKitError, OverQuota
from mailkit.http import build_app
from mailkit.http.app import App
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import Selection
from mailkit.storage.walk import walk
from mailkit.testing.platform import platform
from mailkit.verify import verify

RAW = b"Subject: x\r\n\r\n" + b"x" * 300
QUOTA = 2_000
LARGEST = 1_500
SETTINGS = {"limits.message_size": LARGEST, "files.max_bytes": 100}
NOWHERE = "a" * 24


@define
class World:
    """jane's mail, and john's, with a name for each id."""

    kit: MailKit
    app: App
    token: str
    ids: dict[str, str]

    def dump(self) -> dict[bytes, bytes]:
        return dict(walk(self.kit.store, b"\x00", b"\xff" * 16))

    async def ask(self, method: str, path: str, **how: Any) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for name, id in sorted(self.ids.items(), reverse=True):  # the longer names first
                path = path.replace(f"${name}", id)
                if isinstance(how.get("content"), str):
                    how["content"] = how["content"].replace(f"${name}", id)
            scheme = {"Authorization": f"Bearer {self.token}"}
            return await client.request(method, path, headers={**scheme, **how.pop("headers", {})}, **how)


@pytest.fixture(scope="module", params=["memory", "lmdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    where = "memory:"
    if request.param == "lmdb":
        where = str(tmp_path_factory.mktemp("refused") / "data")
    elif request.param == "postgres":
        import psycopg

        server = request.getfixturevalue("postgres_server")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("create schema refused")
        where = f"{server}&options=-csearch_path%3Drefused"
    with platform(where, clock=FixedClock(), settings=SETTINGS) as kit:
        yield _world(kit)
        assert [str(finding) for finding in verify(kit) if finding.level == "error"] == []


def _world(kit: MailKit) -> World:
    jane = kit.accounts.create("jane", address="jane@example.org", quota=QUOTA)
    john = kit.accounts.create("john", address="john@example.org")
    off = kit.accounts.create("off", address="off@example.org")
    ids = {"jane": str(jane.id), "john": str(john.id), "off": str(off.id), "nowhere": NOWHERE}
    for name, path in (("inbox", "INBOX"), ("junk", "Junk"), ("trash", "Trash")):
        ids[name] = str(kit.mailstore.mailbox(jane.id, path).id)
    ids["johns"] = str(kit.mailstore.mailbox(john.id, "INBOX").id)
    ids["offs"] = str(kit.mailstore.mailbox(off.id, "INBOX").id)
    ids["hidden"] = str(kit.mailstore.create_mailbox(jane.id, Folder("hidden", hidden=True)).id)
    ids["gone"] = str(kit.mailstore.create_mailbox(jane.id, Folder("gone")).id)
    ids["full"] = str(kit.mailstore.create_mailbox(jane.id, Folder("full")).id)
    for _ in range(5):
        kit.mailstore.append(jane.id, RAW)
    kit.mailstore.append(jane.id, RAW[:100], mailbox="gone")
    kit.mailstore.remove(jane.id, "INBOX", Selection.of([2]))
    kit.mailstore.delete_mailbox(jane.id, "gone")
    kit.mailstore.create_mailbox(jane.id, Folder("other"))
    kit.mailstore.append(john.id, RAW)
    ids["johnsfile"] = str(kit.files.add(john.number, kit.files.prepare(b"john")).id)
    ids["file"] = str(kit.files.add(jane.number, kit.files.prepare(b"x" * 90)).id)
    kit.principals.update(_suspended(kit, off.number))
    return World(kit, build_app(kit), kit.credentials.issue_token("admin", now=kit.clock()), ids)


def _suspended(kit: MailKit, number: int) -> Any:
    from msgspec.structs import replace

    return replace(kit.principals.get(number), suspended=True)


MAIL = "/users/$jane/mailboxes"
TEXT = {"content-type": "message/rfc822"}

REFUSED: list[tuple[str, str, Any, int, str]] = [
    # method, path, body, status, and the code or the one field that is named
    # uploads: over quota, over size, empty, broken, into what is not there
    ("POST", f"{MAIL}/$inbox/messages", RAW * 3, 400, "OverQuotaError"),
    ("POST", f"{MAIL}/$inbox/messages", {"text": "x" * 900}, 400, "OverQuotaError"),
    ("POST", f"{MAIL}/$inbox/messages", {"text": "x" * 900, "replacePrevious": {"id": 1}}, 400, "OverQuotaError"),
    ("POST", f"{MAIL}/$inbox/messages", b"Subject: x\r\n\r\n" + b"x" * LARGEST, 400, "InputValidationError"),
    ("POST", f"{MAIL}/$inbox/messages", {"text": "x" * LARGEST}, 400, "InputValidationError"),
    ("POST", f"{MAIL}/$inbox/messages", {"raw": ""}, 400, "EmptyMessage"),
    ("POST", f"{MAIL}/$inbox/messages", b"", 400, "EmptyMessage"),
    ("POST", f"{MAIL}/$inbox/messages", '{"raw": "Subject: x', 400, "InvalidContent"),
    ("POST", f"{MAIL}/$inbox/messages", "[]", 400, "InvalidContent"),
    ("POST", f"{MAIL}/$inbox/messages", {"text": "x", "unseen": "perhaps"}, 400, "InputValidationError"),
    ("POST", f"{MAIL}/$inbox/messages", {"text": "x", "attachments": [{"content": "%"}]}, 400, "InputValidationError"),
    *[
        ("POST", f"{MAIL}/$inbox/messages", {"text": "x", **said}, 400, field)
        for said, field in (
            ({"headers": [{"key": "a b", "value": "x"}]}, "headers,0,key"),
            ({"headers": [{"key": "X", "value": "y"}, {"key": "Content-Type", "value": "x/y"}]}, "headers,1,key"),
            ({"headers": [{"key": "X\r\nY", "value": "x"}]}, "headers,0,key"),
            ({"headers": [{"key": "X", "value": "y"}, {"key": "References", "value": "a<b"}]}, "headers,1"),
            ({"attachments": [{"content": "", "contentType": "text"}]}, "attachments,0,contentType"),
            ({"attachments": [{"content": "", "contentType": "a/b\r\nX: y"}]}, "attachments,0,contentType"),
            ({"attachments": [{"content": ""}, {"content": "", "cid": "a>b"}]}, "attachments,1,cid"),
            ({"attachments": [{"content": "", "filename": "a\x00b"}]}, "attachments,0,filename"),
            ({"attachments": [{"content": "%"}]}, "attachments,0,content"),
            ({"attachments": [{"content": "", "hash": "a" * 64}]}, "attachments,0,hash"),
            ({"date": 1 << 52}, "date"),
            ({"metaData": {"a": "x" * (1 << 20)}}, "metaData"),
        )
    ],
    ("POST", f"{MAIL}/$inbox/messages", '{"text": "\\ud800"}', 400, "InvalidContent"),
    ("POST", f"{MAIL}/$inbox/messages", '{"metaData": ' + '{"a":' * 5000 + "1" + "}" * 5001, 400, "InvalidContent"),
    ("POST", f"{MAIL}/$inbox/messages", '{"to":[' + "{}," * 600_000 + "{}]}", 400, "InvalidContent"),
    ("POST", f"{MAIL}/$nowhere/messages", RAW, 404, "NoSuchMailbox"),
    ("POST", f"{MAIL}/$gone/messages", RAW, 404, "NoSuchMailbox"),
    ("POST", f"{MAIL}/$gone/messages", {"text": "x"}, 404, "NoSuchMailbox"),
    ("POST", f"{MAIL}/$johns/messages", RAW, 404, "NoSuchMailbox"),
    ("POST", "/users/$nowhere/mailboxes/$inbox/messages", RAW, 404, "UserNotFound"),
    ("POST", "/users/$off/mailboxes/$offs/messages", RAW, 403, "UserDisabled"),
    # messages and mailboxes that are not there, or are somebody else's
    *[
        (method, path, body, status, code)
        for path, status, code in (
            (f"{MAIL}/$inbox/messages/2", 404, "MessageNotFound"),
            (f"{MAIL}/$inbox/messages/99", 404, "MessageNotFound"),
            (f"{MAIL}/$gone/messages/1", 404, "*"),
            (f"{MAIL}/$johns/messages/1", 404, "*"),
            (f"{MAIL}/$nowhere/messages/1", 404, "*"),
            ("/users/$nowhere/mailboxes/$inbox/messages/1", 404, "UserNotFound"),
        )
        for method, body in (
            ("PUT", {"seen": True}),
            ("PUT", {"moveTo": "$trash", "flagged": True}),
            ("DELETE", None),
        )
    ],
    ("GET", f"{MAIL}/$inbox/messages/2?markAsSeen=true", None, 404, "MessageNotFound"),
    ("GET", f"{MAIL}/$gone/messages/1?markAsSeen=true", None, 404, "NoSuchMailbox"),
    ("GET", f"{MAIL}/$johns/messages/1/message.eml", None, 404, "NoSuchMailbox"),
    ("GET", f"{MAIL}/$inbox/messages/1/attachments/ATT00001", None, 404, "AttachmentNotFound"),
    ("PUT", f"{MAIL}/$inbox/messages/1", {"moveTo": "$gone"}, 404, "NoSuchMailbox"),
    ("PUT", f"{MAIL}/$inbox/messages/1", {"moveTo": "$johns", "seen": True}, 404, "NoSuchMailbox"),
    ("PUT", f"{MAIL}/$inbox/messages/1", {"moveTo": "nowhere"}, 400, "InputValidationError"),
    ("PUT", f"{MAIL}/$inbox/messages/1", {}, 400, "InputValidationError"),
    ("PUT", f"{MAIL}/$inbox/messages/1", {"seen": True, "expires": "soon"}, 400, "InputValidationError"),
    ("PUT", f"{MAIL}/$inbox/messages/1", {"seen": True, "expires": 253_402_300_800_000}, 400, "expires"),
    ("PUT", f"{MAIL}/$inbox/messages/1", {"seen": True, "metaData": "[]"}, 400, "InputValidationError"),
    ("PUT", f"{MAIL}/$inbox/messages/1?expires=false", {"seen": True}, 400, "InputValidationError"),
    # ranges that are none
    *[
        ("PUT", f"{MAIL}/$inbox/messages", {"message": text, "seen": True}, 400, "InputValidationError")
        for text in (
            "",
            " ",
            "0",
            "-1",
            "1-5",
            "5:",
            ":5",
            "*",
            "*:1",
            "1:*:2",
            "1:2,4",
            "1,,2",
            "1,",
            "a",
            "１",
            "1.0",
            "0:3",
            "4294967296",
            "1:4294967296",
            "1,4294967296",
            "0x1",
            "1" * 40,
            ",".join(["1"] * 10_001),
            "1" + ",1000000000" * 10_000,
            1,
            [1],
            None,
        )
    ],
    # mailboxes
    ("POST", MAIL, {"path": "Trash"}, 400, "MailboxExistsError"),
    ("POST", MAIL, {"path": "other"}, 400, "MailboxExistsError"),
    ("POST", MAIL, {"path": "inbox"}, 400, "MailboxExistsError"),
    *[
        ("POST", MAIL, {"path": path}, 400, "InputValidationError")
        for path in (
            "",
            "/",
            "a//b",
            "a/",
            "a/" * 128 + "b",
            "a" * 513,
            "a\x00b",
            "a\nb",
            "a\u202egnp.exe",
            "a\u2028b",
        )
    ],
    ("POST", MAIL, {"path": "fine", "retention": -1}, 400, "InputValidationError"),
    ("POST", MAIL, {"path": "fine", "encryptMessages": "perhaps"}, 400, "InputValidationError"),
    ("PUT", f"{MAIL}/$inbox", {"path": "Other"}, 400, "DisallowedMailboxMethod"),
    ("PUT", f"{MAIL}/$hidden", {"path": "Other"}, 400, "DisallowedMailboxMethod"),
    ("PUT", f"{MAIL}/$full", {"path": "Trash", "subscribed": False}, 400, "MailboxExistsError"),
    ("PUT", f"{MAIL}/$full", {"path": "a//b", "subscribed": False}, 400, "InputValidationError"),
    ("PUT", f"{MAIL}/$gone", {"subscribed": False}, 404, "NoSuchMailbox"),
    ("PUT", f"{MAIL}/$johns", {"subscribed": False}, 404, "NoSuchMailbox"),
    *[("DELETE", f"{MAIL}/{name}", None, 400, "DisallowedMailboxMethod") for name in ("$inbox", "$junk", "$hidden")],
    *[("DELETE", f"{MAIL}/{name}", None, 404, "NoSuchMailbox") for name in ("$gone", "$johns", "$nowhere")],
    ("DELETE", f"{MAIL}/inbox", None, 400, "InputValidationError"),
    ("DELETE", f"{MAIL}/$johns/messages", None, 200, ""),  # of a mailbox that is not there, nothing is removed
    ("DELETE", f"{MAIL}/$gone/messages?async=true", None, 200, ""),
    # files
    ("POST", "/users/$jane/storage", {"content": "x" * 20}, 400, "OverQuotaError"),
    ("POST", "/users/$jane/storage", {"content": "%", "encoding": "base64"}, 400, "InputValidationError"),
    ("POST", "/users/$jane/storage", {"filename": "x"}, 400, "InputValidationError"),
    ("POST", "/users/$jane/storage", {"content": "x", "contentType": "text/html\r\nX-Evil: 1"}, 400, "contentType"),
    ("POST", "/users/$jane/storage", {"content": "x", "filename": "a\r\nb"}, 400, "filename"),
    ("POST", "/users/$jane/storage", {"content": "x", "cid": 'a"\r\nX: 1'}, 400, "cid"),
    ("POST", "/users/$nowhere/storage", {"content": "x"}, 404, "UserNotFound"),
    ("DELETE", "/users/$jane/storage/$johnsfile", None, 404, "FileNotFound"),
    ("DELETE", "/users/$jane/storage/x", None, 400, "InputValidationError"),
    ("GET", "/users/$jane/storage/$johnsfile", None, 404, "FileNotFound"),
    # Stalwart's
    ("DELETE", "/api/store/uids/nobody", None, 200, ""),
    ("GET", "/api/store/blobs/AAAA", None, 200, ""),
]


def test_what_is_refused_changes_nothing(world: World) -> None:
    async def story() -> None:
        before = world.dump()
        for method, path, body, status, code in REFUSED:
            how: dict[str, Any] = {}
            if isinstance(body, bytes):
                how = {"content": body, "headers": TEXT}
            elif body is not None:
                content = body if isinstance(body, str) else json.dumps(body)
                how = {"content": content, "headers": {"content-type": "application/json"}}
            answer = await world.ask(method, path, **how)
            said = f"{method} {path} {str(body)[:80]}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code == status, said
            if code in ("", "*"):
                pass
            elif code[0].isupper():
                assert answer.json()["code"] == code, said
            else:  # the field, and why
                assert answer.json()["code"] == "InputValidationError", said
                assert list(answer.json()["details"]) == [code], said
            after = world.dump()
            assert after == before, said

    asyncio.run(story())


def test_one_more_mailbox_than_there_may_be_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    there = len(world.kit.mailstore.mailboxes(number_of(world, "jane")))
    monkeypatch.setattr(world.kit.mailstore, "_most_mailboxes", lambda: there)
    before = world.dump()
    answer = asyncio.run(world.ask("POST", MAIL, json={"path": "one more"}))
    assert (answer.status_code, answer.json()["code"]) == (400, "DisallowedMailboxMethod")
    assert world.dump() == before


def number_of(world: World, name: str) -> int:
    return world.kit.principals.by_name(name).number


def test_a_body_that_is_cut_short_changes_nothing(world: World) -> None:
    """The client goes away in the middle of its upload."""
    sent: list[dict[str, Any]] = []

    async def story() -> None:
        coming: Iterator[dict[str, Any]] = iter(
            [{"type": "http.request", "body": RAW[:50], "more_body": True}, {"type": "http.disconnect"}]
        )

        async def receive() -> dict[str, Any]:
            return next(coming)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        path = f"{MAIL}/$inbox/messages".replace("$jane", world.ids["jane"]).replace("$inbox", world.ids["inbox"])
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [
                (b"content-type", b"message/rfc822"), (b"content-length", b"%d" % len(RAW)),
                (b"authorization", b"Bearer " + world.token.encode()),
            ],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http", "http_version": "1.1",
        }  # fmt: skip
        before = world.dump()
        await world.app(scope, receive, send)  # type: ignore[arg-type]
        assert world.dump() == before

    asyncio.run(story())
    assert sent[0]["status"] == 400


def test_bulk_work_that_is_refused_changes_nothing(world: World) -> None:
    mail, jane = world.kit.mailstore, number_of(world, "jane")
    everything = Selection(((1, 1 << 31),))
    before = world.dump()
    with pytest.raises(OverQuota):
        mail.copy(jane, "INBOX", everything, "Trash")
    with pytest.raises(OverQuota):
        mail.copy(jane, "INBOX", everything, "Trash", once="a name")
    for call in (mail.move, mail.copy):
        with pytest.raises(MailKitError):
            call(jane, "INBOX", everything, "Nowhere")
        with pytest.raises(MailKitError):
            call(jane, "Nowhere", everything, "INBOX")
    for path in ("Nowhere", "gone"):
        with pytest.raises(MailKitError):
            mail.clear(jane, path)
    assert world.dump() == before
