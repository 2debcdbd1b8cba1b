"""What a WildDuck parameter may be: Joi's rules with conversion on (W1.3), in Joi's words.

One rule reads JSON values and texts from the query string alike, for all parameters are merged before they are read.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from attrs import frozen

from mailkit.clock import LAST_MS, to_ms
from mailkit.errors import Invalid
from mailkit.http.declare import ABSENT, Refused, Rule, Schema
from mailkit.ids import Id

__all__ = ["Choice", "Date", "Flag", "HexId", "Json", "Made", "OrFalse", "Text", "Whole"]

_MOST_DIGITS = 16
_MOMENT = re.compile(r"(?!\d{4}$|\d{8}$)\d{1,15}", re.ASCII)
"""Milliseconds; four and eight digits are a year and a day."""
_WHOLE = re.compile(r"\s*([+-]?\d{1,16})(?:\.0*)?\s*", re.ASCII)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Refused.because("must be a string", "string")
    return value


@frozen
class Text(Rule):
    """A string. `empty` says what "" is: not given, a value, or refused."""

    most: int | None = None
    least: int = 0
    trim: bool = False
    lower: bool = False
    empty: str = "absent"
    pattern: re.Pattern[str] | None = None
    says: str = "fails to match the required pattern"

    def read(self, value: object) -> Any:
        text = _text(value)
        if self.trim:
            text = text.strip()
        if self.lower:
            text = text.lower()
        if not text:
            if self.empty == "absent":
                return ABSENT
            if self.empty == "refused":
                raise Refused.because("is not allowed to be empty", "empty")
            return text
        if self.most is not None and len(text) > self.most:
            raise Refused.because(f"length must be less than or equal to {self.most} characters long", "max")
        if len(text) < self.least:
            raise Refused.because(f"length must be at least {self.least} characters long", "min")
        if self.pattern is not None and not self.pattern.fullmatch(text):
            raise Refused.because(self.says, "pattern")
        return text

    def schema(self) -> Schema:
        found: Schema = {"type": "string"}
        if self.most is not None:
            found["maxLength"] = self.most
        if self.least:
            found["minLength"] = self.least
        elif self.empty == "refused":
            found["minLength"] = 1
        if self.pattern is not None:
            found["pattern"] = f"^(?:{self.pattern.pattern})$"
        return found


@frozen
class Whole(Rule):
    """A whole number, in digits as well."""

    least: int | None = None
    most: int | None = None

    def read(self, value: object) -> Any:
        if value == "":
            return ABSENT
        if isinstance(value, str):
            match = _WHOLE.fullmatch(value)
            if match is None:
                raise Refused.because("must be a number", "number")
            number = int(match[1])
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Refused.because("must be a number", "number")
        elif isinstance(value, float) and not value.is_integer():  # nor is what has no end, or is no number
            raise Refused.because("must be an integer", "integer")
        else:
            number = int(value)
        if abs(number) >= 1 << 53:
            raise Refused.because("must be a safe number", "unsafe")
        if self.least is not None and number < self.least:
            raise Refused.because(f"must be greater than or equal to {self.least}", "min")
        if self.most is not None and number > self.most:
            raise Refused.because(f"must be less than or equal to {self.most}", "max")
        return number

    def schema(self) -> Schema:
        found: Schema = {"type": "integer"}
        if self.least is not None:
            found["minimum"] = self.least
        if self.most is not None:
            found["maximum"] = self.most
        return found


_FLAGS = {"true": True, "y": True, "yes": True, "on": True, "1": True,
          "false": False, "n": False, "no": False, "off": False, "0": False}  # fmt: skip


@frozen
class Flag(Rule):
    """True or false, in all of Joi's spellings."""

    def read(self, value: object) -> Any:
        if value == "":
            return ABSENT
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            found = _FLAGS.get(value.lower())
            if found is not None:
                return found
        elif isinstance(value, (int, float)) and value in (0, 1):
            return bool(value)
        raise Refused.because("must be a boolean", "boolean")

    def schema(self) -> Schema:
        return {"type": "boolean"}


@frozen
class HexId(Rule):
    """An id in 24 hexadecimal digits."""

    def read(self, value: object) -> Any:
        text = _text(value)
        if len(text) != 24:
            raise Refused.because("length must be 24 characters long", "length")
        try:
            return Id.parse(text)
        except ValueError:
            raise Refused.because("must only contain hexadecimal characters", "hex") from None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}


@frozen
class Date(Rule):
    """A point in time: ISO 8601, a JavaScript date text, or milliseconds. Read as UTC milliseconds."""

    def read(self, value: object) -> Any:
        if value == "":
            return ABSENT
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LAST_MS:
            return int(value)
        if isinstance(value, str):
            for parse in (datetime.fromisoformat, parsedate_to_datetime):
                try:
                    found = parse(value.strip())
                    return max(0, to_ms(found if found.tzinfo else found.replace(tzinfo=UTC)))
                except (ValueError, TypeError, OverflowError):
                    continue
        raise Refused.because("must be a valid date", "date")

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]}


@frozen
class OrFalse(Rule):
    """The JSON value false, or what `rule` takes. The text "false" is none of both (W1.3)."""

    rule: Rule

    def read(self, value: object) -> Any:
        return False if value is False else self.rule.read(value)

    def schema(self) -> Schema:
        return {"anyOf": [self.rule.schema(), {"const": False}]}


@frozen
class Choice(Rule):
    """One of some texts."""

    choices: tuple[str, ...]
    lower: bool = False

    def read(self, value: object) -> Any:
        text = value.lower() if self.lower and isinstance(value, str) else value
        if text == "":
            return ABSENT
        if text not in self.choices:
            raise Refused.because(f"must be one of [{', '.join(self.choices)}]", "choice")
        return text

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.choices)}


@frozen
class Json(Rule):
    """An object, or a text that holds one as JSON; read as compact JSON text (W1.9)."""

    most: int = 1_048_576

    def read(self, value: object) -> Any:
        if value == "":
            return ABSENT
        if isinstance(value, str):
            if len(value) > self.most:
                raise Refused.because(f"length must be less than or equal to {self.most} characters long", "max")
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                raise Refused.because("must be an object or a JSON text of one", "json") from None
        if not isinstance(value, dict):
            raise Refused.because("must be of type object", "object")
        text = msgspec.json.encode(value).decode()
        if len(text) > self.most:
            raise Refused.because(f"length must be less than or equal to {self.most} characters long", "max")
        return text

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "object"}, {"type": "string", "contentMediaType": "application/json"}]}


@frozen
class Made(Rule):
    """Text that `make` turns into a value; it raises ValueError (the reason) or Invalid for what it cannot use."""

    make: Callable[[str], Any]
    most: int = 1024
    format: str | None = None
    empty: str = "absent"

    def read(self, value: object) -> Any:
        text = Text(most=self.most, trim=True, empty=self.empty).read(value)
        if text is ABSENT:
            return ABSENT
        try:
            return self.make(text)
        except Invalid as error:
            raise Refused.because(_without_name(error), error.errors[0].kind if error.errors else "invalid") from None
        except ValueError as error:
            raise Refused.because(str(error)) from None

    def schema(self) -> Schema:
        found: Schema = {"type": "string", "maxLength": self.most}
        if self.format:
            found["format"] = self.format
        return found


def _without_name(error: Invalid) -> str:
    first = error.errors[0].message if error.errors else error.message
    return re.sub(r'^"[^"]*":? ', "", first)


def ip_literal(text: str) -> str:
    """An IPv4 or IPv6 address without a prefix length, in its usual form."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be a valid ip address with a forbidden CIDR") from None
