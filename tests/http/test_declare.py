"""Request classes: one declaration reads, names what is wrong, and documents."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailkit.errors import FieldError, Invalid
from mailkit.http.declare import request
from mailkit.http.schema import request_schema
from mailkit.http.structure import reader
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.rules import Choice, Text, Whole
from mailkit.ids import Id

HEX = "507f1f77bcf86cd799439011"


@request
class Inner:
    name: str = take.text(5, empty="refused")
    size: int = take.number(least=1, default=1)


@request
class Everything:
    user: Id = take.id24("Who")
    name: str | None = take.text(5, trim=True, default=None)
    lower: str = take.text(lower=True, default="")
    limit: int = take.number(least=1, most=250, default=20)
    on: bool = take.flag()
    until: int | bool | None = take.date_or_false()
    when: int | None = take.date(default=None)
    mail: str | None = take.email(default=None)
    kind: str = take.any_of("a b", default="a")
    tags: tuple[str, ...] = take.tags()
    scopes: tuple[str, ...] = take.items(Choice(("imap", "pop3")), unique=True, single=True)
    numbers: tuple[int, ...] = take.items(Whole(), most=3)
    meta: str | None = take.meta()
    inner: Inner | None = take.nested(Inner, default=None)
    many: tuple[Inner, ...] = take.each(Inner)
    target: str | None = take.target(default=None)
    from_: str | None = take.text(default=None)


def read(**values: Any) -> Everything:
    ask: Everything = reader(Everything)({"user": HEX, **values})
    return ask


def refusal(**values: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(**values)
    return {",".join(map(str, error.path)): error.message for error in caught.value.errors}


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("user", HEX.upper(), Id.parse(HEX)),
        ("name", "  abc ", "abc"),
        ("name", "", None),
        ("name", "   ", None),
        ("lower", "ABC", "abc"),
        ("limit", "50", 50),
        ("limit", 50.0, 50),
        ("limit", "", 20),
        ("limit", "7.0", 7),
        *(("on", text, True) for text in (True, "true", "TRUE", "Y", "yes", "on", "1", 1)),
        *(("on", text, False) for text in (False, "false", "N", "no", "OFF", "0", 0, "")),
        ("until", False, False),
        ("until", "", None),
        ("until", "2026-01-02T03:04:05.678Z", 1767323045678),
        ("when", "1767323045678", 1767323045678),
        ("when", 1767323045678, 1767323045678),
        ("when", "Fri, 02 Jan 2026 03:04:05 GMT", 1767323045000),
        ("when", "2026-01-02", 1767312000000),
        ("mail", "Some.One@EXAMPLE.org", "some.one@example.org"),
        ("mail", "", None),
        ("kind", "b", "b"),
        ("tags", ["b", " a ", "", "B"], ("a", "b")),
        ("scopes", "imap", ("imap",)),
        ("numbers", ["1", 2], (1, 2)),
        ("meta", {"a": [1]}, '{"a":[1]}'),
        ("meta", '{"a": [1]}', '{"a":[1]}'),
        ("meta", "", None),
        ("inner", {"name": "x"}, Inner(name="x")),
        ("many", [{"name": "x", "size": "2"}], (Inner(name="x", size=2),)),
        ("target", "smtp://mx.example.com:25", "smtp://mx.example.com:25"),
        ("target", "A@example.org", "a@example.org"),
    ],
)
def test_conversions(name: str, given: object, meant: object) -> None:
    assert getattr(read(**{name: given}), name) == meant


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("user", "5", "length must be 24 characters long"),
        ("user", "z" * 24, "must only contain hexadecimal characters"),
        ("user", 5, "must be a string"),
        ("name", "abcdef", "length must be less than or equal to 5 characters long"),
        ("name", 5, "must be a string"),
        ("name", None, "must be a string"),
        ("limit", "0", "must be greater than or equal to 1"),
        ("limit", 251, "must be less than or equal to 250"),
        ("limit", "x", "must be a number"),
        ("limit", True, "must be a number"),
        ("limit", 1.5, "must be an integer"),
        ("limit", None, "must be a number"),
        ("on", "maybe", "must be a boolean"),
        ("on", 2, "must be a boolean"),
        ("until", "false", "must be a valid date"),
        ("until", True, "must be a valid date"),
        ("when", "yesterday", "must be a valid date"),
        ("kind", "c", "must be one of [a, b]"),
        ("kind", ["a"], "must be one of [a, b]"),
        ("tags", "a", "must be an array"),
        ("numbers", [1, 2, 3, 4], "must contain less than or equal to 3 items"),
        ("meta", "[1]", "must be of type object"),
        ("meta", "{", "must be an object or a JSON text of one"),
        ("inner", [], "must be of type object"),
        ("inner", "{}", "must be of type object"),
        ("target", "http://", "must be a valid uri"),
    ],
)
def test_refusals_in_joi_s_words(name: str, given: object, reason: str) -> None:
    assert refusal(**{name: given}) == {name: f'"{name}" {reason}'}


def test_every_wrong_value_is_named_with_its_path() -> None:
    assert refusal(
        limit="x", inner={"name": "", "zz": 1}, many=[{"name": "ok"}, {"size": 0}], scopes=["imap", "imap"], odd=1
    ) == {
        "limit": '"limit" must be a number',
        "inner,name": '"inner.name" is not allowed to be empty',
        "inner,zz": '"inner.zz" is not allowed',
        "many,1,name": '"many.1.name" is required',
        "many,1,size": '"many.1.size" must be greater than or equal to 1',
        "scopes,1": '"scopes.1" contains a duplicate value',
        "odd": '"odd" is not allowed',
    }


def test_an_email_without_two_labels_is_refused() -> None:
    assert refusal(mail="user@localhost")["mail"].startswith('"mail" must be a valid email')


def test_a_required_value_is_named_when_it_is_missing_or_empty() -> None:
    @request
    class Needs:
        text: str = take.text()

    for values in ({}, {"text": ""}):
        with pytest.raises(Invalid) as caught:
            reader(Needs)(values)
        assert caught.value.errors[0].message == '"text" is required'


def test_unknown_keys_can_be_ignored() -> None:
    assert reader(Inner, "ignored")({"name": "x", "more": 1}) == Inner(name="x")


def test_a_trailing_underscore_is_not_on_the_wire() -> None:
    assert read(**{"from": "x"}).from_ == "x"
    assert refusal(from_="x") == {"from_": '"from_" is not allowed'}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([n for n in request_schema(Everything)["properties"] if n != "user"]), json)
@example("numbers", [float("inf")])
@example("limit", float("nan"))
def test_whatever_comes_is_taken_or_refused_by_name(name: str, value: object) -> None:
    problems: tuple[FieldError, ...] = ()
    try:
        read(**{name: value})
    except Invalid as error:
        problems = error.errors
    assert all(problem.path[0] == name for problem in problems)


def test_the_schema_says_what_the_rules_say() -> None:
    schema = request_schema(Everything)
    assert schema["required"] == ["user"]
    assert schema["properties"]["user"] == {"type": "string", "pattern": "^[0-9a-fA-F]{24}$", "description": "Who"}
    assert schema["properties"]["limit"] == {"type": "integer", "minimum": 1, "maximum": 250, "default": 20}
    assert schema["properties"]["many"]["items"]["required"] == ["name"]
    assert "from" in schema["properties"]


def test_text_patterns_match_the_whole_value() -> None:
    import re

    rule = Text(pattern=re.compile("[a-z]+"), says="is odd")
    with pytest.raises(Exception, match="is odd"):
        rule.read("abc\n")
