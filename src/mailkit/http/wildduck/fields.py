"""The short names that WildDuck's request classes are written with (W1.3). `doc` ends up in the OpenAPI document.

from mailkit.http.wildduck import fields as take

limit: int = take.number("Most rows on a page", least=1, most=250, default=20)
"""

import re
from typing import Any

from mailkit.http.declare import REQUIRED, Rule, Source, request, takes
from mailkit.http.structure import ListOf, Nested
from mailkit.http.wildduck.rules import Choice, Date, Flag, HexId, Json, Made, OrFalse, Text, Whole, ip_literal
from mailkit.mime.compose import check_field_name, check_media_type
from mailkit.mime.write_header import is_identifier
from mailkit.principals.normalise import parse_address
from mailkit.principals.tags import normal_tags
from mailkit.principals.targets import parse_target

__all__ = [
    "Logged",
    "Paged",
    "any_of",
    "app_password",
    "comma_tags",
    "content_id",
    "cursor",
    "date",
    "date_or_false",
    "each",
    "email",
    "field_name",
    "file_name",
    "flag",
    "header",
    "hex_bytes",
    "id24",
    "ip_address",
    "items",
    "login",
    "media_type",
    "meta",
    "nested",
    "number",
    "password",
    "peer_address",
    "presented_token",
    "raw_body",
    "tags",
    "target",
    "target_list",
    "text",
    "username",
]


def text(
    most: int | None = None,
    doc: str = "",
    *,
    least: int = 0,
    trim: bool = False,
    lower: bool = False,
    empty: str = "absent",
    default: Any = REQUIRED,
    name: str | None = None,
) -> Any:
    """A string of at most `most` characters; `empty`: "absent" (the usual), "kept" or "refused"."""
    rule = Text(most=most, least=least, trim=trim, lower=lower, empty=empty)
    return takes(rule, default=default, doc=doc, name=name)


def number(
    doc: str = "",
    *,
    least: int | None = None,
    most: int | None = None,
    default: Any = REQUIRED,
    name: str | None = None,
) -> Any:
    """A whole number."""
    return takes(Whole(least, most), default=default, doc=doc, name=name)


def flag(doc: str = "", *, default: Any = False) -> Any:
    """True or false."""
    return takes(Flag(), default=default, doc=doc)


