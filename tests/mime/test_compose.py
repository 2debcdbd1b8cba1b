"""Composing: what is written is read back, by us and by the standard library; nothing gets out of its field."""

import email
import email.policy
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.mime.addresses import Address, Group, Mailbox
from mailkit.mime.compose import Draft, File, compose
from mailkit.mime.data_images import extract_data_images
from mailkit.mime.parameters import parse_parameters
from mailkit.mime.parse import parse
from mailkit.mime.scan import scan

NOON = datetime(2026, 3, 4, 12, 0, 5, tzinfo=timezone(timedelta(hours=1)))
ME = Mailbox("Me", "me@example.org")

# Text as a header can hold it: one line, no controls, nothing at the ends that folding would eat.
lines = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Co")), max_size=200).map(
    lambda text: " ".join(text.split(" ")).strip()
)
locals_ = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]{1,20}(\.[a-z0-9]{1,10}){0,2}", fullmatch=True)
domains = st.from_regex(r"[a-z0-9]{1,12}(\.[a-z0-9]{1,12}){1,3}", fullmatch=True)
mailboxes = st.builds(lambda name, local, domain: Mailbox(name, f"{local}@{domain}"), lines, locals_, domains)
groups = st.builds(
    lambda name, members: Group(name, tuple(members)), lines.filter(bool), st.lists(mailboxes, max_size=3)
)
addresses = st.lists(st.one_of(mailboxes, groups), max_size=4).map(tuple)
identifiers = st.builds(lambda left, right: f"{left}@{right}", locals_, domains)
bodies = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\ufeff\x1b"), max_size=400)
files = st.builds(
    File,
    content=st.binary(max_size=300),
    filename=lines.map(lambda name: " ".join(name.replace("/", "").replace("\\", "").split())),
    content_type=st.sampled_from(["application/pdf", "image/png", "application/octet-stream", "text/calendar"]),
    disposition=st.just("attachment"),
    encoding=st.sampled_from(["base64", "quoted-printable", "7bit", "8bit"]),
)  # fmt: skip


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=80)
@given(
    from_=addresses, to=addresses, subject=lines, ids=st.lists(identifiers, min_size=1, max_size=5, unique=True),
    text=bodies.filter(lambda text: text.strip() != ""), attached=st.lists(files, max_size=3),
)  # fmt: skip
def test_composed_message_is_read_back_as_it_was(
    from_: tuple[Address, ...], to: tuple[Address, ...], subject: str, ids: list[str], text: str, attached: list[File]
) -> None:
    draft = Draft(
        from_=from_, to=to, subject=subject, date=NOON, message_id=ids[0], references=tuple(ids),
        text=text, files=tuple(attached),
    )  # fmt: skip
    raw = compose(draft)
    message = parse(raw)
    assert message.envelope.from_ == from_
    assert message.envelope.to == to
    assert message.subject == " ".join(subject.split())
    assert message.date == NOON
    assert message.message_id == ids[0]
    assert message.envelope.references == tuple(ids)
    body = message.scan.leaves[0]
    assert unix(body.decoded().decode()).removesuffix("\n") == unix(text).removesuffix("\n")
    assert [(a.filename, message.attachment_bytes(a)) for a in message.attachments] == [
        (file.filename, file.content) for file in attached
    ]
    assert message.defects == ()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


@settings(max_examples=60)
@given(st.text(max_size=120), st.text(max_size=60))
def test_no_value_gets_out_of_its_field(text: str, name: str) -> None:
    hostile = text + "\r\nBcc: victim@example.net\r\n\r\nbody\n" + name
    draft = Draft(
        from_=(Mailbox(hostile, "a@example.org"),), to=(Group(hostile, (ME,)),), subject=hostile, text="x",
        files=(File(b"y", filename=hostile),), headers=(("X-Note", hostile), ("List-Id", "a\nb")),
    )  # fmt: skip
    found = scan(compose(draft))
    assert found.headers.names == [b"from", b"to", b"subject", b"x-note", b"list-id", b"mime-version", b"content-type"]
    assert len(found.parts) == 3
    assert found.parts[2].headers.names == [b"content-type", b"content-disposition", b"content-transfer-encoding"]


@pytest.mark.parametrize(
    "draft",
    [
        Draft(to=(Mailbox("", "a@b\r\nBcc: c@d"),)),
        Draft(to=(Mailbox("", "a@b>, <c@d"),)),
        Draft(to=(Mailbox("", "a b@c"),)),
        Draft(to=(Mailbox("x", "nobody"),)),
        Draft(message_id="a>\r\nX: y"),
        Draft(references=("a b",)),
        Draft(headers=(("X Y", "z"),)),
        Draft(headers=(("X:Y", "z"),)),
        Draft(headers=(("Content-Type", "text/html"),)),
        Draft(to=(ME,), headers=(("to", "a@b.example"),)),
        Draft(files=(File(b"", content_type="text"),)),
        Draft(files=(File(b"", content_type="text/html\r\nX: y"),)),
        Draft(files=(File(b"", content_type="text/html; ä=y"),)),
        Draft(files=(File(b"", content_id="a> <b"),)),
        Draft(files=(File(b"", disposition="inline\r\n"),)),
        Draft(date=datetime(2026, 1, 1)),
    ],
)
def test_what_cannot_be_written_is_refused(draft: Draft) -> None:
    with pytest.raises(Invalid):
        compose(draft)


