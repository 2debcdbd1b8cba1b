"""Replies on the wire, and the words for the domain's errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.errors import AlreadyExists, Conflict, Denied, Invalid, MailKitError, NotFound, OverQuota, Unavailable
from mailkit.listeners import Reply, reply_for


def test_a_reply_has_code_status_and_text() -> None:
    assert Reply(250, "2.1.5", "Ok").wire == b"250 2.1.5 Ok\r\n"
    assert Reply(354, None, "go").wire == b"354 go\r\n"
    assert str(Reply(250, "2.1.5", "Ok")) == "250 2.1.5 Ok"


def test_every_line_of_a_reply_has_the_status() -> None:
    assert Reply(550, "5.1.1", "one\ntwo").wire == b"550-5.1.1 one\r\n550 5.1.1 two\r\n"


@given(st.text(max_size=2000))
def test_no_text_can_split_a_reply(text: str) -> None:
    lines = Reply(550, "5.7.1", text).wire.split(b"\r\n")
    assert lines.pop() == b""
    assert all(line.startswith(b"550-5.7.1 ") for line in lines[:-1])
    assert lines[-1].startswith(b"550 5.7.1 ")
    assert all(len(line) <= 510 and line.isascii() and b"\r" not in line and b"\n" not in line for line in lines)


@pytest.mark.parametrize(("code", "status"), [(199, None), (600, None), (250, "5.1.1"), (250, "2.1"), (354, "3.0.0")])
def test_codes_that_cannot_be_are_refused(code: int, status: str | None) -> None:
    with pytest.raises(ValueError):
        Reply(code, status, "text")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OverQuota(None, "full"), "452 4.2.2 full"),
        (NotFound("address.unknown", "who?"), "550 5.1.1 who?"),
        (Denied(None, "no"), "550 5.7.1 no"),
        (Invalid(None, "bad"), "554 5.6.0 bad"),
        (Conflict(None, "again"), "451 4.3.0 again"),
        (Unavailable(None, "later"), "451 4.3.0 later"),
        (AlreadyExists(None, "odd"), "451 4.3.0 odd"),
    ],
)
def test_errors_of_the_domain_have_replies(error: MailKitError, expected: str) -> None:
    assert str(reply_for(error)) == expected
