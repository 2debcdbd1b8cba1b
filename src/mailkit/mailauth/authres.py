"""Authentication-Results (RFC 8601): written, parsed, and stripped when forged.

Parsing keeps comments and takes every legal form: quoted values, nested comments, versions, `none`. Whoever can send
mail can write this field, so a field that cannot be parsed raises `Invalid` and is never guessed at.
"""

import re
from collections.abc import Collection, Iterable, Sequence

from attrs import frozen

from mailkit.errors import Invalid
from mailkit.mailauth.message import Field

__all__ = ["AuthenticationResults", "MethodResult", "Property", "parse", "payload", "strip_forged", "write"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+")
_PLAIN = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]*@?[!#$%&'*+.^_`{|}~0-9A-Za-z-]+")
_PROPERTY = re.compile(r"([A-Za-z0-9-]+)[ \t]*\.[ \t]*([A-Za-z0-9._-]+)")
_WORD = re.compile(r'[^\s();"=]+')
_VALUE = re.compile(r'[^\s();"]+')
_MAX_COMMENT_DEPTH = 32


@frozen
class Property:
    """What a method looked at: `smtp.mfrom`, `header.d`, `policy.iprev`."""

    type: str
    name: str
    value: str


@frozen
class MethodResult:
    """One resinfo: `dkim=pass (2048-bit key) header.d=example.org`."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[Property, ...] = ()
    comments: tuple[str, ...] = ()
    version: int = 1

    def get(self, type: str, name: str) -> str | None:
        """The value of the first such property."""
        return next((p.value for p in self.properties if p.type == type and p.name == name), None)


@frozen
class AuthenticationResults:
    """A whole field. No `results` means `none`: nothing was evaluated."""

    authserv_id: str
    results: tuple[MethodResult, ...] = ()
    version: int = 1
    comments: tuple[str, ...] = ()


def write(results: AuthenticationResults) -> bytes:
    """The field, one method per line, ending in CRLF. Control characters are dropped: nothing breaks out."""
    head = _value(results.authserv_id) + (f" {results.version}" if results.version != 1 else "")
    lines = [head + "".join(f" ({_comment(c)})" for c in results.comments)]
    lines += [_resinfo(one) for one in results.results] or ["none"]
    return ("Authentication-Results: " + ";\r\n\t".join(lines) + "\r\n").encode("utf-8", "surrogateescape")


def parse(value: str) -> AuthenticationResults:
    """Read the text after `Authentication-Results:`; raises Invalid (`authres`) where it is not the grammar."""
    scan = _Scanner(value)
    scan.skip()
    authserv_id = scan.word(_VALUE, "an authserv-id")
    version = 1
    scan.skip()
    if not scan.at(";") and not scan.done():
        version = _number(scan.word(_WORD, "a version"))
        scan.skip()
    comments = scan.take_comments()
    found: list[MethodResult] = []
    none = False
    while not scan.done():
        scan.expect(";")
        scan.skip()
        if scan.done():  # a semicolon at the end is a common slip
            break
        method = scan.word(_WORD, "a method")
        scan.skip()
        if method.lower() == "none" and (scan.done() or scan.at(";")):
            none = True
            continue
        found.append(_read_resinfo(scan, method))
    if not found and not none:
        raise Invalid("authres", "there is neither a result nor none")
    return AuthenticationResults(authserv_id, tuple(found), version, comments)


def payload(value: str) -> tuple[str, str]:
    """The authserv-id, and the unfolded text of all results after it: what an ARC-Authentication-Results repeats."""
    scan = _Scanner(value)
    scan.skip()
    authserv_id = scan.word(_VALUE, "an authserv-id")
    while not scan.done() and not scan.at(";"):
        scan.skip()
        if not scan.at(";") and not scan.done():
            scan.word(_VALUE, "a version")
    return authserv_id, re.sub(r"\s+", " ", value[scan.position + 1 :]).strip(" ;")


def strip_forged(fields: Sequence[Field], ours: Collection[str]) -> tuple[Field, ...]:
    """`fields` without those Authentication-Results that claim one of our ids (RFC 8601 section 5).

    A field that cannot be parsed goes too when one of our ids occurs in it: another reader might see it there.
    """
    ids = {name.lower() for name in ours}
    return tuple(field for field in fields if field.name != b"authentication-results" or not _claims(field, ids))


def _claims(field: Field, ids: Collection[str]) -> bool:
    text = field.value.decode("utf-8", "replace")
    try:
        return parse(text).authserv_id.lower() in ids
    except Invalid:
        return any(name in text.lower() for name in ids)


def _read_resinfo(scan: "_Scanner", method: str) -> MethodResult:
    while not scan.at("=") and not scan.done():  # white space and comments around the slash
        method += scan.word(_WORD, "a method version")
        scan.skip()
    name, slash, version = method.partition("/")
    scan.expect("=")
    scan.skip()
    result = scan.word(_WORD, "a result")
    reason, properties = "", []
    scan.skip()
    while not scan.done() and not scan.at(";"):
        key = scan.word(_WORD, "a property")
        scan.skip()
        while not scan.at("=") and not scan.done():  # white space around the dot
            key += scan.word(_WORD, "a property")
            scan.skip()
        scan.expect("=")
        scan.skip()
        value = scan.value()
        scan.skip()
        if key.lower() == "reason":
            reason = value
        elif match := _PROPERTY.fullmatch(key):
            properties.append(Property(match[1].lower(), match[2].lower(), value))
        else:
            raise Invalid("authres", f"{key[:40]!r} is no property")
    return MethodResult(
        name.lower(),
        result.lower(),
        reason,
        tuple(properties),
        scan.take_comments(),
        _number(version) if slash else 1,
    )


class _Scanner:
    """A position in the text; comments met on the way are collected."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.comments: list[str] = []

    def done(self) -> bool:
        return self.position >= len(self.text)

    def at(self, char: str) -> bool:
        return self.text.startswith(char, self.position)

    def expect(self, char: str) -> None:
        if not self.at(char):
            raise Invalid("authres", f"{char!r} expected at {self.text[self.position : self.position + 20]!r}")
        self.position += 1

    def word(self, pattern: "re.Pattern[str]", what: str) -> str:
        if self.at('"'):
            return self.quoted()
        match = pattern.match(self.text, self.position)
        if match is None:
            raise Invalid("authres", f"{what} expected at {self.text[self.position : self.position + 20]!r}")
        self.position = match.end()
        return match[0]

    def value(self) -> str:
        """A pvalue: quoted strings and text side by side, `"local part"@example.org`."""
        parts = []
        while not self.done() and not self.text[self.position].isspace() and self.text[self.position] not in ";()":
            parts.append(self.word(_VALUE, "a value"))
        return "".join(parts)

    def quoted(self) -> str:
        out, self.position = [], self.position + 1
        while not self.at('"'):
            if self.at("\\"):
                self.position += 1
            if self.done():
                raise Invalid("authres", "a quoted string has no end")
            out.append(self.text[self.position])
            self.position += 1
        self.position += 1
        return re.sub(r"\r\n(?=[ \t])", "", "".join(out))

    def skip(self) -> None:
        """White space and comments."""
        while not self.done():
            if self.text[self.position].isspace():
                self.position += 1
            elif self.at("("):
                self.comments.append(self.comment())
            else:
                return

    def comment(self) -> str:
        depth, out = 0, []
        while not self.done():
            char = self.text[self.position]
            self.position += 1
            if char == "\\" and not self.done():
                out.append(self.text[self.position])
                self.position += 1
                continue
            depth += (char == "(") - (char == ")")
            if depth > _MAX_COMMENT_DEPTH:
                raise Invalid("authres", "comments are nested too deep")
            if depth == 0:
                return re.sub(r"\s+", " ", "".join(out)[1:])
            out.append(char)
        raise Invalid("authres", "a comment has no end")

    def take_comments(self) -> tuple[str, ...]:
        taken, self.comments = tuple(self.comments), []
        return taken


def _resinfo(one: MethodResult) -> str:
    parts = [one.method + (f"/{one.version}" if one.version != 1 else "") + "=" + one.result]
    parts += [f"({_comment(comment)})" for comment in one.comments]
    if one.reason:
        parts.append(f"reason={_quote(one.reason)}")
    parts += [f"{p.type}.{p.name}={_value(p.value)}" for p in one.properties]
    return _wrap(parts)


def _wrap(parts: Iterable[str]) -> str:
    lines, width = [""], 0
    for part in parts:
        if width and width + len(part) > 70:
            lines.append(part)
            width = len(part)
        else:
            lines[-1] += (" " if lines[-1] else "") + part
            width += len(part) + 1
    return "\r\n\t ".join(lines)


def _value(text: str) -> str:
    clean = _printable(text)
    return clean if _PLAIN.fullmatch(clean) else _quote(clean)


def _quote(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", _printable(text)) + '"'


def _comment(text: str) -> str:
    return re.sub(r"([()\\])", r"\\\1", _printable(text))


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or "\udc80" <= char <= "\udcff")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("authres", f"{text[:20]!r} is no version")
    return int(text)
