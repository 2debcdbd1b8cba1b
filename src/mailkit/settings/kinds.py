"""The types of settings: text to value and back.

Text is the one form that all layers share (an environment variable, a row in the store, a word in a TOML file), so a
kind is a parser, its inverse, and a name for the documentation. A parser raises ValueError with a phrase that completes
"http.listen ...": "needs a port, as in 127.0.0.1:8080".
"""

import ipaddress
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from attrs import frozen

__all__ = [
    "DURATION",
    "FILLED",
    "FLAG",
    "HOST_PORT",
    "NETWORK",
    "SIZE",
    "TEXT",
    "URL",
    "HostPort",
    "Kind",
    "Network",
    "list_of",
    "native",
    "one_of",
    "or_off",
    "whole",
]

T = TypeVar("T")


@frozen
class Kind(Generic[T]):
    """A type of setting. `parse(show(value)) == value`; `item` is set for lists."""

    name: str
    parse: Callable[[str], T]
    show: Callable[[T], str]
    item: "Kind[Any] | None" = None


def native(kind: Kind[T], value: object) -> T:
    """A value as TOML has it: strings are parsed, numbers and booleans taken for what they look like written down,
    arrays accepted where a list is meant. ValueError when it is not of this kind."""
    if isinstance(value, bool):
        return kind.parse("true" if value else "false")
    if isinstance(value, str):
        return kind.parse(value)
    if isinstance(value, int):
        return kind.parse(str(value))
    if isinstance(value, list) and kind.item is not None:
        items: Any = tuple(native(kind.item, item) for item in value)
        return items  # type: ignore[no-any-return]  # a list kind's values are tuples of its item's
    raise ValueError(f"is {_article(type(value).__name__)}, not {_article(kind.name)}")


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _plain(value: str) -> str:
    return value


TEXT: Kind[str] = Kind("text", str.strip, _plain)


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


FILLED: Kind[str] = Kind("text", _filled, _plain)


_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _flag(text: str) -> bool:
    try:
        return _FLAGS[text.strip().lower()]
    except KeyError:
        raise ValueError(f"is {text!r}, neither true nor false") from None


FLAG: Kind[bool] = Kind("true or false", _flag, lambda value: "true" if value else "false")


def whole(least: int | None = 0, most: int | None = None) -> Kind[int]:
    """A whole number from `least` to `most`, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
            raise ValueError(f"is {text!r}, not a whole number")
        value = int(text)
        if least is not None and value < least:
            raise ValueError(f"is {value}, below {least}")
        if most is not None and value > most:
            raise ValueError(f"is {value}, above {most}")
        return value

    return Kind("whole number", parse, str)


_MS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_LENGTH = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)\s*(ms|[wdhms])\s*")


def _duration(text: str) -> int:
    rest = text.strip().lower()
    total, at = Fraction(0), 0
    while at < len(rest):
        found = _LENGTH.match(rest, at)
        if found is None:
            break
        total += Fraction(found[1]) * _MS[found[2]]
        at = found.end()
    if rest == "0":
        return 0
    if not rest or at < len(rest):
        raise ValueError(f"is {text!r}, not a duration such as 30s, 5m, 1h30m or 7d")
    if total.denominator != 1:
        raise ValueError(f"is {text!r}, not a whole number of milliseconds")
    return int(total)


def _show_duration(value: int) -> str:
    for unit in ("d", "h", "m", "s"):
        if value and value % _MS[unit] == 0:
            return f"{value // _MS[unit]}{unit}"
    return f"{value}ms" if value else "0"


DURATION: Kind[int] = Kind("duration", _duration, _show_duration)
"""Milliseconds: `30s`, `5m`, `1h30m`, `7d`. A number needs its unit, for dialects disagree about the usual one."""

_BYTES = {
    unit: base ** (power + 1)
    for base, infix in ((1024, "i"), (1000, ""))
    for power, unit in enumerate(letter + infix + "b" for letter in "kmgt")
} | {"b": 1, "": 1}


def _size(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in _BYTES:
        raise ValueError(f"is {text!r}, not a size such as 512, 64 MiB or 10 GB")
    value = Fraction(found[1]) * _BYTES[found[2]]
    if value.denominator != 1:
        raise ValueError(f"is {text!r}, not a whole number of bytes")
    return int(value)


def _show_size(value: int) -> str:
    for unit, size in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value and value % size == 0:
            return f"{value // size} {unit}"
    return str(value)


SIZE: Kind[int] = Kind("size", _size, _show_size)
"""Bytes: `512`, `64 MiB`, `10 GB`."""


@frozen
class HostPort:
    """Where to listen or connect. `host` is a name or an address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _host_port(text: str) -> HostPort:
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})", text.strip())
    if found is None:
        raise ValueError(f"is {text!r}, not host:port as in 127.0.0.1:8080 or [::1]:8080")
    if found[1]:
        ipaddress.IPv6Address(found[1])
    port = int(found[3])
    if port > 65535:
        raise ValueError(f"has the port {port}, above 65535")
    return HostPort(found[1] or found[2], port)


HOST_PORT: Kind[HostPort] = Kind("host:port", _host_port, str)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise ValueError(f"is {text!r}, not an address or network: {error}") from None


NETWORK: Kind[Network] = Kind("address or network", _network, str)


def _url(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"is {text!r}, not a URL such as https://mail.example.org")
    return text.strip().rstrip("/")


URL: Kind[str] = Kind("URL", _url, _plain)


def one_of(*words: str) -> Kind[str]:
    """One of a few words, in any case."""

    def parse(text: str) -> str:
        word = text.strip().lower()
        if word not in words:
            raise ValueError(f"is {text!r}, not one of {', '.join(words)}")
        return word

    return Kind(" | ".join(words), parse, _plain)


def list_of(item: Kind[T]) -> Kind[tuple[T, ...]]:
    """Any number of `item`, as text separated by commas."""

    def parse(text: str) -> tuple[T, ...]:
        return tuple(item.parse(part) for part in text.split(",") if part.strip())

    return Kind(f"list of {item.name}", parse, lambda values: ", ".join(map(item.show, values)), item)


def or_off(kind: Kind[T]) -> Kind[T | None]:
    """`kind`, or the word `off` for None."""

    def parse(text: str) -> T | None:
        return None if text.strip().lower() == "off" else kind.parse(text)

    return Kind(f"{kind.name} | off", parse, lambda value: "off" if value is None else kind.show(value))