def id24(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """An `Id` in 24 hexadecimal digits."""
    return takes(HexId(), default=default, doc=doc)


def date(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """A point in time, as UTC milliseconds."""
    return takes(Date(), default=default, doc=doc)


def date_or_false(doc: str = "", *, default: Any = None) -> Any:
    """A point in time, or false for none."""
    return takes(OrFalse(Date()), default=default, doc=doc)


def any_of(choices: str, doc: str = "", *, default: Any = REQUIRED) -> Any:
    """One of the texts in `choices`, which spaces separate."""
    return takes(Choice(tuple(choices.split())), default=default, doc=doc)


def email(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """An e-mail address in its normal form; the domain has two labels or more."""
    return takes(_EMAIL, default=default, doc=doc)


def username(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """A login name, lower-case."""
    rule = Text(most=128, trim=True, lower=True, empty="refused", pattern=_USERNAME)
    return takes(rule, default=default, doc=doc)


def login(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """A login name as somebody may type it: an address may have a label."""
    rule = Text(most=128, trim=True, lower=True, empty="refused", pattern=_LOGIN)
    return takes(rule, default=default, doc=doc)


def file_name(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """A file's name: any text of one line."""
    rule = Text(most=255, pattern=re.compile(r"[^\x00-\x1f\x7f]*"), says="must not have control characters")
    return takes(rule, default=default, doc=doc)


def media_type(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """A media type, which may have parameters."""
    return takes(Made(check_media_type, most=255), default=default, doc=doc)


def content_id(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """A Content-ID, with or without angle brackets."""
    return takes(Made(_content_id, most=255), default=default, doc=doc)


def field_name(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """The name of a further header field."""
    return takes(Made(check_field_name, most=255), default=default, doc=doc)


def target(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """Where mail is forwarded to: an address, a mail relay's URL, or a web address."""
    return takes(_TARGET, default=default, doc=doc)


def target_list(doc: str = "", *, default: Any = ()) -> Any:
    """A list of forwarding targets."""
    return takes(ListOf(_TARGET), default=default, doc=doc)


def password(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """A password; empty or false says that there is none."""
    return takes(OrFalse(Text(most=256, empty="kept")), default=default, doc=doc)


def tags(doc: str = "", *, default: Any = ()) -> Any:
    """A list of tags in their one form (W1.12)."""
    return takes(_Tags(Text(most=128, trim=True)), default=default, doc=doc)


def comma_tags(doc: str = "", *, default: Any = ()) -> Any:
    """Tags separated by commas, lower-case, for looking up."""
    return takes(Made(lambda text: normal_tags(text.lower().split(","))), default=default, doc=doc)


def meta(doc: str = "", *, default: Any = None) -> Any:
    """An object of the client's own, kept as JSON text."""
    return takes(Json(), default=default, doc=doc)


def items(
    rule: Rule, doc: str = "", *, most: int | None = None, unique: bool = False, single: bool = False, default: Any = ()
) -> Any:
    """A list of what `rule` takes; with `single`, one alone will do."""
    return takes(ListOf(rule, most=most, unique=unique, single=single), default=default, doc=doc)


def nested(cls: type[Any], doc: str = "", *, default: Any = REQUIRED) -> Any:
    """An object of another request class."""
    return takes(Nested(cls), default=default, doc=doc)


def each(cls: type[Any], doc: str = "", *, drop_refused: bool = False, default: Any = ()) -> Any:
    """A list of objects of another request class."""
    return takes(ListOf(Nested(cls), drop_refused=drop_refused), default=default, doc=doc)


def cursor(doc: str) -> Any:
    """A cursor's text."""
    rule = Text(most=1024, pattern=re.compile(r"[a-zA-Z0-9_-]+"), says="must be a cursor from an earlier answer")
    return takes(rule, default=None, doc=doc)


def raw_body(doc: str = "", *, most: int, default: Any = None) -> Any:
    """The request's body as it came, or a text field of the same name."""
    return takes(_Bytes(most), default=default, doc=doc, source="raw")


def peer_address() -> Any:
    """The client's address; not a parameter."""
    return takes(Text(), default="", source="address")


def presented_token() -> Any:
    """The access token that the request came with; not a parameter."""
    return takes(Text(), default="", source="token")


def hex_bytes(doc: str = "", *, most: int = 65536) -> Any:
    """Bytes in hexadecimal digits."""
    return takes(Made(_from_hex, most=2 * most), doc=doc)


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("must only contain hexadecimal characters") from None


def ip_address(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """An IPv4 or IPv6 address."""
    return takes(Made(ip_literal, format="ip"), default=default, doc=doc)


def app_password(doc: str = "", *, default: Any = REQUIRED) -> Any:
    """16 lower-case letters."""
    return takes(Text(most=16, pattern=re.compile("[a-z]{16}")), default=default, doc=doc)


def header(name: Source) -> Any:
    """A header that the client sent, empty without one; not a parameter."""
    return takes(Text(empty="kept"), default="", source=name)


@request
class Logged:
    """What nearly every operation takes and only logs."""

    sess: str | None = text(255, "Session name for the log", default=None)
    ip: str | None = takes(Made(ip_literal, format="ip"), default=None, doc="End user's address for the log")


@request
class Paged(Logged):
    """What paged lists take (W1.10)."""

    limit: int = number("Most rows on a page", least=1, most=250, default=20)
    next: str | None = cursor("Show what follows this cursor, an answer's `nextCursor`")
    previous: str | None = cursor("Show what precedes this cursor; needs `page` of 2 or more")
    page: int = number("The page's number, only echoed", default=1)


_USERNAME = re.compile(r"[a-z0-9-]+(?:[._=:][a-z0-9-]+)*(?:@[a-z0-9-]+(?:[._=:][a-z0-9-]+)*)?")

_LOGIN = re.compile(r"[a-z0-9-]+(?:[._=:][a-z0-9-]+)*(?:(?:\+[^@\s]*)?@[a-z0-9-]+(?:[._=:][a-z0-9-]+)*)?")


def _address(text: str) -> str:
    return parse_address(text).normal


def _content_id(text: str) -> str:
    if not is_identifier(text):
        raise ValueError("must be a Content-ID")
    return text


_EMAIL = Made(_address, format="email")


_TARGET = Made(parse_target, most=2048)


class _Tags(ListOf):
    def read(self, value: object) -> tuple[str, ...]:
        return normal_tags(super().read(value))


class _Bytes(Rule):
    """Bytes of a body, or text that stands for them."""

    def __init__(self, most: int) -> None:
        self.most = most

    def read(self, value: object) -> bytes:
        from mailkit.http.declare import Refused

        if isinstance(value, str):
            value = value.encode()
        if not isinstance(value, bytes):
            raise Refused.because("must be a string", "string")
        if len(value) > self.most:
            raise Refused.because(f"length must be less than or equal to {self.most} bytes long", "max")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "binary", "maxLength": self.most}
