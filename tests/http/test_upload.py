"""What an uploaded body is: a source as it stands, or one in base64."""

import base64
import tracemalloc
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from mailkit import MailKit
from mailkit.errors import Denied, NotFound
from mailkit.http.declare import UNSET
from mailkit.http.later import OnThread
from mailkit.http.wildduck import message
from mailkit.http.wildduck.message import GetMessage
from mailkit.http.wildduck.upload import Reference, Uploaded, UploadMessage, _source, upload_message
from mailkit.ids import new_id
from mailkit.mime.sanitize import sanitize_html
from mailkit.principals.permits import LOCAL_ADMINISTRATOR
from mailkit.storage.api import Tx


def test_base64_is_read_with_line_ends_and_without() -> None:
    source = b"Subject: x\r\n\r\ny" * 50
    assert _source(base64.encodebytes(source)) == source
    assert _source(base64.b64encode(source)) == source
    assert _source(source) == source
    assert _source(b"no base64, and no header either") == b"no base64, and no header either"


def test_white_space_between_the_digits_costs_no_memory() -> None:
    spaced = b"AA " * (1 << 20)
    tracemalloc.start()
    try:
        _source(spaced)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(spaced)
    finally:
        tracemalloc.stop()


def test_ten_megabytes_of_html_are_cut_before_they_are_made_safe(kit: MailKit, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX")
    paragraph = "<p onclick=x>été <b>world</b></p>\n".encode()
    head = b"Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    kit.mailstore.append(alice.id, head + paragraph * (10 * 1024 * 1024 // len(paragraph)))
    worked: list[int] = []

    def watched(source: str) -> str:
        worked.append(len(source.encode()))
        return sanitize_html(source)

    monkeypatch.setattr(message, "sanitize_html", watched)
    found = message.get_message(kit, GetMessage(user=alice.id, mailbox=inbox.id, message=1), LOCAL_ADMINISTRATOR)
    assert found.weight >= 10 << 20
    shown = found.function()
    assert worked == [655_360]
    assert shown.html is not UNSET
    assert "onclick" not in shown.html[0]
    assert len(shown.text) <= 102_400


def test_much_text_is_cut(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX")
    kit.mailstore.append(alice.id, b"Subject: x\r\n\r\n" + b"hello world\r\n" * 100_000)
    ask = GetMessage(user=alice.id, mailbox=inbox.id, message=1)
    shown = message.get_message(kit, ask, LOCAL_ADMINISTRATOR).function()
    assert len(shown.text) == 102_400
    assert shown.html is not UNSET
    assert sum(len(piece.encode()) for piece in shown.html) <= 655_360 + 100  # and the end of its last paragraph


def commit_of(kit: MailKit, ask: UploadMessage) -> Callable[[Tx], Uploaded]:
    made = upload_message(kit, ask, LOCAL_ADMINISTRATOR)
    assert not isinstance(made, OnThread)
    return made


def test_what_goes_into_a_message_from_the_store_waits_for_room(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX")
    kit.mailstore.append(alice.id, b"Subject: large\r\n\r\n" + b"x" * 1_000_000)
    file = kit.files.add(alice.number, kit.files.prepare(b"y" * 1_000_000))
    about = Reference(mailbox=inbox.id, id=1, action="forward")
    ask = UploadMessage(user=alice.id, mailbox=inbox.id, text="x", files=(file.id, new_id()), reference=about)
    made = upload_message(kit, ask, LOCAL_ADMINISTRATOR)
    assert isinstance(made, OnThread)
    assert made.weight > 2 * 4 * 1_000_000
    stored = kit.transact(made.function())
    assert stored.message.id == 2


def test_an_account_that_is_switched_off_or_deleted_meanwhile_gets_nothing(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX")
    ask = UploadMessage(user=alice.id, mailbox=inbox.id, raw=b"Subject: late\r\n\r\n")
    store = commit_of(kit, ask)
    alice = kit.principals.update(replace(kit.principals.get(alice.number), suspended=True))
    with pytest.raises(Denied, match=r"user\.disabled"):
        kit.transact(store)
    assert kit.mailstore.list(alice.id).total == 0
    kit.principals.update(replace(alice, suspended=False))
    store = commit_of(kit, ask)
    kit.accounts.delete(alice.id)
    with pytest.raises(NotFound, match=r"user\.not_found"):
        kit.transact(store)
