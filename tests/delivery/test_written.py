"""Messages that users write, and what follows from the one they are about."""

import pytest

from mailkit.delivery.written import Referred, Written, whitelisted, write
from mailkit.mime.addresses import Mailbox
from mailkit.mime.parse import parse

JANE = Mailbox("Jane", "jane@example.org")
ASKED = parse(
    b"From: Ann <ann@x.example>\r\nReply-To: list@x.example\r\nTo: jane@example.org, bob@x.example\r\n"
    b"Subject: Lunch\r\nMessage-ID: <2@x>\r\nReferences: <1@x>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nAt noon?\r\n"
    b"--b\r\nContent-Type: application/x\r\nContent-Disposition: attachment; filename=one\r\n\r\n1\r\n"
    b"--b\r\nContent-Type: application/x\r\nContent-Disposition: attachment; filename=two\r\n\r\n2\r\n--b--\r\n"
)
NOW = 1_700_000_000_000


def made(said: Written, about: Referred | None = None):  # type: ignore[no-untyped-def]
    return parse(write(said, message_id="new@example.org", date=NOW, own={"jane@example.org"}, about=about))


def test_an_answer_goes_to_whom_it_should() -> None:
    answer = made(Written(JANE, text="Yes"), Referred(ASKED, "reply"))
    assert (answer.subject, answer.header("to"), answer.header("cc")) == ("Re: Lunch", "list@x.example", "")
    assert (answer.header("in-reply-to"), answer.header("references")) == ("<2@x>", "<1@x> <2@x>")
    everyone = made(Written(JANE, text="Yes"), Referred(ASKED, "replyAll"))
    assert everyone.header("cc") == "bob@x.example"


def test_what_was_said_stays() -> None:
    said = Written(JANE, to=(Mailbox("", "eve@x.example"),), subject="", text="x", headers=(("References", "<9@x>"),))
    answer = made(said, Referred(ASKED, "replyAll"))
    assert (answer.subject, answer.header("to"), answer.header("cc")) == ("", "eve@x.example", "")
    assert answer.header("references") == "<9@x>"


@pytest.mark.parametrize(
    ("wanted", "names"), [(True, ["one", "two"]), (("ATT00002",), ["two"]), (False, []), (("ATT00009",), [])]
)
def test_wanted_attachments_are_passed_on(wanted: bool | tuple[str, ...], names: list[str]) -> None:
    passed = made(Written(JANE, text="see"), Referred(ASKED, "forward", wanted))
    assert [item.filename for item in passed.attachments] == names
    assert (passed.subject, passed.header("to"), passed.header("in-reply-to")) == ("Fwd: Lunch", "", "")


def test_images_written_into_html_become_parts() -> None:
    message = made(Written(JANE, html='<p>x<img src="data:image/png;base64,aGk="></p>'))
    assert [(item.content_type, item.related) for item in message.attachments] == [("image/png", True)]
    assert message.text.startswith("x")


def test_whitelist_patterns() -> None:
    patterns = ["boss@x.example", "*@y.example", "sales*"]
    assert whitelisted("BOSS@x.example", patterns)
    assert whitelisted("any@y.example", patterns)
    assert whitelisted("sales-eu@z.example", patterns)
    assert not whitelisted("the-boss@x.example", patterns)
    assert not whitelisted("presales@z.example", patterns)