def test_a_content_type_keeps_its_parameters() -> None:
    """What a calendar's invitation cannot do without (RFC 6047 2.4)."""
    invitation = File(
        b"BEGIN:VCALENDAR", filename="i.ics", content_type='Text/Calendar; method=REQUEST; name=x; v="a b"'
    )
    message = parse(compose(Draft(text="x", files=(invitation,))))
    declared = parse_parameters((message.scan.parts[2].headers.get(b"content-type") or b"").decode())
    assert declared.value == "text/calendar"
    assert declared.parameters == {"method": "REQUEST", "v": "a b", "name": "i.ics"}


def test_the_field_that_cannot_be_written_is_named_by_its_place() -> None:
    with pytest.raises(Invalid) as refused:
        compose(Draft(headers=(("X", "y"), ("References", "a<b"))))
    assert [problem.path for problem in refused.value.errors] == [("headers", 1)]


def test_same_draft_gives_same_bytes() -> None:
    draft = Draft(from_=(ME,), date=NOON, text="a", html="<p>a", files=(File(b"x"),))
    assert compose(draft) == compose(draft)
    assert compose(draft) != compose(Draft(from_=(ME,), date=NOON, text="a", html="<p>b", files=(File(b"x"),)))


def test_html_comes_with_its_alternative_and_images() -> None:
    picture = File(b"\x89PNG", filename="p.png", content_type="image/png", content_id="<p@x>")
    draft = Draft(html='<p>Hi <img src="cid:p@x"></p>', files=(picture, File(b"doc", filename="d.bin")))
    message = parse(compose(draft))
    assert [part.content_type.decode() for part in message.scan.parts] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "application/octet-stream",
    ]  # fmt: skip
    assert message.text == "Hi"
    assert message.html == ('<p>Hi <img src="attachment:ATT00001"></p>',)
    assert [(a.id, a.related, a.content_id) for a in message.attachments] == [
        ("ATT00001", True, "<p@x>"),
        ("ATT00002", False, ""),
    ]
    assert message.has_attachments


def test_attached_message_is_carried_as_it_is() -> None:
    inner = compose(Draft(from_=(ME,), subject="inner", text="ä"))
    raw = compose(Draft(subject="outer", text="see", files=(File(inner, content_type="message/rfc822"),)))
    found = scan(raw)
    assert inner in raw
    assert [part.headers.get(b"subject") for part in found.parts] == [b"outer", None, None, b"inner"]


def test_attached_message_with_bare_line_feeds_becomes_bytes() -> None:
    inner = b"Subject: x\n\nbody\n"
    found = parse(compose(Draft(text="see", files=(File(inner, content_type="message/rfc822"),))))
    assert found.attachments[0].content_type == "application/octet-stream"
    assert found.attachment_bytes(found.attachments[0]) == inner


def test_international_addresses() -> None:
    raw = compose(Draft(to=(Mailbox("Jürgen", "jürgen@bücher.example"), Mailbox("", "x@bücher.example"))))
    assert "jürgen@xn--bcher-kva.example" in raw.decode()
    assert parse(raw).envelope.to[1] == Mailbox("", "x@xn--bcher-kva.example")
    assert compose(Draft(to=(Mailbox("Ü", "x@bücher.example"),))).isascii()


def test_header_lines_stay_short_where_they_can() -> None:
    people = tuple(Mailbox(f"Person Number {n}", f"person{n}@example.org") for n in range(50))
    subject = "word " * 60 + "ünd " * 60
    raw = compose(Draft(to=people, subject=subject, references=tuple(f"id{n}@example.org" for n in range(40))))
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert parse(raw).envelope.to == people


@settings(max_examples=60)
@given(from_=mailboxes, subject=lines, text=bodies)
def test_standard_library_reads_it_the_same(from_: Mailbox, subject: str, text: str) -> None:
    raw = compose(Draft(from_=(from_,), subject=subject, text=text, date=NOON))
    seen = email.message_from_bytes(raw, policy=email.policy.compat32)
    body = seen.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert unix(body.decode()) == unix(text).replace("\x00", "")
    assert email.utils.parsedate_to_datetime(seen["Date"]) == NOON
    decoded = str(email.header.make_header(email.header.decode_header(seen["Subject"] or "")))
    assert " ".join(decoded.split()) == " ".join(subject.split())


def test_data_images_become_inline_files() -> None:
    source = (
        '<img alt=a src="data:image/png;base64,iVBORw==" data-filename="dot.png"><IMG src=data:image/png;base64,iVBORw>'
    )
    html, found = extract_data_images(source, "example.org")
    assert len(found) == 1
    assert found[0].filename == "dot.png"
    assert found[0].content == b"\x89PNG"
    assert html.count(f'"cid:{found[0].content_id}"') == 2
    message = parse(compose(Draft(html=html, files=found, date=NOON.astimezone(UTC))))
    assert message.html[0].count("attachment:ATT00001") == 2


def test_data_urls_that_are_no_images_stay() -> None:
    for source in ('<img src="data:text/html,x">', '<a href="data:image/png;base64,AA==">', '<img src="data:x">'):
        assert extract_data_images(source) == (source, ())
