"""What a Stalwart parameter may be, and the short names that request classes are written with.

The query is lenient: an empty value is an absent one, numbers that don't parse are ignored, flags are on when present
(S1.1). Bodies are strict: a wrong type, or a key too many, fails the whole body.
"""

from typing import Any

from attrs import frozen

from mailkit.errors import Invalid
from mailkit.http.declare import ABSENT, REQUIRED, Refused, Rule, Schema, takes
from mailkit.http.structure import ListOf, Nested

__all__ = [
    "body",
    "boolean",
    "choice",
    "commas",
    "in_path",
    "missing",
    "number",
    "pairs",
    "present",
    "query",
    "raw_body",
    "string",
    "strings",
    "unsigned",
    "values",
]


@frozen
class Query(Rule):
    """Text of the path or the query."""

    def read(self, value: object) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "string"}


@frozen
class Present(Rule):
    """On with any value, also `0`."""

    def read(self, value: object) -> Any:
        return True

    def schema(self) -> Schema:
        return {"type": "string", "description": "On when present with any value."}


@frozen
class Number(Rule):
    """A whole number; anything else is ignored."""

    def read(self, value: object) -> Any:
        text = str(value)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else ABSENT

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": 0}


@frozen
class Commas(Rule):
    """Texts separated by commas; empty ones are dropped."""

    def read(self, value: object) -> Any:
        return tuple(part for part in str(value).split(",") if part)

    def schema(self) -> Schema:
        return {"type": "string", "description": "Separated by commas."}


@frozen
class String(Rule):
    """A string of a body, of at most `most` bytes; with `nullable`, null is an absent one."""

    most: int = 512
    nullable: bool = False

    def read(self, value: object) -> Any:
        if value is None and self.nullable:
            return ABSENT
        if not isinstance(value, str):
            raise Refused.because("must be a string", "string")
        if len(value.encode("utf-8", "surrogatepass")) > self.most:
            raise Refused.because(f"must not be longer than {self.most} bytes", "max")
        return value

    def schema(self) -> Schema:
        return {"type": ["string", "null"] if self.nullable else "string", "maxLength": self.most}


@frozen
class Unsigned(Rule):
    """A whole number of a body that is not negative."""

    def read(self, value: object) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
            raise Refused.because("must be an unsigned integer", "integer")
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": 0}


@frozen
class Choice(Rule):
    """One of some texts of a body."""

    choices: tuple[str, ...]

    def read(self, value: object) -> Any:
        if value not in self.choices:
            raise Refused.because(f"must be one of {', '.join(self.choices)}", "choice")
        return value

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.choices)}


@frozen
class Either(Rule):
    """What the first rule takes, else what the second takes."""

    first: Rule
    second: Rule

    def read(self, value: object) -> Any:
        try:
            return self.first.read(value)
        except Refused as first:
            try:
                return self.second.read(value)
            except Refused as second:
                if isinstance(value, list):  # as what the fewest of its items are wrong
                    raise min(first, second, key=lambda one: (one.problems[0][0] == (), len(one.problems))) from None
                texts = [text.removeprefix("must be ") for each in (first, second) for _, text, _ in each.problems]
                forms = dict.fromkeys(form for text in texts for form in text.split(" or "))
                raise Refused.because(f"must be {' or '.join(forms)}", "either") from None

    def schema(self) -> Schema:
        return {"anyOf": [self.first.schema(), self.second.schema()]}


@frozen
class Ignored(Rule):
    """Taken with any value and not looked at: what an answer shows may be sent back."""

    def read(self, value: object) -> Any:
        return ABSENT

    def schema(self) -> Schema:
        return {"readOnly": True}


@frozen
class Boolean(Rule):
    """True or false in a body."""

    def read(self, value: object) -> Any:
        if not isinstance(value, bool):
            raise Refused.because("must be true or false", "boolean")
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@frozen
class Pair(Rule):
    """A list of a name and a text."""

    def read(self, value: object) -> Any:
        if not isinstance(value, list) or len(value) != 2 or not all(isinstance(part, str) for part in value):
            raise Refused.because("must be a pair of strings", "pair")
        return tuple(value)

    def schema(self) -> Schema:
        return {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}


def in_path(doc: str = "") -> Any:
    """A path parameter."""
    return takes(Query(), doc=doc)


def query(doc: str = "", *, default: Any = None, name: str | None = None) -> Any:
    """A text of the query."""
    return takes(Query(), default=default, doc=doc, name=name)


def present(doc: str = "", *, name: str | None = None) -> Any:
    """A flag of the query."""
    return takes(Present(), default=False, doc=doc, name=name)


def number(doc: str = "", *, default: int | None = 0, name: str | None = None) -> Any:
    """A number of the query."""
    return takes(Number(), default=default, doc=doc, name=name)


def commas(doc: str = "", *, name: str | None = None) -> Any:
    """Several texts of the query in one."""
    return takes(Commas(), default=(), doc=doc, name=name)


def body(cls: type[Any], doc: str = "", *, many: bool = False) -> Any:
    """The parsed body as an object of a class, or as a list of them."""
    rule: Rule = Nested(cls)
    return takes(ListOf(rule) if many else rule, doc=doc, source="body")


def raw_body(doc: str = "") -> Any:
    """The body as it came, bytes."""
    return takes(Query(), default=b"", doc=doc, source="raw")


def string(doc: str = "", *, most: int = 512, default: Any = REQUIRED, nullable: bool = False) -> Any:
    """A string of a body."""
    return takes(String(most, nullable), default=default, doc=doc)


def strings(doc: str = "", *, default: Any = ()) -> Any:
    """A list of strings of a body; one alone will do."""
    return takes(ListOf(String(), single=True), default=default, doc=doc)


def unsigned(doc: str = "", *, default: Any = REQUIRED, or_many: bool = False) -> Any:
    """A number of a body; with `or_many` also a list of them."""
    rule: Rule = Either(Unsigned(), ListOf(Unsigned())) if or_many else Unsigned()
    return takes(rule, default=default, doc=doc)


def choice(choices: tuple[str, ...], doc: str = "", *, default: Any = REQUIRED) -> Any:
    """One of some texts of a body."""
    return takes(Choice(choices), default=default, doc=doc)


def values(doc: str = "") -> Any:
    """A text, a number, or a list of either."""
    long = String(1 << 20)
    return takes(Either(Either(long, Unsigned()), Either(ListOf(long), ListOf(Unsigned()))), doc=doc)


def boolean(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """True or false in a body."""
    return takes(Boolean(), default=default, doc=doc)


def pairs(doc: str = "") -> Any:
    """A list of pairs of texts."""
    return takes(ListOf(Pair()), default=(), doc=doc)


def missing(name: str) -> Invalid:
    """The refusal of a body for want of a key that only some of its forms need."""
    return Invalid.field(name, f'"{name}" is required', kind="required")


def ignored() -> Any:
    """A key of a body that only answers carry."""
    return takes(Ignored(), default=None)
