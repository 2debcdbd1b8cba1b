"""The second stage: what a message says."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mailkit.mime.addresses import Group, Mailbox
from mailkit.mime.defects import Kind
from mailkit.mime.parse import Message, parse

ALTERNATIVE = (Path(__file__).parent / "messages" / "alternative.eml").read_bytes()


@pytest.fixture
def message() -> Message:
    return parse(ALTERNATIVE)


def test_envelope(message: Message) -> None:
    envelope = message.envelope
    assert envelope.from_ == (Mailbox("Jürgen", "j@example.org"),)
    assert envelope.to == (
        Mailbox("", "a@example.org"),
        Group("Team", (Mailbox("", "b@example.org"), Mailbox("", "c@example.org"))),
    )
    assert envelope.cc == (Mailbox("Doe, Jane", "jane@example.org"),)
    assert envelope.subject == "Grüße and more"
    assert envelope.date == datetime(2026, 3, 4, 12, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    assert envelope.message_id == "m1@example.org"
    assert envelope.in_reply_to == ("p1@example.org",)
    assert envelope.references == ("r1@example.org", "p1@example.org")


def test_texts(message: Message) -> None:
    assert message.text == "Hällo Wörld\ninner text"
    assert len(message.html) == 2
    assert message.html[0].startswith("<h1>Hällo</h1>")
    assert 'src="attachment:ATT00001"' in message.html[0]
    assert message.html[1] == "<p>inner text</p>\n"
    assert message.preview == "Hällo Wörld here inner text"


def test_attachments_have_stable_ids_in_tree_order(message: Message) -> None:
    assert [(a.id, a.filename, a.content_type, a.disposition, a.related) for a in message.attachments] == [
        ("ATT00001", "büld.png", "image/png", "", True),
        ("ATT00002", "Rächnung.pdf", "application/pdf", "attachment", False),
        ("ATT00003", "winmail.dat", "application/ms-tnef", "", False),
    ]
    assert message.attachment_bytes(message.attachments[1]) == b"%PDF"
    pdf = message.attachments[1]
    assert message.raw[pdf.body_start : pdf.body_end] == b"JVBERg=="
    assert message.has_attachments


def test_images_of_the_html_are_no_attachments_in_lists() -> None:
    raw = (
        b"Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<img src=cid:a>\n"
        b"--r\nContent-Type: image/gif\nContent-ID: a\n\nGIF\n--r--\n"
    )
    assert [a.content_id for a in parse(raw).attachments] == ["<a>"]
    assert not parse(raw).has_attachments


def test_received_list_and_thread_headers(message: Message) -> None:
    [hop] = message.received
    assert (hop.from_name, hop.from_ip, hop.by, hop.protocol) == (
        "mx.example.net", "192.0.2.7", "in.example.org", "ESMTPS",
    )  # fmt: skip
    lists = message.list_headers
    assert lists is not None
    assert (lists.id, lists.name, lists.one_click) == ("list.example.org", "The list", True)
    assert lists.unsubscribe == ("mailto:off@example.org", "https://example.org/off")
    assert message.thread_tokens == ("m1@example.org", "p1@example.org", "r1@example.org")
    assert parse(b"Subject: x\n\n").list_headers is None


def test_fields_are_all_there_decoded_and_in_order(message: Message) -> None:
    names = [name for name, _ in message.fields]
    assert names[:4] == ["From", "To", "Cc", "Subject"]
    assert dict(message.fields)["Subject"] == "Grüße and more"
    assert message.header("SUBJECT") == "Grüße and more"
    assert message.header("X-None") == ""


def test_bodies_are_those_of_rfc_8621(message: Message) -> None:
    assert [part.content_type for part in message.bodies.text] == [b"text/plain"]
    assert [part.content_type for part in message.bodies.html] == [b"text/html"]
    assert [part.content_type for part in message.bodies.attachments] == [
        b"image/png", b"application/pdf", b"message/rfc822",
    ]  # fmt: skip


def test_html_alone_has_a_text() -> None:
    message = parse(b"Content-Type: text/html\n\n<p>one<p>two")
    assert message.text == "one\n\ntwo"
    alone = b"Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/html\n\n<b>x</b>\n--a--"
    assert parse(alone).text == "x"


def test_plain_text_alone_is_rendered() -> None:
    assert parse(b"\nhello").html == ("<p>hello</p>\n",)
    assert not parse(b"\nhello").has_html
    assert parse(b"\n").html == ()


def test_multipart_without_parts_is_shown_as_text() -> None:
    message = parse(b"Content-Type: multipart/mixed; boundary=q\n\nhello\n")
    assert (message.text, message.attachments) == ("hello", ())


def test_unnamed_files_get_a_name_from_their_type() -> None:
    raw = b"Content-Type: image/png\n\nx"
    [attachment] = parse(raw).attachments
    assert attachment.filename == ""
    assert attachment.shown_name.endswith(".png")
    assert attachment.shown_name == parse(raw).attachments[0].shown_name


def test_text_between_html_parts_is_rendered() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n\n<b>x</b>\n"
        b"--a\n\n1 < 2\nline\n\nnext\n--a--"
    )
    assert parse(raw).html == ("<b>x</b>", "<p>1 &lt; 2<br/>line</p>\n<p>next</p>\n")
    assert parse(raw).text == "x\n1 < 2\nline\n\nnext"


def test_preview_is_cut_at_a_word_and_leaves_out_what_others_wrote() -> None:
    raw = b"\nHi,\n> quoted words\n=====\nsee [http://x] this " + b"word " * 60
    text = parse(raw).preview
    assert text.startswith("Hi, see this word word")
    assert text.endswith("word…")
    assert len(text) <= 129


def test_last_subject_and_date_count() -> None:
    raw = b"Subject: one\nSubject: two\nDate: 1 Jan 2020 00:00 +0000\nDate: 2 Jan 2020 00:00 +0000\n\n"
    message = parse(raw)
    assert message.subject == "two"
    assert message.date == datetime(2020, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"Date: sometime\n\n", Kind.DATE_INVALID),
        (b"Subject: a\nSubject: b\n\n", Kind.FIELD_REPEATED),
        (b"\n\x00", Kind.NUL),
        (b"\n\xe9", Kind.CHARSET_UNDECLARED),
        (b"Content-Type: text/plain; charset=x-nobody\n\n\xe9", Kind.CHARSET_UNKNOWN),
        (b"Content-Type: text/plain; charset=utf-8\n\n\xe9", Kind.CHARSET_WRONG),
        (b"Content-Type: text/plain; charset=us-ascii\n\n\xe9", Kind.CHARSET_WRONG),
        (b"Content-Transfer-Encoding: base64\n\naGV!sbG8", Kind.BASE64_DAMAGED),
        (b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nA", Kind.BASE64_DAMAGED),
        (b"Content-Transfer-Encoding: quoted-printable\n\n=XY", Kind.QUOTED_PRINTABLE_DAMAGED),
        (b"Content-Transfer-Encoding: rot13\n\n", Kind.ENCODING_UNKNOWN),
        (b"Content-Type: nonsense\n\n", Kind.CONTENT_TYPE_INVALID),
    ],
)
def test_defects_tell_kind_and_place(raw: bytes, kind: Kind) -> None:
    [defect] = parse(raw).defects
    assert defect.kind == kind
    assert 0 <= defect.offset < len(raw)


def test_sound_message_has_no_defects(message: Message) -> None:
    assert message.defects == ()


def test_uuencoded_files_are_found() -> None:
    raw = b"Subject: old\n\nhello\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n"
    [file] = parse(raw).uuencoded
    assert (file.name, file.data) == ("cat.txt", b"Cat")
    assert raw[14:][file.start : file.end].startswith(b"begin")
    encoded = b"Content-Type: image/gif\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 cat.txt\n#0V%T\n`\nend\n"
    assert parse(encoded).scan.root.decoded() == b"Cat"


def test_flowed_text_is_joined() -> None:
    raw = b"Content-Type: text/plain; format=flowed\n\nlong \nline\n> quoted \n> text\n>> deeper\n-- \nme\n From\n"
    assert parse(raw).text == "long line\n> quoted text\n>> deeper\n-- \nme\nFrom"


def test_delsp_joins_without_the_space() -> None:
    assert parse(b"Content-Type: text/plain; format=flowed; delsp=yes\n\nlo \nng\n").text == "long"


def test_html_charset_is_taken_from_the_document_if_undeclared() -> None:
    assert parse(b'Content-Type: text/html\n\n<meta charset="koi8-r"><p>\xf0\xd2\xc9').text == "При"


def test_large_text_takes_a_number_but_is_not_listed() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\n" + b"x" * 400_000 + b"\n"
        b"--a\nContent-Type: image/gif\n\nGIF\n--a--"
    )
    assert [a.id for a in parse(raw).attachments] == ["ATT00002"]
