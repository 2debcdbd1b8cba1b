"""Address lists: plain ones are read in a shorter way, with the same result."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailkit.mime.addresses import Mailbox, _plain, _Reader, parse_addresses

PIECES = st.sampled_from(
    [
        *('"', "@", ".", "<", ">", " ", "\t", ",", "(c)", "[", "]", ";", ":", "\\", "\r\n ", "\x00", "\x0b", "\u00a0"),
        *(
            "a",
            "b.c",
            "John",
            "Q.",
            "=?utf-8?q?J=C3=B6rg?=",
            "=?",
            "?=",
            "\u00e9",
            "x@y",
            "<x@y>",
            ", ",
            '"a b"',
            "Jo <x@y.z>, ",
        ),
    ]
)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=10).map("".join))
@example('"Q. Public" <q@x.org> , b@x.org,')
@example("=?utf-8?q?J=C3=B6rg?= M <a@b>,c@d")
def test_a_plain_list_reads_as_the_whole_reader_reads_it(text: str) -> None:
    assert _plain(text) in ((), _Reader(text).read())
    assert parse_addresses(text) == _Reader(text).read()


@pytest.mark.parametrize(
    "text", ["alice@example.org", "Alice B. <alice@example.org>", '"B, Alice" <alice@example.org>, <b@c.d>']
)
def test_what_is_common_is_plain(text: str) -> None:
    assert _plain(text)
    assert all(isinstance(entry, Mailbox) for entry in _plain(text))
