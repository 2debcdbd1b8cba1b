"""Header values: examples of the damage that is tolerated, one law per test."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.mime.addresses import Group, Mailbox, mailboxes, parse_addresses
from mailkit.mime.charsets import codec_name, decode_charset
from mailkit.mime.dates import parse_date
from mailkit.mime.encoded_words import decode_header
from mailkit.mime.header_values import header_value
from mailkit.mime.list_headers import parse_phrases
from mailkit.mime.parameters import Parameterized, parse_parameters
from mailkit.mime.received import Received
from mailkit.mime.scan import scan
from mailkit.mime.threads import normalize_subject, reference_tokens


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?utf-8?B?4pg=?= =?utf-8?B?vw==?=", "☿"),  # a character split between two words
        (b"=?utf-8?Q?=E2=98?= =?utf-8?Q?=BF?=", "☿"),
        (b"=?UTF-8?q?What?s_up??=", "What?s up?"),
        (b"=?utf-8?Q?with space?= x", "with space x"),
        (b"=?x-unknown?Q?a=62c?=", "abc"),
        (b"=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        (b"=?utf-8?Q?never closed", "=?utf-8?Q?never closed"),
        (b"=?utf-8?B?aGVsbG8?=", "hello"),
        (b"=?windows-1252?Q?=80?=", "€"),
        (b"=?iso-8859-1?Q?=80?=", "€"),
        (b"raw \xc3\xa9", "raw é"),
        (b"raw \xe9", "raw é"),
        (b"two\r\n\tlines ", "two lines"),
        (b"=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        (b"=?gb2312?B?1tC5+g==?=", "中国"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
    ],
)
def test_header_text_is_decoded(value: bytes, text: str) -> None:
    assert decode_header(value) == text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("john@x.example (John)", [("John", "john@x.example")]),
        ("John Doe john@x.example", [("John Doe", "john@x.example")]),
        ("John <john@x.example", [("John", "john@x.example")]),
        ("<a@x.example, b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("<a . b @ x . example>", [("", "a.b@x.example")]),
        ("<Undisclosed Recipients@x.example>", [("", "Undisclosed Recipients@x.example")]),
        ("<=?utf-8?q?a=40b?=@x.example>", [("", "=?utf-8?q?a=40b?=@x.example")]),
        ("<<a@x.example>>", [("", "a@x.example")]),
        ('"John "Joe" Doe" <j@x.example>', [("John Joe Doe", "j@x.example")]),
        ('"unclosed <j@x.example>', [('"unclosed', "j@x.example")]),
        ("=?utf-8?q?a=0D=0ABcc=3A?= <j@x.example>", [("a Bcc:", "j@x.example")]),
        ("(unclosed <j@x.example>", [("(unclosed", "j@x.example")]),
        ('"a b"@x.example', [("", '"a b"@x.example')]),
        ("a@[192.0.2.1], b@[IPv6:::1]", [("", "a@[192.0.2.1]"), ("", "b@[IPv6:::1]")]),
        ("a@x.example; b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("jürgen@bücher.example", [("", "jürgen@bücher.example")]),
        ("mailto:a@x.example", [("", "a@x.example")]),
        ("root", [("", "root")]),
        (",, ,", []),
        ("", []),
        ("=?utf-8?q?a=2C_b?= <a@x.example>", [("a, b", "a@x.example")]),
        ("O'Neil, [x] <o@x.example>", [("", "O'Neil"), ("[x]", "o@x.example")]),
    ],
)
def test_addresses_are_read(value: str, found: list[tuple[str, str]]) -> None:
    assert [(box.name, box.address) for box in mailboxes(parse_addresses(value))] == found


def test_group_that_is_never_closed() -> None:
    assert parse_addresses("Team: a@x.example, b@x.example") == (
        Group("Team", (Mailbox("", "a@x.example"), Mailbox("", "b@x.example"))),
    )


def test_mailbox_parts() -> None:
    assert (Mailbox("", '"a@b"@x').local, Mailbox("", '"a@b"@x').domain) == ('"a@b"', "x")
    assert (Mailbox("", "a").local, Mailbox("", "a").domain) == ("a", "")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Thu, 22 Aug 2002 18:26:25 +0700", "2002-08-22T18:26:25+07:00"),
        ("Thu Aug 22 18:26:25 2002", "2002-08-22T18:26:25+00:00"),
        ("Thu Aug 22 18:26:25 EDT 2002", "2002-08-22T18:26:25-04:00"),
        ("Thu Aug 22 18:26:25 2002 -0400", "2002-08-22T18:26:25-04:00"),
        ("2002-08-22T18:26:25Z", "2002-08-22T18:26:25+00:00"),
        ("2002-08-22 18:26:25.123+02:00", "2002-08-22T18:26:25+02:00"),
        ("22-Aug-02 18:26 GMT+2", "2002-08-22T18:26:00+02:00"),
        ("Thursday, August 22, 2002 6:26 PM", "2002-08-22T18:26:00+00:00"),
        ("22 Aug 102 18:26:25 +0000", "2002-08-22T18:26:25+00:00"),
        ("22 Aug 2002 23:59:60 +0000", "2002-08-22T23:59:59+00:00"),
        ("22 Aug 2002 18:26:25 +9999", "2002-08-22T18:26:25+00:00"),
        ("22 Aug 2002 18:26:25 \"CET\"", "2002-08-22T18:26:25+00:00"),
    ],
)  # fmt: skip
def test_dates_are_read(text: str, moment: str) -> None:
    date = parse_date(text)
    assert date is not None
    assert date.isoformat() == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "32 Aug 2002 00:00", "22 Foo 2002 00:00", "22 Aug 2002", "1 Jan 0001 00:00 +0100"]
)
def test_what_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_every_rfc_5322_date_is_read(when: datetime, minutes: int) -> None:
    from datetime import timezone
    from email.utils import format_datetime

    aware = when.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_date(format_datetime(aware)) == aware


@pytest.mark.parametrize(
    ("text", "value", "parameters"),
    [
        ("text/plain charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ('a/b; name="x;y"; z=1', "a/b", {"name": "x;y", "z": "1"}),
        ("attachment; filename=my file (1).pdf", "attachment", {"filename": "my file (1).pdf"}),
        ("attachment; filename*=utf-8''%e2%82%ac.txt; filename=e.txt", "attachment", {"filename": "€.txt"}),
        ("attachment; filename*=no%20charset.txt", "attachment", {"filename": "no charset.txt"}),
        ("a/b; n*1*=%AC; n*0*=utf-8''%E2%82", "a/b", {"n": "€"}),
        ('a/b; n*0="=?utf-8?q?a"; n*1="b?="', "a/b", {"n": "ab"}),
        ("a/b; n=1; n=2", "a/b", {"n": "1"}),
        ('a/b; n="never closed; z=1', "a/b", {"n": "never closed; z=1"}),
        ("a/b;;; =; ;n = 1 ;", "a/b", {"n": "1"}),
    ],
)
def test_parameters_are_read(text: str, value: str, parameters: dict[str, str]) -> None:
    assert parse_parameters(text) == Parameterized(value, parameters)


def test_header_values_by_name() -> None:
    assert header_value(b"to", b"a@b") == (Mailbox("", "a@b"),)
    assert header_value(b"resent-date", b"x") is None
    assert header_value(b"date", b"1 Jan 2020 00:00 +0000") == datetime(2020, 1, 1, tzinfo=UTC)
    assert header_value(b"references", b"<a> <b>") == ("a", "b")
    assert header_value(b"content-type", b"a/b; c=d") == Parameterized("a/b", {"c": "d"})
    assert isinstance(header_value(b"received", b"by x"), Received)
    assert header_value(b"x-other", b"=?utf-8?q?a?=") == "a"
    assert parse_phrases(b"a, =?utf-8?q?b=2C?= c,,") == ("a", "b", "c")


@pytest.mark.parametrize(
    "label", ["zlib", "base64", "idna", "punycode", "rot13", "../x", "", "x" * 100, "unicode_escape"]
)
def test_codecs_that_are_no_charsets_are_unknown(label: str) -> None:
    assert codec_name(label) is None


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "utf-7", "utf-16", "iso-2022-jp", "hz", "big5", "x", None]))
def test_any_bytes_decode_in_any_charset(data: bytes, label: str | None) -> None:
    text, _ = decode_charset(data, label)
    assert isinstance(text, str)


def test_undeclared_cyrillic_is_guessed() -> None:
    text = "Здравствуйте, это обычное письмо на русском языке, написанное без указания кодировки. " * 3
    assert decode_charset(text.encode("koi8-r"), None)[0] == text


@pytest.mark.parametrize(
    ("subject", "normal"),
    [
        ("Re: Fwd: [list] RE :  hello  world (fwd)", "hello world"),
        ("Reply: x", "Reply: x"),
        ("[tag]", "[tag]"),
        ("fw: [a] [b] c", "c"),
    ],
)
def test_subject_is_normalised_for_threading(subject: str, normal: str) -> None:
    assert normalize_subject(subject) == normal


def test_reference_tokens_are_ten_at_most_and_nearest_first_kept() -> None:
    raw = (
        b"Message-ID: <m>\nThread-Index: " + b"A" * 40 + b"\nReferences: " + b" ".join(b"<r%d>" % n for n in range(30))
    )
    tokens = reference_tokens(scan(raw + b"\n\n").headers)
    assert len(tokens) == 10
    assert tokens[:3] == ("m", "A" * 22, "r0")
    assert tokens[-1] == "r29"
