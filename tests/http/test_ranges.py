import base64
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit import MailKit
from mailkit.http.answers import Content
from mailkit.http.later import OnThread
from mailkit.http.ranges import Unsatisfiable, Wanted, wanted_range
from mailkit.http.wildduck.attachments import GetAttachment, GetSource, get_attachment, get_source
from mailkit.principals.permits import LOCAL_ADMINISTRATOR


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-4", Wanted(0, 5, 10)),
        ("bytes=7-", Wanted(7, 10, 10)),
        ("bytes=5-99", Wanted(5, 10, 10)),
        ("bytes=-3", Wanted(7, 10, 10)),
        ("bytes=-30", Wanted(0, 10, 10)),
        ("BYTES=0-0", Wanted(0, 1, 10)),
        ("bytes=10-", Unsatisfiable(10)),
        ("bytes=-0", Unsatisfiable(10)),
        ("bytes=4-2", None),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("lines=0-1", None),
        ("", None),
    ],
)
def test_ranges(header: str, found: object) -> None:
    assert wanted_range(header, 10) == found


@given(st.text(max_size=20) | st.from_regex(r"bytes=\d{0,6}-\d{0,6}", fullmatch=True), st.integers(0, 1000))
def test_what_is_sent_is_there(header: str, size: int) -> None:
    found = wanted_range(header, size)
    if isinstance(found, Wanted):
        assert 0 <= found.start < found.stop <= size


def body(content: Content) -> bytes:
    assert isinstance(content.body, Iterable)
    return content.body if isinstance(content.body, bytes) else b"".join(content.body)


def test_ranges_of_large_mail_are_slices_of_it(kit: MailKit) -> None:
    """A message in several pieces, one of them a file; ranges that cross them."""
    dice = random.Random(7)
    leaf = dice.randbytes(700_000)
    raw = (
        b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        + b"text " * 5_000
        + b"\r\n--b\r\n"
        b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(leaf).replace(b"\n", b"\r\n")
        + b"\r\n--b--\r\n"
    )
    alice = kit.accounts.create("alice", address="alice@example.org")
    kit.mailstore.append(alice.id, raw)
    inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
    for _ in range(25):
        start = dice.randrange(len(leaf))
        stop = min(start + dice.choice((1, 100, 300_000, 1 << 20)), len(leaf))
        span = f"bytes={start}-{stop - 1}"
        asked = GetSource(user=alice.id, mailbox=inbox, message=1, range=span)
        source = get_source(kit, asked, LOCAL_ADMINISTRATOR)
        if isinstance(source, OnThread):  # what was fetched is written down now and then
            source = source.function()
        assert (source.status, source.size) == (206, stop - start)
        assert body(source) == raw[start:stop]
        ask = GetAttachment(user=alice.id, mailbox=inbox, message=1, attachment="ATT00001", range=span)
        part = get_attachment(kit, ask, LOCAL_ADMINISTRATOR)
        assert part.weight == 0  # it lies apart: the rest need not be read
        found = part.function()
        assert found.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(leaf)}"
        assert body(found) == leaf[start:stop]
