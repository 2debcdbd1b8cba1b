"""Types of options: text in, values out; a bad one is a usage error that names the option and the reason."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from mailkit.errors import Invalid

if TYPE_CHECKING:
    from mailkit.ids import Id

__all__ = [
    "CEILING",
    "DURATION",
    "EXTERNAL",
    "ID",
    "JSON",
    "LIMIT",
    "MOMENT",
    "QUOTA",
    "TARGET",
    "TENANT_QUOTA",
    "Parsed",
]


_NAMED: Final = re.compile(r'^"[^"]*":? ')
"""How a refusal names the field."""


class Parsed(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic since click 8.3
    """What `parse` makes of the text; its ValueError or Invalid is the reason of the refusal."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except Invalid as error:
            self.fail(f"{value!r} {_NAMED.sub('', error.message)}", param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _id(text: str) -> "Id":
    from mailkit.ids import Id

    try:
        return Id.parse(text)
    except ValueError:
        raise ValueError("an id has 24 hexadecimal digits") from None


def _quota(text: str) -> Any:
    from mailkit.quota import INHERIT, UNLIMITED, Bytes
    from mailkit.settings.kinds import SIZE

    words = {"default": INHERIT, "unlimited": UNLIMITED}
    return words.get(text.strip().lower()) or Bytes(SIZE.parse(text))


def _tenant_quota(text: str) -> Any:
    from mailkit.quota import INHERIT, Bytes

    found = _quota(text)
    if found in (INHERIT, Bytes(0)):
        raise ValueError(f"is {text!r}: a tenant's is bytes above 0, or 'unlimited'")
    return found


def _duration(text: str) -> int:
    from mailkit.settings.kinds import DURATION as KIND

    return KIND.parse(text)


def _pair(text: str, names: tuple[str, ...]) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not equals or name not in names:
        raise ValueError(f"{text!r} is not NAME=NUMBER with one of the names {', '.join(names)}")
    if not number.isascii() or not number.isdigit() or len(number) > 15:
        raise ValueError(f"{name} is {number!r}, not a whole number of 0 or more")
    return name, int(number)


def _limit(text: str) -> tuple[str, int]:
    from mailkit.accounts.limits import OWN_LIMITS

    return _pair(text, OWN_LIMITS)


def _ceiling(text: str) -> tuple[str, int]:
    from mailkit.principals.records import KINDS

    return _pair(text, tuple(KINDS))


def _target(text: str) -> str:
    from mailkit.principals.targets import parse_target

    try:
        return text and parse_target(text)
    except ValueError:
        raise ValueError(f"{text!r} must be an address, or a URL such as smtp://relay.example") from None


def _external(text: str) -> str:
    from mailkit.principals.normalise import parse_address

    return text and parse_address(text).normal


def _json(text: str) -> str:
    """An object, as compact JSON text."""
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError("is no JSON") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("is no JSON object, as in '{\"key\": 1}'")
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _moment(text: str) -> int:
    from mailkit.clock import to_ms

    try:
        when = datetime.fromisoformat(text)
        return to_ms(when if when.tzinfo else when.replace(tzinfo=UTC))
    except ValueError:
        raise ValueError(f"{text!r} is no time such as 2026-01-31 or 2026-01-31T12:00") from None


ID: Final = Parsed("id", _id)
QUOTA: Final = Parsed("quota", _quota)
"""`default`, `unlimited`, or bytes, with a unit or without."""
TENANT_QUOTA: Final = Parsed("quota", _tenant_quota)
"""`unlimited`, or bytes."""
DURATION: Final = Parsed("duration", _duration)
"""Milliseconds, from `30s`, `1h30m`, `7d`."""
LIMIT: Final = Parsed("limit", _limit)
"""A name and a number."""
CEILING: Final = Parsed("ceiling", _ceiling)
"""A kind of principals, and how many of them."""
TARGET: Final = Parsed("target", _target)
"""Where mail goes: an address, `smtp://...`, `https://...`; the empty text is left as it is."""
EXTERNAL: Final = Parsed("address", _external)
"""An address elsewhere; the empty text is left as it is."""
JSON: Final = Parsed("json", _json)
"""A JSON object as text."""
MOMENT: Final = Parsed("time", _moment)
"""UTC milliseconds, from ISO 8601; UTC unless it says otherwise."""
