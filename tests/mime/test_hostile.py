"""Hostile input ends: in bounded time and memory, with a defect where something was left out.

No times are asserted (`benchmarks/mime.py` shows them); a quadratic step would keep any of these busy for minutes.
"""

import pytest

from mailkit.mime.addresses import LIMIT as ADDRESS_LIMIT
from mailkit.mime.data_images import extract_data_images
from mailkit.mime.defects import Kind
from mailkit.mime.header_index import FIELD_LIMIT
from mailkit.mime.parse import Message, parse
from mailkit.mime.scan import MAX_DEPTH, MAX_PARTS

MEGABYTE = 1_000_000


def read_all(raw: bytes) -> Message:
    message = parse(raw)
    for name in (
        "envelope", "fields", "received", "list_headers", "thread_tokens", "bodies", "attachments", "text", "html",
        "preview", "uuencoded", "defects",
    ):  # fmt: skip
        getattr(message, name)
    return message


def multipart(boundary: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n"


HOSTILE = {
    "delimiter-like lines": multipart(b"b") + b"\n--x" * 300_000,
    "delimiters that look like fields": multipart(b"b") + b"--b\n" + b"--b: x\n" * 100_000,
    "folded line": b"Subject: x\n" + b" y\n" * 300_000,
    "junk between fields": b"A: 1\n" + b"junk\nB: 2\n" * 100_000,
    "one line": b"Subject: x\n\n" + b"x" * (30 * MEGABYTE),
    "one header line": b"Subject: " + b"x" * (10 * MEGABYTE),
    "blanks in the header": b"Subject: x" + b" " * MEGABYTE + b"x\nContent-Type: text/plain" + b" " * MEGABYTE + b"x",
    "blanks in quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + b" " * MEGABYTE + b"x",
    "open comments": b"To: " + b"(" * MEGABYTE,
    "nested comments": b"To: " + b"(" * 300_000 + b")" * 300_000 + b"a@b",
    "open quotes": b"To: " + b'"\\' * 300_000,
    "open brackets": b"To: " + b"<a" * 300_000,
    "open literals": b"To: " + b"[" * 300_000,
    "words before an address": b"To: " + b"a " * 300_000 + b"@b",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 100_000,
    "encoded words never closed": b"Subject: " + b"=?utf-8?q?" * 300_000,
    "encoded words of many charsets": b"Subject: " + b"".join(b"=?x%d?q?a?= " % n for n in range(20_000)),
    "padding in an encoded word": b"Subject: =?utf-8?b?" + b"A=A=" * 100_000 + b"?=",
    "padding in base64": b"Content-Transfer-Encoding: base64\n\n" + b"A=\n" * 300_000,
    "parameters": b"Content-Type: text/plain" + b";a=b" * 300_000,
    "parameter sections": b"Content-Type: text/plain;" + b"".join(b"a*%d=x;" % n for n in range(100_000)),
    "comments in a parameter": b"Content-Type: text/plain; a=b " + b"(" * 300_000 + b")",
    "identifiers never closed": b"References: " + b"<" * MEGABYTE,
    "comments in a date": b"Date: " + b"(" * MEGABYTE,
    "blanks in a list identifier": b"List-Id: <" + b" " * MEGABYTE,
    "routes": b"To: <" + b"@" * MEGABYTE + b">",
    "words in Received": (b"Received: from x (" + b"a" * 5_000 + b")\n") * 200,
    "digits in Received": (b"Received: from x (" + b"1" * 5_000 + b")\n") * 200,
    "dots in Received": (b"Received: from x (" + b"a." * 2_000 + b"!)\n") * 200,
    "colons in Received": (b"Received: from x (" + b":" * 5_000 + b")\n") * 200,
    "comments in Received": b"Received: " + b"(from [" * 100_000,
    "open tags": b"Content-Type: text/html\n\n" + b"<a " * 300_000,
    "open comments in HTML": b"Content-Type: text/html\n\n" + b"<!--" * 300_000,
    "nested div": b"Content-Type: text/html\n\n" + b"<div>" * 300_000,
    "formatting elements": b"Content-Type: text/html\n\n" + b"<p><b><i><u><font><a>" * 300,
    "attributes": b"Content-Type: text/html\n\n<p " + b"".join(b"a%d " % n for n in range(200_000)),
    "flowed lines": b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 300_000,
    "uuencode headers": b"\n" + b"begin 644 a\n" * 100_000,
    "brackets in the text": b"\n" + b"[" * MEGABYTE,
    "carriage returns": b"A: b" + b"\r" * MEGABYTE + b"x\n",
    "NULs": b"\x00" * MEGABYTE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_reading_everything_ends(name: str) -> None:
    assert read_all(HOSTILE[name]).raw == HOSTILE[name]


def test_extracting_images_ends() -> None:
    for source in ("<img " * 200_000, "<img src=" + "data:," * 200_000, '<img src="data:image/png' + ";" * MEGABYTE):
        assert extract_data_images(source) == (source, ())


def test_nesting_is_capped() -> None:
    message = read_all(b"".join(multipart(b"b%d" % n) + b"--b%d\n" % n for n in range(1_000)))
    assert max(part.depth for part in message.scan.parts) == MAX_DEPTH
    assert Kind.TOO_DEEP in [defect.kind for defect in message.defects]


def test_parts_are_capped() -> None:
    message = read_all(multipart(b"b") + b"\n--b\nContent-Type: image/gif\n\nx" * 20_000)
    assert len(message.scan.parts) == MAX_PARTS
    assert len(message.attachments) == MAX_PARTS - 1
    assert [defect.kind for defect in message.defects] == [Kind.TOO_MANY_PARTS]


def test_header_fields_are_capped_and_the_body_is_still_found() -> None:
    message = read_all(b"X: y\n" * 300_000 + b"Content-Type: text/html\n\n<b>body")
    assert len(message.headers) == FIELD_LIMIT
    assert message.scan.root.raw_body == b"<b>body"
    assert Kind.HEADERS_TOO_MANY in [defect.kind for defect in message.defects]


def test_addresses_are_capped() -> None:
    assert len(read_all(b"To: " + b"a@b," * 100_000).envelope.to) == ADDRESS_LIMIT
