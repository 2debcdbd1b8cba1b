"""The first stage: header index and part tree as offsets."""

import pytest

from mailkit.mime.defects import Kind
from mailkit.mime.scan import MAX_DEPTH, MAX_PARTS, Scan, scan


def kinds(found: Scan) -> list[Kind]:
    return [defect.kind for defect in found.defects]


def types(found: Scan) -> list[str]:
    return [part.content_type.decode() for part in found.parts]


MIXED = (
    b"From: a@b.example\r\nContent-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n\r\npreamble\r\n"
    b"--outer\r\n\r\nfirst\r\n"
    b"--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n"
    b"--inner\r\nContent-Type: text/html\r\n\r\n<p>\r\n--inner--\r\nepilogue\r\n"
    b"--outer--\r\nrest"
)  # fmt: skip


def test_parts_are_in_source_order_with_their_offsets() -> None:
    found = scan(MIXED)
    assert types(found) == ["multipart/mixed", "text/plain", "multipart/alternative", "text/html"]
    assert [part.parent for part in found.parts] == [-1, 0, 0, 2]
    assert [MIXED[p.body_start : p.body_end] for p in found.leaves] == [b"first", b"<p>"]
    assert found.root.body_end == len(MIXED)
    assert found.defects == []


def test_line_ends_do_not_change_the_structure() -> None:
    for end in (b"\n", b"\r", b"\r\r\n"):
        found = scan(MIXED.replace(b"\r\n", end))
        assert types(found) == types(scan(MIXED))
        assert [part.decoded().strip() for part in found.leaves] == [b"first", b"<p>"]


def test_fields_tell_name_value_and_place() -> None:
    raw = b"Subject: one\r\n two\r\nX-A : 1\r\nSUBJECT:other\r\n\r\nbody"
    headers = scan(raw).headers
    assert headers.names == [b"subject", b"x-a", b"subject"]
    assert headers.get(b"subject") == b"one two"
    assert headers.all(b"subject") == [b"one two", b"other"]
    assert headers.get(b"x-b") is None
    assert b"x-a" in headers
    assert len(headers) == 3
    assert b"".join(raw[field.start : field.end] for field in headers) == raw[: headers.end]
    assert [raw[field.value_start : field.end] for field in headers] == [field.raw_value for field in headers]


def test_mbox_line_is_skipped() -> None:
    headers = scan(b"From me Thu Aug 22 12:36:23 2002\nTo: you\n\nhello").headers
    assert headers.names == [b"to"]
    assert [field.start for field in headers] == [33]


def test_junk_line_between_fields_is_passed_over() -> None:
    found = scan(b"A: 1\nno field here\nB: 2\n\nbody")
    assert found.headers.names == [b"a", b"b"]
    assert found.root.raw_body == b"body"
    assert kinds(found) == [Kind.HEADER_JUNK]


def test_body_without_empty_line_begins_at_the_first_line_that_is_no_field() -> None:
    found = scan(b"A: 1\nHello you,\nhow are you?\n")
    assert found.root.raw_body == b"Hello you,\nhow are you?\n"
    assert kinds(found) == [Kind.HEADER_UNSEPARATED]


def test_delimiter_of_the_outer_multipart_ends_the_inner() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\none\n--a\n\ntwo\n--a--\n"
    )
    found = scan(raw)
    assert [part.decoded() for part in found.leaves] == [b"one", b"two"]
    assert [part.parent for part in found.parts] == [-1, 0, 1, 0]
    assert kinds(found) == [Kind.BOUNDARY_UNCLOSED]


def test_same_boundary_inside_belongs_to_the_inner_multipart_until_it_is_closed() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\n\none\n--x\n\ntwo\n--x--\n--x\n\nthree\n--x--\n"
    )
    found = scan(raw)
    assert [part.parent for part in found.parts] == [-1, 0, 1, 1, 0]
    assert found.defects == []


def test_boundary_that_begins_like_another_is_not_taken_for_it() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--xy\n--x--y\n--x \t\n\ntwo\n--x--"
    assert [part.decoded() for part in scan(raw).leaves] == [b"one\n--xy\n--x--y", b"two"]


def test_missing_boundary_is_guessed() -> None:
    found = scan(b"Content-Type: multipart/mixed\n\n--q\n\none\n--q\n\ntwo\n--q--\n")
    assert [part.decoded() for part in found.leaves] == [b"one", b"two"]
    assert kinds(found) == [Kind.BOUNDARY_MISSING]


def test_multipart_whose_boundary_never_comes_is_a_leaf() -> None:
    found = scan(b"Content-Type: multipart/mixed; boundary=q\n\nhello\n")
    assert found.leaves == [found.root]
    assert kinds(found) == [Kind.BOUNDARY_UNSEEN]


