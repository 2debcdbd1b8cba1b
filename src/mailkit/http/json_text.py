"""JSON from strangers: at most so many values and levels. Pure.

msgspec refuses what is deep, huge numbers and bad UTF-8 by itself; a body of a few megabytes can still stand for a
hundred times its size in small objects, so values are counted before anything is built.
"""

import re
from typing import Any

import msgspec

from mailkit.errors import Invalid

__all__ = ["MOST_VALUES", "decode"]

MOST_VALUES = 1_000_000
"""Commas, brackets and braces a body may hold (those inside of strings count too)."""


_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")


def decode(body: bytes) -> Any:
    """The value; Invalid `json.invalid` for what is no JSON or too much of it."""
    if len(body) > MOST_VALUES and body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise Invalid("json.invalid", "The body holds too many values")
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise Invalid("json.invalid", "The body is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        if _HALF.search(body):  # msgspec takes it for a text that ends too early
            raise Invalid("json.invalid", "The body has half of a surrogate pair in a text") from None
        raise Invalid("json.invalid", f"The body is not JSON: {error}") from None
