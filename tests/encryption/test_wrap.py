"""A message taken apart and put together: nothing lost, nothing twice, whatever bytes it is made of."""

import pytest
from fuzz.mime import PIECES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailkit.encryption.wrap import Entity, assemble, split
from mailkit.mime.parse import Message, parse
from mailkit.mime.scan import scan

FIELDS = [
    b"From: a@b.c\r\n", b"Subject: x\r\n y\r\n", b"Content-Type: text/html\n", b"content-id : <x>\n", b"junk\r\n",
    b"Mime-Version: 1.0\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"From x Mon\n", b"Content-Type: text/plain",
]  # fmt: skip
soup = st.lists(st.sampled_from([*PIECES, *FIELDS]) | st.binary(max_size=12), max_size=40).map(b"".join)
entity = Entity(b"Content-Type: application/octet-stream\r\n", b"sealed\r\n")


def shape(message: Message) -> list[tuple[bytes, bytes, bytes, int]]:
    """What a reader finds in a message."""
    return [(part.content_type, part.encoding, part.raw_body, part.depth) for part in message.scan.parts]


def clear_fields(message: Message) -> list[tuple[bytes, bytes]]:
    """The header fields that stay outside, by name and value."""
    return [
        (field.name, field.value)
        for field in message.headers
        if not field.name.startswith(b"content-") and field.name != b"mime-version"
    ]


@settings(max_examples=300)
@given(soup)
@example(b"")
@example(b"\r")
@example(b"no header at all")
@example(b"Content-Type: text/html")
@example(b"Subject: x\rFrom: y\rContent-Type: text/html\r\rbody\rbody")
@example(b"Subject: a\njunk\nContent-Type: text/html\njunk\nFrom: b\n\nbody")
@example(b"From x Mon\nContent-Type: text/html\n\n<p>")
@example(b"From \nC\no:")
@example(b"e:\n\r\r")
def test_a_reader_finds_inside_what_the_message_had(raw: bytes) -> None:
    parts = split(scan(raw))
    assert shape(parse(parts.inside)) == shape(parse(raw))


@settings(max_examples=300)
@given(soup)
@example(b"Subject: x\rFrom: y\rContent-Type: text/html\r\rbody\rbody")
@example(b"junk\nContent-Type: text/html\n\nbody")
@example(b"From \nC\no:")
@example(b" boundary=b\nSubject: x\n\n")
@example(b"\tX\nContent-Type: text/html\nSubject: x\n\n")
def test_a_reader_finds_outside_the_fields_of_the_message_and_the_new_content(raw: bytes) -> None:
    after = parse(assemble(split(scan(raw)), entity))
    assert clear_fields(after) == clear_fields(parse(raw))
    assert after.scan.root.content_type == b"application/octet-stream"
    assert after.scan.root.raw_body == entity.body
    assert after.headers.all(b"content-type") == [b"application/octet-stream"]
    assert b"mime-version" in after.headers


@settings(max_examples=300)
@given(soup)
def test_every_byte_is_on_one_side(raw: bytes) -> None:
    if b"\n" not in raw or raw.endswith(b"\r"):
        raw += b"\n"  # CR alone is no line end outside
    parts = split(scan(raw))
    sides = parts.first + parts.outside + parts.inside
    added = len(sides) - len(raw)
    assert added in (0, 2, 4)  # a line end, an empty line
    assert sorted(raw + b"\r\n" * (added // 2)) == sorted(sides)


def test_header_fields_stay_as_they_are_and_those_of_the_content_go_inside() -> None:
    raw = (
        b"Received: by mx\r\n\tfor <a@b.c>\r\nMIME-version: 1.0\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n"
        b"SUBJECT:  two  blanks \r\nContent-transfer-encoding: 8bit\r\n\r\nbl\xc3\xa5\r\n"
    )
    parts = split(scan(raw))
    assert parts.versioned
    assert parts.outside == b"Received: by mx\r\n\tfor <a@b.c>\r\nMIME-version: 1.0\r\nSUBJECT:  two  blanks \r\n"
    assert parts.inside == (
        b"Content-Type: text/plain;\r\n charset=utf-8\r\nContent-transfer-encoding: 8bit\r\n\r\nbl\xc3\xa5\r\n"
    )
    assert assemble(parts, entity) == entity.header + parts.outside + b"\r\nsealed\r\n"


@pytest.mark.parametrize("raw", [b"Dear Bob,\r\n\r\nthe secret\r\n", b"\r\nthe secret", b"the secret\x00\xff"])
def test_a_message_without_a_header_goes_inside_whole(raw: bytes) -> None:
    parts = split(scan(raw))
    assert parts.outside == b""
    assert parts.inside.endswith(raw)
    assert parts.inside.removesuffix(raw) in (b"", b"\r\n")


def test_fields_beyond_those_that_are_looked_at_go_inside() -> None:
    raw = b"X: y\r\n" * 12_000 + b"Content-Type: text/html\r\nLast: z\r\n\r\nbody"
    parts = split(scan(raw))
    assert parts.outside == b"X: y\r\n" * 10_000
    assert parts.inside == raw[len(parts.outside) :]
    assert shape(parse(parts.inside)) == shape(parse(raw))
    assert parse(assemble(parts, entity)).header("content-type") == "application/octet-stream"
