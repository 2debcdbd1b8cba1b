"""Reverse-path and forward-path (RFC 5321 4.1.2, with the UTF-8 of RFC 6531 3.3): text in, a mailbox or the reason out.

Decided here, where the RFC leaves room:
- A source route (`<@a,@b:user@c>`) is read and ignored (RFC 5321 C: MUST accept, SHOULD ignore).
- A path is 256 octets at most (4.5.3.1.3), a domain 255 (4.5.3.1.2), a label 63. The 64 octets of a local part
  (4.5.3.1.1) are what everybody must support, not a ceiling: SRS and VERP senders pass them, so they are not enforced.
- An underscore is allowed in a domain: such senders exist, and RFC 2181 11 allows the name.
- A domain ends without a dot, and a mailbox has a domain; only Postmaster may do without (4.1.1.3).
"""

import re
from ipaddress import IPv4Address, IPv6Address

from attrs import frozen

from mailkit.errors import Invalid

__all__ = ["Mailbox", "parse_path"]

MAX_PATH = 256
MAX_DOMAIN = 255
MAX_LABEL = 63

# Non-ASCII characters are in each of these sets (RFC 6531 3.3), so the sets are written as the ASCII that is not;
# a range up to U+10FFFF takes re 10 ms to compile.
_ATEXT = r"""[^\x00-\x20"(),.:;<>@\[\\\]\x7f]"""
_ALNUM = r"[^\x00-/:-@\[-^`{-\x7f]"  # letters, digits and the underscore
_ALNUM_HYPHEN = r"[^\x00-,./:-@\[-^`{-\x7f]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED_STRING = re.compile(r'"((?:[^\x00-\x1f"\\\x7f]|\\[\x20-\x7e])*)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_LABEL = rf"{_ALNUM}(?:{_ALNUM_HYPHEN}*{_ALNUM})?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SHORT = re.compile(rf"<({_DOT_STRING.pattern})@({_DOMAIN.pattern})>")  # the same grammar in one step, for most paths
_LITERAL = re.compile(r"\[([!-Z^-~]+)\]")
_GENERAL_LITERAL = re.compile(r"[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+")
_ROUTE = re.compile(rf"@{_LABEL}(?:\.{_LABEL})*(?:,@{_LABEL}(?:\.{_LABEL})*)*:")
_JOINERS = str.maketrans("", "", "\u200c\u200d")  # RFC 5892 A.1, A.2: invisible, yet part of names in some scripts


@frozen
class Mailbox:
    """One address of an envelope. Case is kept as the client wrote it."""

    local: str
    """The local part without its quotes: `"a b"@x` has `a b`; `"joe"@x` and `joe@x` are the same mailbox."""
    domain: str
    """The domain, or an address literal with its brackets; empty for a bare Postmaster alone."""

    @property
    def is_ascii(self) -> bool:
        """Whether the address can be used without SMTPUTF8."""
        return self.local.isascii() and self.domain.isascii()

    def __str__(self) -> str:
        local = self.local
        if _DOT_STRING.fullmatch(local) is None:
            local = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{local}@{self.domain}" if self.domain else local


def parse_path(text: str) -> tuple[Mailbox | None, str]:
    """Reads a path from the front of `text`; gives the mailbox (None: the null path `<>`) and what follows the `>`.

    Raises Invalid (`address.syntax`, `address.too_long`), whose message names what is wrong. RFC 5321 4.1.2.
    """
    if not text.startswith("<"):
        raise _syntax("an address stands in angle brackets")
    if text.startswith("<>"):
        return None, text[2:]
    if (short := _SHORT.match(text)) and short.end() <= MAX_LABEL and text.isascii():
        return Mailbox(short[1], short[2]), text[short.end() :]
    at = 1
    if route := _ROUTE.match(text, at):
        at = route.end()
    start = at
    local, at = _local_part(text, at)
    if text.startswith(">", at) and local.lower() == "postmaster":
        return Mailbox(local, ""), text[at + 1 :]
    if not text.startswith("@", at):
        raise _syntax(f"after the local part comes @, not {_seen(text, at)}")
    domain, at = _domain(text, at + 1)
    if not text.startswith(">", at):
        raise _syntax(f"after the domain comes >, not {_seen(text, at)}")
    if len(text[start:at].encode()) + 2 > MAX_PATH:
        raise Invalid("address.too_long", f"a path has at most {MAX_PATH} octets (RFC 5321 4.5.3.1.3)")
    return Mailbox(local, domain), text[at + 1 :]


def _local_part(text: str, at: int) -> tuple[str, int]:
    if text.startswith('"', at):
        quoted = _QUOTED_STRING.match(text, at)
        if quoted is None:
            raise _syntax("the quoted local part does not end, or holds a control character")
        if not quoted[1]:
            raise _syntax("the local part is empty")
        _check_printable(quoted[1])
        return _QUOTED_PAIR.sub(r"\1", quoted[1]), quoted.end()
    found = _DOT_STRING.match(text, at)
    if found is None:
        what = "is empty" if text.startswith(("@", ">"), at) else f"cannot start with {_seen(text, at)}"
        raise _syntax(f"the local part {what}")
    if text.startswith(".", found.end()):
        raise _syntax("the local part has a dot at its end or two in a row; such a one is written in quotes")
    _check_printable(found[0])
    return found[0], found.end()


def _domain(text: str, at: int) -> tuple[str, int]:
    if text.startswith("[", at):
        literal = _LITERAL.match(text, at)
        if literal is None or not _is_address(literal[1]):
            raise _syntax("this is no address literal")
        return literal[0], literal.end()
    found = _DOMAIN.match(text, at)
    if found is None:
        what = "is empty" if text.startswith(">", at) else f"cannot start with {_seen(text, at)}"
        raise _syntax(f"the domain {what}")
    if text.startswith((".", "-"), found.end()):
        raise _syntax("a domain label is empty, or ends with a hyphen")
    domain = found[0]
    _check_printable(domain)
    if len(domain.encode()) > MAX_DOMAIN:
        raise Invalid("address.too_long", f"a domain has at most {MAX_DOMAIN} octets (RFC 5321 4.5.3.1.2)")
    # The 63 octets are those of the A-label; a U-label may be longer in UTF-8, but never in characters.
    if max(map(len, domain.split("."))) > MAX_LABEL:
        raise Invalid("address.too_long", f"a domain label has at most {MAX_LABEL} octets (RFC 1035 2.3.4)")
    return domain, found.end()


def _is_address(literal: str) -> bool:
    """RFC 5321 4.1.3: an IPv4 address, `IPv6:` and one, or another tag and its content."""
    tag, colon, address = literal.partition(":")
    try:
        if not colon:
            IPv4Address(literal)
        elif tag.lower() == "ipv6":
            IPv6Address(address)
        else:
            return _GENERAL_LITERAL.fullmatch(literal) is not None
    except ValueError:
        return False
    return "%" not in literal  # a zone id names an interface of somebody's machine


def _check_printable(text: str) -> None:
    """RFC 6531 3.3 takes any UTF-8 above ASCII; controls and blanks among it only serve to deceive."""
    if not text.isascii() and (not text.translate(_JOINERS).isprintable() or "\ufffd" in text):
        raise _syntax("the address holds an invisible character")


def _seen(text: str, at: int) -> str:
    return ascii(text[at]) if at < len(text) else "the end of the line"


def _syntax(message: str) -> Invalid:
    return Invalid("address.syntax", message)
