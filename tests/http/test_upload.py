"""What an uploaded body is: a source as it stands, or one in base64."""

import base64
import tracemalloc

import pytest
from msgspec.structs import replace

from mailkit import MailKit
from mailkit.errors import Denied, NotFound
from mailkit.http.wildduck.upload import UploadMessage, _source, upload_message
from mailkit.principals.permits import LOCAL_ADMINISTRATOR


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


def test_an_account_that_is_switched_off_or_deleted_meanwhile_gets_nothing(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX")
    ask = UploadMessage(user=alice.id, mailbox=inbox.id, raw=b"Subject: late\r\n\r\n")
    store = upload_message(kit, ask, LOCAL_ADMINISTRATOR)
    alice = kit.principals.update(replace(kit.principals.get(alice.number), suspended=True))
    with pytest.raises(Denied, match=r"user\.disabled"):
        kit.transact(store)
    assert kit.mailstore.list(alice.id).total == 0
    kit.principals.update(replace(alice, suspended=False))
    store = upload_message(kit, ask, LOCAL_ADMINISTRATOR)
    kit.accounts.delete(alice.id)
    with pytest.raises(NotFound, match=r"user\.not_found"):
        kit.transact(store)
