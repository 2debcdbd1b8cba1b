"""Header fields as values of the type their name calls for."""

from datetime import datetime

from mailkit.mime.addresses import Address, parse_addresses
from mailkit.mime.dates import parse_date
from mailkit.mime.encoded_words import decode_header
from mailkit.mime.message_ids import parse_message_ids
from mailkit.mime.parameters import Parameterized, parse_parameters
from mailkit.mime.received import Received, parse_received

__all__ = ["HeaderValue", "header_value"]

HeaderValue = str | tuple[Address, ...] | tuple[str, ...] | Parameterized | Received | datetime | None

_RESENT = b"resent-"
_ADDRESSES = frozenset(
    (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"delivered-to", b"return-path",
     b"disposition-notification-to", b"errors-to", b"mail-followup-to"),
)  # fmt: skip
_IDS = frozenset((b"message-id", b"in-reply-to", b"references"))
_PARAMETERS = frozenset((b"content-type", b"content-disposition"))


def header_value(name: bytes, value: bytes) -> HeaderValue:
    """Read the raw `value` of the field with this lower-case `name`.

    Addresses, identifiers, parameters, Received and dates (None: not a date) by name; all others are text.
    """
    kind = name.removeprefix(_RESENT)
    if kind in _ADDRESSES:
        return parse_addresses(value)
    if kind in _IDS:
        return parse_message_ids(decode_header(value))
    if kind in _PARAMETERS:
        return parse_parameters(decode_header(value))
    if kind == b"date":
        return parse_date(decode_header(value))
    if kind == b"received":
        return parse_received(decode_header(value))
    return decode_header(value)
