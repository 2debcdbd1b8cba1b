"""Query strings, forms, JSON and cursors: the pure readers."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.errors import Invalid
from mailkit.http import json_text
from mailkit.http.cursor import Cursor, decode_cursor, encode_cursor
from mailkit.http.multipart import parse_form
from mailkit.http.paging import Position, number_page, position
from mailkit.http.querystring import nested


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", {}),
        ("a=1&b=x+y%21", {"a": "1", "b": "x y!"}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("action.seen=true", {"action": {"seen": "true"}}),
        ("or[query]=foo&or[from]=b", {"or": {"query": "foo", "from": "b"}}),
        ("a[b].c=1", {"a": {"b": {"c": "1"}}}),
        ("type[]=a&type[]=b", {"type": ["a", "b"]}),
        ("type[]=a", {"type": ["a"]}),
        ("tag=x&tag=y&tag=z", {"tag": ["x", "y", "z"]}),
        ("to[0]=a&to[1]=b", {"to": ["a", "b"]}),
        ("to[1][n]=b&to[0][n]=a", {"to": [{"n": "a"}, {"n": "b"}]}),
        ("a=1&a.b=2", {"a": {"": "1", "b": "2"}}),
        ("a[b=1", {"a[b": "1"}),
        ("a[b]c=1", {"a[b]c": "1"}),
        ("a.b.c.d.e.f=1", {"a.b.c.d.e.f": "1"}),
        ("[x]=1", {"[x]": "1"}),
    ],
)
def test_query_strings_nest(text: str, meant: object) -> None:
    assert nested(text) == meant


@given(st.text(alphabet="ab[].=&0%+", max_size=40))
def test_any_query_string_is_read(text: str) -> None:
    assert isinstance(nested(text), dict)


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(Invalid, match=r"query\.too_long"):
        nested("a=1&" * 1001 + "b=2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
        b'"\xff"',
        b"NaN",
        b'{"a":1}x',
        b"[" + b"[]," * 600_000 + b"1]",
    ],
    ids=["empty", "deep list", "deep object", "long number", "not utf-8", "NaN", "trailing", "many values"],
)
def test_json_bombs_are_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match=r"json\.invalid"):
        json_text.decode(body)


def test_a_large_text_is_no_bomb() -> None:
    assert len(json_text.decode(b'{"raw":"' + b"a" * 2_000_000 + b'"}')["raw"]) == 2_000_000


FORM = (
    b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n'
    b'--XX\r\nContent-Disposition: form-data; name=f; filename="x.bin"\r\nContent-Type: a/b\r\n\r\n\x00\r\n--X\r\n'
    b"--XX--\r\n"
)


def test_forms_of_parts_are_read() -> None:
    assert parse_form('multipart/form-data; boundary="XX"', FORM) == [("a", "one"), ("f", b"\x00\r\n--X")]
    assert parse_form("multipart/form-data; boundary=XX", b"preamble\r\n" + FORM)[0] == ("a", "one")
    assert parse_form("multipart/form-data; boundary=XX", b"--XX--") == []
    longer = FORM.replace(b"one", b"one\r\n--XXL\r\n--XX-\r\ntwo")
    assert parse_form("multipart/form-data; boundary=XX", longer)[0] == ("a", "one\r\n--XXL\r\n--XX-\r\ntwo")


@pytest.mark.parametrize("cut", range(0, len(FORM) - 4, 7))
def test_a_form_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(Invalid, match=r"form\.invalid"):
        parse_form("multipart/form-data; boundary=XX", FORM[:cut])


@given(st.text(min_size=1, max_size=10), st.none() | st.integers() | st.text(max_size=20), st.integers() | st.text())
def test_cursors_come_back_and_fit_the_wire(listing: str, value: int | str | None, row: int | str) -> None:
    try:
        text = encode_cursor(listing, Cursor(value, row))
    except UnicodeEncodeError:
        return  # lone surrogates are in no stored text
    except OverflowError:
        return
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    if any(isinstance(part, int) and abs(part) >= 1 << 53 for part in (value, row)):
        return
    assert decode_cursor(listing, text) == Cursor(value, row)
    with pytest.raises(Invalid):
        decode_cursor(listing + "x", text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_cursor_reader(text: str) -> None:
    with pytest.raises(Invalid):
        decode_cursor("a list that nobody has", text)


def cursor_text(row: int) -> str:
    return encode_cursor("l", Cursor(None, row))


def test_next_wins_and_previous_needs_a_page() -> None:
    there, back = cursor_text(1), cursor_text(2)
    assert position("l", next=there, previous=back, page=5) == Position(Cursor(None, 1))
    assert position("l", next=None, previous=back, page=2) == Position(Cursor(None, 2), backwards=True)
    assert position("l", next=None, previous=back, page=1) == Position()


@given(st.integers(0, 30), st.integers(1, 7))
def test_pages_partition_a_list_in_both_directions(total: int, limit: int) -> None:
    rows = list(range(total))

    def page(asked: Position) -> tuple[list[int], bool, bool]:
        edge = asked.after.id if asked.after else None
        if asked.backwards:
            before = [row for row in rows if row < edge]  # type: ignore[operator]
            return before[-limit:], len(before) > limit, True
        rest = rows if edge is None else [row for row in rows if row > edge]  # type: ignore[operator]
        return rest[:limit], edge is not None, len(rest) > limit

    seen: list[int] = []
    number, asked, numbers = 1, Position(), None
    while True:
        found, before, after = page(asked)
        edges = (Cursor(None, found[0]), Cursor(None, found[-1])) if found else (None, None)
        numbers = number_page("l", asked, number, before=before, after=after, first=edges[0], last=edges[1])
        seen += found
        assert numbers.page == (number if number > 1 else 1)
        if not isinstance(numbers.next, str):
            break
        number += 1
        asked = position("l", next=numbers.next, previous=None, page=number)
    assert seen == rows
    while isinstance(numbers.previous, str):
        asked = position("l", next=None, previous=numbers.previous, page=2)
        found, before, after = page(asked)
        assert found == rows[rows.index(found[0]) :][:limit]
        numbers = number_page(
            "l", asked, 2, before=before, after=after, first=Cursor(None, found[0]), last=Cursor(None, found[-1])
        )
    if total:
        assert found[0] == 0
        assert numbers.page == 1


@pytest.mark.parametrize("parts", [[10**30, 1], [1, 10**30], [None, 1 << 63], [-(10**30), "a"], [True, 1], [1, False]])
def test_a_cursor_holds_no_number_that_no_list_has(parts: list[object]) -> None:
    text = base64.urlsafe_b64encode(msgspec.json.encode(["getMessages", *parts])).decode()
    with pytest.raises(Invalid, match="no cursor of this list"):
        decode_cursor("getMessages", text)
