"""Answers and forwards."""

import pytest
from attrs import evolve

from mailkit.mime.addresses import Mailbox
from mailkit.mime.compose import Draft, compose
from mailkit.mime.parse import Message, parse
from mailkit.mime.reply import (
    REFERENCES_LIMIT,
    forward,
    forward_subject,
    quote_text,
    reply,
    reply_references,
    reply_subject,
)

ANN, BOB, CEC = (Mailbox(name, f"{name.lower()}@example.org") for name in ("Ann", "Bob", "Cec"))


def message(**fields: object) -> Message:
    draft = Draft(from_=(ANN,), to=(BOB, CEC), subject="Plan", text="one\n> two", message_id="m@x")
    return parse(compose(evolve(draft, **fields)))  # type: ignore[arg-type]


def test_reply_goes_to_the_author() -> None:
    draft = reply(message(), own=["bob@example.org"])
    assert (draft.to, draft.cc, draft.subject) == ((ANN,), (), "Re: Plan")
    assert (draft.in_reply_to, draft.references) == (("m@x",), ("m@x",))


def test_reply_to_everyone_leaves_out_oneself_and_repetitions() -> None:
    draft = reply(message(cc=(CEC, ANN)), own=["bob@example.org"], everyone=True)
    assert (draft.to, draft.cc) == ((ANN,), (CEC,))


def test_reply_to_field_comes_first() -> None:
    assert reply(message(reply_to=(CEC,))).to == (CEC,)


def test_answering_oneself_goes_to_whom_one_wrote() -> None:
    assert reply(message(), own=["ann@example.org"]).to == (BOB, CEC)


def test_references_grow_at_the_end_and_stay_within_the_limit() -> None:
    assert reply_references(message(references=("a@x", "b@x"))) == ("a@x", "b@x", "m@x")
    assert reply_references(message(in_reply_to=("p@x",))) == ("p@x", "m@x")
    many = reply_references(message(references=tuple(f"r{n}@x" for n in range(80))))
    assert len(many) == REFERENCES_LIMIT
    assert (many[0], many[-2], many[-1]) == ("r0@x", "r79@x", "m@x")


@pytest.mark.parametrize(
    ("subject", "answer", "passed"),
    [("x", "Re: x", "Fwd: x"), ("Re: x", "Re: x", "Re: x"), ("AW: x", "AW: x", "AW: x"), ("", "Re:", "Fwd:")],
)
def test_subject_prefixes_are_not_repeated(subject: str, answer: str, passed: str) -> None:
    assert (reply_subject(subject), forward_subject(subject)) == (answer, passed)


def test_quotes() -> None:
    assert quote_text("one\n> two\n") == "> one\n>> two"
    draft = reply(message(html="<p>one<script>x</script>"))
    assert draft.text.endswith("Ann wrote:\n> one\n>> two\n")
    assert '<blockquote type="cite"><p>one</p></blockquote>' in draft.html


def test_forward_keeps_text_html_images_and_files() -> None:
    from mailkit.mime.compose import File

    files = (
        File(b"\x89PNG", filename="a.png", content_type="image/png", content_id="i@x"),
        File(b"data", filename="b.bin"),
    )
    original = message(html='<p>one <img src="cid:i@x">', files=files)
    again = parse(compose(forward(original)))
    assert again.subject == "Fwd: Plan"
    assert "Subject: Plan" in again.text
    assert 'src="attachment:ATT00001"' in again.html[0]
    assert [(a.filename, again.attachment_bytes(a)) for a in again.attachments] == [
        ("a.png", b"\x89PNG"),
        ("b.bin", b"data"),
    ]