def test_missing_closing_delimiter_loses_nothing() -> None:
    found = scan(b"Content-Type: multipart/mixed; boundary=q\n\n--q\n\none\n--q\n\ntwo")
    assert [part.decoded() for part in found.leaves] == [b"one", b"two"]
    assert kinds(found) == [Kind.BOUNDARY_UNCLOSED]


def test_part_may_have_no_header_and_no_empty_line() -> None:
    found = scan(b"Content-Type: multipart/mixed; boundary=q\n\n--q\nHello\nNote: x\n\n--q\n--q--")
    assert [part.decoded() for part in found.leaves] == [b"Hello\nNote: x\n", b""]


def test_enclosed_message_is_scanned() -> None:
    found = scan(b"Content-Type: message/rfc822\n\nSubject: in\nContent-Type: message/rfc822\n\nSubject: more\n\nx")
    assert types(found) == ["message/rfc822", "message/rfc822", "text/plain"]
    assert [part.headers.get(b"subject") for part in found.parts] == [None, b"in", b"more"]
    assert found.leaves[0].raw_body == b"x"


def test_digest_holds_messages_by_default() -> None:
    found = scan(b"Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: one\n\nx\n--d--\n")
    assert types(found) == ["multipart/digest", "message/rfc822", "text/plain"]


def test_encoded_message_stays_a_leaf() -> None:
    found = scan(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==")
    assert found.leaves == [found.root]
    assert kinds(found) == [Kind.ENCODED_CONTAINER]


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        (b"multipart/mixed; boundary=plain", b"plain"),
        (b"multipart/mixed; BOUNDARY = \"in quotes ;=\" ; x=y", b"in quotes ;="),
        (b"multipart/related; type=\"a; boundary=no\"; boundary=yes", b"yes"),
        (b"multipart/mixed; (boundary=no) boundary=yes", b"yes"),
        (b"multipart/mixed; boundary=\"es\\\"caped\"", b"es\"caped"),
        (b"multipart/mixed; boundary*0=\"two-\"; boundary*1=parts", b"two-parts"),
        (b"multipart/mixed\n boundary=\"no semicolon\"", b"no semicolon"),
        (b"multipart/mixed (comment); boundary=x", b"x"),
        (b"multipart/mixed; boundary=\"never closed", b"never closed"),
        (b"Multipart/Mixed; boundary=\"\xff\"", b"\xff"),
    ],
)  # fmt: skip
def test_boundary_is_read_from_every_form_of_the_parameter(value: bytes, boundary: bytes) -> None:
    found = scan(b"Content-Type: " + value + b"\n\n--" + boundary + b"\n\none\n--" + boundary + b"--\n")
    assert found.root.content_type == b"multipart/mixed" or b"related" in value
    assert found.root.boundary == boundary
    assert [part.decoded() for part in found.leaves] == [b"one"]


def test_nesting_beyond_the_cap_is_an_opaque_leaf() -> None:
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000))
    found = scan(raw)
    assert len(found.parts) == MAX_DEPTH + 1
    assert Kind.TOO_DEEP in kinds(found)
    assert found.parts[-1].is_leaf
    assert found.parts[-1].body_end == len(raw)
    messages = scan(b"Content-Type: message/rfc822\n\n" * 1000)
    assert len(messages.parts) == MAX_DEPTH + 1


def test_parts_beyond_the_cap_are_one_opaque_leaf() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n" + b"\n--b\n\nx" * 5000
    found = scan(raw)
    assert len(found.parts) == MAX_PARTS
    assert kinds(found) == [Kind.TOO_MANY_PARTS]
    assert found.parts[-1].body_end == len(raw)


@pytest.mark.parametrize(
    ("encoding", "body", "decoded"),
    [
        (b"base64", b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"BASE64", b"aGVsbG8", b"hello"),
        (b"base64 ", b"aGV!sb\xffG8=", b"hello"),
        (b"base64", b"aGVsbG8=aGVsbG8=", b"hellohello"),
        (b"base64", b"aGVsbG8=\n\n-- \nA footer. Unsubscribe here!", b"hello"),
        (b"base64", b"aGVsbG8hA", b"hello!"),
        (b"base64", b"!", b""),
        (b"quoted-printable", b"a=3D=\r\nb=e9 \r\nc", b"a=b\xe9\r\nc"),
        (b"Quoted-Printable", b"50% =ZZ = \nx=", b"50% =ZZ x"),
        (b"x-unknown", b"=3D", b"=3D"),
        (b"8bit", b"\xff", b"\xff"),
    ],
)
def test_transfer_encoding_is_undone_with_damage_tolerated(encoding: bytes, body: bytes, decoded: bytes) -> None:
    assert scan(b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body).root.decoded() == decoded


def test_empty_source_is_an_empty_message() -> None:
    found = scan(b"")
    assert types(found) == ["text/plain"]
    assert found.root.raw_body == b""
