"""The query language, WildDuck's `q` (W3.8) and what users expect beside it. Pure.

    query  = either                              words are joined by AND, which binds tighter than OR
    either = all *("or" all)
    all    = term *(["and"] term)
    term   = "-" term / "(" either ")" / [keyword ":"] value
    value  = word / prefix "*" / "quoted words"      a backslash takes the next character as it is

Keywords: from to cc bcc subject filename (parts of words will do), has:attachment, in, thread, is:unread (read seen
flagged starred), before, after, on (2024-05-31, 2024-05 or 2024), larger, smaller (10k, 5M). Others are ignored, as
WildDuck does. A free word also says that the message is not marked as deleted.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from mailkit.errors import Invalid
from mailkit.ids import Id
from mailkit.search.query import (
    ALL,
    NOTHING,
    Attached,
    Between,
    Flag,
    Not,
    Query,
    Thread,
    all_of,
    any_of,
    containing,
    phrase,
)

__all__ = ["MAX_QUERY", "parse"]

MAX_QUERY = 1024
"""Longest query in characters."""

_DEPTH = 50
_FIELDS: Final = {"from": "f", "to": "tcb", "cc": "c", "bcc": "b", "subject": "s", "filename": "n"}
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z-]*:")
_DATE = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?")
_SIZE = re.compile(r"(\d{1,12})\s*([kmg]?)b?", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30}


@frozen
class _Token:
    """`kind`: one of `( ) - and or term`. `at` is where it begins in the query, counted from 0."""

    kind: str
    at: int
    text: str = ""
    keyword: str = ""
    quoted: bool = False
    star: bool = False


def parse(text: str, *, place: Callable[[str], Query] = lambda _: NOTHING) -> Query:
    """The query that `text` asks. `place` says what a name after `in:` stands for.

    Raises Invalid `query.invalid` on the field `q`, with `position` (characters from 0) and the reason.
    """
    if len(text) > MAX_QUERY:
        raise _wrong(f"a query has at most {MAX_QUERY} characters", MAX_QUERY)
    tokens = _tokens(text)
    reader = _Reader(tokens, len(text), place)
    if not tokens:
        return ALL
    query = reader.either(0)
    if reader.now is not None:
        raise _wrong('this ")" has no "("', reader.now.at)
    return all_of(query, Not(Flag("\\Deleted"))) if reader.free_word else query


def _wrong(reason: str, at: int) -> Invalid:
    return Invalid.field("q", f"{reason} (at character {at + 1})", kind="query", code="query.invalid", position=at)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            at += 1
        elif character in "()":
            found.append(_Token(character, at))
            at += 1
        elif character == "-" and at + 1 < len(text) and not text[at + 1].isspace():
            found.append(_Token("-", at))
            at += 1
        else:
            token, at = _term(text, at)
            found.append(token)
    return found


def _term(text: str, start: int) -> tuple[_Token, int]:
    keyword, at = "", start
    if named := _KEYWORD.match(text, start):
        keyword, at = named[0][:-1].lower(), named.end()
        while at < len(text) and text[at].isspace():  # from: "amy smith"
            at += 1
    value: list[str] = []
    quoted = escaped = star = False
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            value.append(text[at + 1])
            escaped = True
            at += 2
        elif character == '"':
            closing = at + 1
            while closing < len(text) and text[closing] != '"':
                if text[closing] == "\\" and closing + 1 < len(text):
                    closing += 1
                value.append(text[closing])
                closing += 1
            if closing >= len(text):
                raise _wrong("this quote is never closed", at)
            quoted = True
            at = closing + 1
        elif character.isspace() or character in "()":
            break
        else:
            value.append(character)
            at += 1
    said = "".join(value)
    if said.endswith("*") and not quoted and not escaped:
        said, star = said.rstrip("*"), True
    if said.lower() in ("and", "or") and not keyword and not quoted and not escaped and not star:
        return _Token(said.lower(), start), at
    if keyword and not said and not quoted:
        raise _wrong(f'"{keyword}:" is followed by nothing', start)
    return _Token("term", start, said, keyword, quoted, star), at


@define
class _Reader:
    """Recursive descent over the tokens."""

    tokens: list[_Token]
    end: int
    place: Callable[[str], Query]
    at: int = 0
    free_word: bool = False
    _operator: _Token | None = field(default=None)

    @property
    def now(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def either(self, depth: int) -> Query:
        parts = [self.all(depth)]
        while (token := self.now) and token.kind == "or":
            self.at += 1
            self._operator = token
            parts.append(self.all(depth))
        said = [part for part in parts if part != ALL]  # what is ignored is no alternative
        return any_of(*said) if said else ALL

    def all(self, depth: int) -> Query:
        parts = [self.term(depth)]
        while (token := self.now) and token.kind not in ("or", ")"):
            if token.kind == "and":
                self.at += 1
                self._operator = token
            parts.append(self.term(depth))
        return all_of(*parts)

    def term(self, depth: int) -> Query:
        token = self.now
        if token is None or token.kind in ("and", "or", ")"):
            if self._operator is not None and (token is None or token.kind == ")"):
                raise _wrong(f'"{self._operator.kind}" is followed by nothing', self._operator.at)
            if token is None:
                raise _wrong("something is missing here", self.end)
            raise _wrong("there is nothing before this" if token.kind != ")" else "there is nothing in here", token.at)
        if depth > _DEPTH:
            raise _wrong(f"nested deeper than {_DEPTH} levels", token.at)
        self.at += 1
        self._operator = None
        if token.kind == "-":
            self._operator = _Token("-", token.at)
            return _negated(self.term(depth + 1))
        if token.kind == "(":
            inside = self.either(depth + 1)
            if self.now is None:
                raise _wrong('this "(" is never closed', token.at)
            self.at += 1
            return inside
        return self.condition(token)

    def condition(self, token: _Token) -> Query:
        value, keyword = token.text, token.keyword
        if not keyword:
            self.free_word = True
            return phrase(value, prefix=token.star)
        if not token.quoted:
            value = value.partition(",")[0]
        if keyword in _FIELDS:
            if token.star:
                return phrase(value, _FIELDS[keyword], prefix=True)
            return containing(value, _FIELDS[keyword])
        if keyword == "in":
            return self.place(value)
        known = _CONDITIONS.get(keyword)
        return ALL if known is None else known(value, token.at)


def _negated(query: Query) -> Query:
    if query == ALL:
        return ALL  # "-" before what is ignored
    return ALL if query == NOTHING else Not(query)


def _has(value: str, at: int) -> Query:
    return Attached() if value.lower() in ("attachment", "attachments") else ALL


def _thread(value: str, at: int) -> Query:
    try:
        return Thread(Id.parse(value))
    except ValueError:
        return ALL


_STATES: Final[dict[str, Query]] = {
    "unread": Not(Flag("\\Seen")),
    "unseen": Not(Flag("\\Seen")),
    "read": Flag("\\Seen"),
    "seen": Flag("\\Seen"),
    "flagged": Flag("\\Flagged"),
    "starred": Flag("\\Flagged"),
    "deleted": Flag("\\Deleted"),
}


def _is(value: str, at: int) -> Query:
    found = _STATES.get(value.lower())
    if found is None:
        raise _wrong(f'"is:" takes one of {", ".join(_STATES)}', at)
    return found


def _days(value: str, at: int) -> tuple[int, int]:
    """The first millisecond of a day, month or year in UTC, and the first one after it."""
    found = _DATE.fullmatch(value)
    try:
        if found is None:
            raise ValueError
        year, month, day = (int(part) if part else 0 for part in found.groups())
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            stop = start + timedelta(days=1)
        else:
            stop = datetime(year + (month in (0, 12)), month % 12 + 1 if month else 1, 1, tzinfo=UTC)
        return max(0, (start - _EPOCH) // _MS), max(0, (stop - _EPOCH) // _MS)
    except (ValueError, OverflowError):
        raise _wrong(f'"{value}" is no date: 2024-05-31, 2024-05 or 2024', at) from None


def _bytes(value: str, at: int) -> int:
    found = _SIZE.fullmatch(value)
    if found is None:
        raise _wrong(f'"{value}" is no size: 500, 10k or 5M', at)
    return min(int(found[1]) << _UNITS[found[2].lower()], (1 << 53) - 2)


_CONDITIONS: Final[dict[str, Callable[[str, int], Query]]] = {
    "has": _has,
    "thread": _thread,
    "is": _is,
    "before": lambda value, at: Between("date", most=_days(value, at)[0] - 1),
    "after": lambda value, at: Between("date", least=_days(value, at)[1]),
    "on": lambda value, at: Between("date", _days(value, at)[0], _days(value, at)[1] - 1),
    "larger": lambda value, at: Between("size", least=_bytes(value, at) + 1),
    "smaller": lambda value, at: Between("size", most=_bytes(value, at) - 1),
}
