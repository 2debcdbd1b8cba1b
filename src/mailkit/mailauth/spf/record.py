"""SPF records (RFC 7208 sections 4.6, 5, 6 and 7.1): text in, terms out. Parsing does not depend on the message."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal, NamedTuple, TypeAlias

from attrs import frozen

from mailkit.mailauth.memo import memoized

__all__ = ["Directive", "Macro", "MacroString", "Record", "SpfSyntaxError", "is_spf", "parse_macros", "parse_record"]

Qualified: TypeAlias = Literal["pass", "fail", "softfail", "neutral"]

_QUALIFIERS: dict[str, Qualified] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?![A-Za-z0-9._-])(.*)", re.IGNORECASE | re.DOTALL
)
_MACRO = re.compile(r"%(?:\{([A-Za-z])([0-9]*)(r?)([.+,/_=-]*)\}|([%_-]))", re.IGNORECASE)
_LITERAL = re.compile(r"[!-$&-~]*")
_CIDR = re.compile(r"(.*?)(?:/([0-9]+))?(?://([0-9]+))?", re.DOTALL)
_TOPLABEL = re.compile(r"(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class SpfSyntaxError(ValueError):
    """The record is not SPF: the result is permerror."""


class Macro(NamedTuple):
    """`%{d2r-}`: letter, number of right-hand parts to keep (0: all), reversed, delimiters, URL-escaped."""

    letter: str
    keep: int
    reverse: bool
    delimiters: str
    escape: bool


MacroString: TypeAlias = tuple[str | Macro, ...]


class Directive(NamedTuple):
    """A mechanism with its qualifier. `target` is None when the domain under check itself is meant."""

    result: Qualified
    mechanism: str
    text: str
    target: MacroString | None = None
    network: tuple[int, int, int] | None = None
    """ip4, ip6: address family (4 or 6), network and mask as integers."""
    mask4: int = 0xFFFFFFFF
    mask6: int = (1 << 128) - 1


@frozen
class Record:
    """The terms of a record, in order; `redirect` and `exp` are its two known modifiers."""

    directives: tuple[Directive, ...]
    redirect: MacroString | None = None
    exp: MacroString | None = None


def is_spf(text: str) -> bool:
    """Whether a TXT record claims to be SPF (section 4.5)."""
    head = text[:7].lower()
    return head == "v=spf1 " or (head == "v=spf1" and len(text) == 6)


@memoized(4096)
def parse_record(text: str) -> Record:
    """Read a record for which `is_spf` holds; raises `SpfSyntaxError` naming the term."""
    if not text.isascii():
        raise SpfSyntaxError("the record is not ASCII")
    directives: list[Directive] = []
    modifiers: dict[str, MacroString] = {}
    for term in text[6:].split(" "):
        if not term:
            continue
        if match := _MODIFIER.fullmatch(term):
            name = match[1].lower()
            if name in ("redirect", "exp"):
                if name in modifiers:
                    raise SpfSyntaxError(f"{name}= stands twice")
                modifiers[name] = _domain_spec(match[2], term)
            else:
                parse_macros(match[2])  # an unknown modifier is ignored, but has to be well-formed (section 6)
        else:
            directives.append(_directive(term))
    return Record(tuple(directives), modifiers.get("redirect"), modifiers.get("exp"))


def parse_macros(text: str, *, explanation: bool = False) -> MacroString:
    """A macro-string (section 7.1); `explanation` allows spaces and the letters c, r and t."""
    parts: list[str | Macro] = []
    literal, position = "", 0
    while position < len(text):
        if text[position] != "%":
            if explanation:
                end = text.find("%", position)
                run = text[position:] if end < 0 else text[position:end]
            else:
                match = _LITERAL.match(text, position)
                run = match[0] if match else ""
            if not run:
                raise SpfSyntaxError(f"character not allowed in {text[:60]!r}")
            literal += run
            position += len(run)
            continue
        match = _MACRO.match(text, position)
        if match is None:
            raise SpfSyntaxError(f"malformed macro in {text[:60]!r}")
        position = match.end()
        if match[5]:
            literal += {"%": "%", "_": " ", "-": "%20"}[match[5]]
            continue
        letter = match[1].lower()
        if letter not in ("slodiphvcrt" if explanation else "slodiphv"):
            raise SpfSyntaxError(f"unknown macro letter in {match[0]!r}")
        if match[2] and not int(match[2][:9]):
            raise SpfSyntaxError(f"zero parts in {match[0]!r}")
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(Macro(letter, int(match[2][:9] or 0), bool(match[3]), match[4] or ".", match[1].isupper()))
    if literal:
        parts.append(literal)
    return tuple(parts)


def _directive(term: str) -> Directive:
    match = _DIRECTIVE.fullmatch(term)
    if match is None:
        raise SpfSyntaxError(f"unknown term {term[:60]!r}")
    result, name, rest = _QUALIFIERS[match[1] or "+"], match[2].lower(), match[3]
    if name == "all":
        if rest:
            raise SpfSyntaxError(f"all takes no argument: {term[:60]!r}")
        return Directive(result, name, term)
    if name in ("ip4", "ip6"):
        return Directive(result, name, term, network=_network(name, rest, term))
    if name in ("a", "mx"):
        argument = _CIDR.fullmatch(rest)
        assert argument is not None
        mask4, mask6 = _mask(argument[2], 32, term), _mask(argument[3], 128, term)
        return Directive(result, name, term, _target(argument[1], term), None, mask4, mask6)
    if not rest and name != "ptr":
        raise SpfSyntaxError(f"{name} needs a domain")
    return Directive(result, name, term, _target(rest, term))


def _target(rest: str, term: str) -> MacroString | None:
    if not rest:
        return None
    if not rest.startswith(":"):
        raise SpfSyntaxError(f"malformed term {term[:60]!r}")
    return _domain_spec(rest[1:], term)


def _domain_spec(text: str, term: str) -> MacroString:
    """A macro-string that ends in a macro or a top label (section 7.1)."""
    parts = parse_macros(text)
    if not parts or (isinstance(last := parts[-1], str) and not _ends_in_toplabel(last)):
        raise SpfSyntaxError(f"no domain in {term[:60]!r}")
    return parts


def _ends_in_toplabel(text: str) -> bool:
    """domain-end: a dot, a label that is not all digits, perhaps a dot (section 7.1)."""
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(dot) and _TOPLABEL.fullmatch(label) is not None


def _mask(digits: str | None, size: int, term: str) -> int:
    if digits is None:
        return (1 << size) - 1
    if (digits.startswith("0") and digits != "0") or len(digits) > 3 or int(digits) > size:
        raise SpfSyntaxError(f"malformed prefix length in {term[:60]!r}")
    return ((1 << int(digits)) - 1) << (size - int(digits))


def _network(name: str, rest: str, term: str) -> tuple[int, int, int]:
    size = 32 if name == "ip4" else 128
    address, slash, prefix = rest[1:].partition("/")
    try:
        number = int(IPv4Address(address)) if name == "ip4" else int(IPv6Address(address))
    except AddressValueError:
        number = -1
    if (
        number < 0
        or not rest.startswith(":")
        or "%" in address
        or (slash and not (prefix.isascii() and prefix.isdigit()))
    ):
        raise SpfSyntaxError(f"malformed network {term[:60]!r}")
    mask = _mask(prefix if slash else None, size, term)
    return (4 if name == "ip4" else 6), number & mask, mask
