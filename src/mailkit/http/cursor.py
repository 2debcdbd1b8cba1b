"""Cursors: where a page of a list ends, as opaque text. Pure.

base64url JSON `[list, sort value, id]`. Unsigned: whose list it is comes from the path, so a foreign cursor is only a
position. A cursor of another list is refused.
"""

import base64
import binascii
from typing import Any

import msgspec
from attrs import frozen

from mailkit.errors import Invalid

__all__ = ["Cursor", "decode_cursor", "encode_cursor"]

_BOUND = 1 << 53
"""No list is sorted by numbers beyond this."""


@frozen
class Cursor:
    """A row's place in a list: the value that the list is sorted by (None: the id alone), and the row's id."""

    value: int | str | None
    id: str | int


def encode_cursor(listing: str, cursor: Cursor) -> str:
    """The text for clients; `listing` is the operation's name."""
    data = msgspec.json.encode([listing, cursor.value, cursor.id])
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_cursor(listing: str, text: str, field: str = "next") -> Cursor:
    """The place that `text` means in `listing`; Invalid on `field` for anything that this list never gave out."""
    value: Any = None
    try:
        data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        value = msgspec.json.decode(data)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        pass
    match value:
        case [str(name), None | str() | int(), str() | int()] if name == listing:
            if all(type(part) is not int or abs(part) < _BOUND for part in value) and bool not in map(type, value):
                return Cursor(value[1], value[2])
    raise Invalid.field(field, f'"{field}" is no cursor of this list', kind="cursor")
