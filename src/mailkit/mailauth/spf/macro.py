"""Macro expansion (RFC 7208 section 7)."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from mailkit.mailauth.lookup import Address
from mailkit.mailauth.spf.record import Macro, MacroString

__all__ = ["dotted", "expand", "fit"]

_UNRESERVED = "-._~"


def expand(parts: MacroString, values: Mapping[str, str]) -> str:
    """Put the values, by lower-case letter, into the macro-string."""
    return "".join([part if isinstance(part, str) else _one(part, values[part.letter]) for part in parts])


def fit(name: str) -> str:
    """A name of at most 253 characters: leading labels are dropped (section 7.3)."""
    name = name.removesuffix(".")
    if len(name) <= 253:
        return name
    dot = name.find(".", len(name) - 254)
    return name[dot + 1 :] if dot >= 0 else name


def dotted(ip: Address) -> str:
    """%{i}: dotted decimals, or 32 dotted nibbles."""
    return str(ip) if ip.version == 4 else ".".join(f"{int(ip):032X}")


def _one(macro: Macro, value: str) -> str:
    if macro.reverse or macro.keep or macro.delimiters != ".":
        pieces = re.split(f"[{re.escape(macro.delimiters)}]", value)
        if macro.reverse:
            pieces.reverse()
        if macro.keep:
            pieces = pieces[-macro.keep :]
        value = ".".join(pieces)
    return quote(value, safe=_UNRESERVED, errors="surrogateescape") if macro.escape else value
