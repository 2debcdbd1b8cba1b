"""The envelope of a message as IMAP has it (RFC 3501 7.4.2): the fields that tell who, when and what about."""

from collections.abc import Callable
from datetime import datetime

from attrs import frozen

from mailkit.mime.addresses import Address, header_addresses
from mailkit.mime.dates import parse_date
from mailkit.mime.encoded_words import decode_header
from mailkit.mime.header_index import HeaderIndex
from mailkit.mime.message_ids import parse_message_ids

__all__ = ["Envelope", "parse_envelope"]


@frozen
class Envelope:
    """The addressing fields as structured values. Empty where the message says nothing; nothing is filled in."""

    date: datetime | None  #: with the sender's zone; the last Date field counts
    subject: str  #: decoded, white space folded; the last Subject field counts
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    message_id: str  #: without angle brackets
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]


def _last(headers: HeaderIndex, name: bytes) -> bytes:
    values = headers.all(name)
    return values[-1] if values else b""


def parse_envelope(headers: HeaderIndex) -> Envelope:
    """Read the envelope from header fields. Never raises. Repeated address fields count as one list."""
    addresses: Callable[[bytes], tuple[Address, ...]] = lambda name: (  # noqa: E731
        header_addresses(headers.all(name)) if name in headers else ()
    )
    ids: Callable[[bytes], tuple[str, ...]] = lambda name: (  # noqa: E731
        parse_message_ids(decode_header(b" ".join(headers.all(name)))) if name in headers else ()
    )
    return Envelope(
        date=parse_date(decode_header(_last(headers, b"date"))),
        subject=" ".join(decode_header(_last(headers, b"subject")).split()),
        from_=addresses(b"from"),
        sender=addresses(b"sender"),
        reply_to=addresses(b"reply-to"),
        to=addresses(b"to"),
        cc=addresses(b"cc"),
        bcc=addresses(b"bcc"),
        message_id=next(iter(ids(b"message-id")), ""),
        in_reply_to=ids(b"in-reply-to"),
        references=ids(b"references"),
    )
