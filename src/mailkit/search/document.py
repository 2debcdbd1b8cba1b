"""What of a message can be searched for. Pure.

Fields are kept apart: no phrase reaches from one into the next, nor from one address or attachment into another.
"""

from collections.abc import Iterable, Iterator

from attrs import frozen

from mailkit.encryption.already import already
from mailkit.ids import Id
from mailkit.mime.addresses import Address, Group
from mailkit.mime.encoded_words import decode_header
from mailkit.mime.parse import Message
from mailkit.search.query import FIELDS
from mailkit.search.terms import words

__all__ = ["MAX_TEXT", "MAX_WORDS", "Document", "Facts", "document"]

MAX_TEXT = 1 << 20
"""Characters of a message's text that are indexed."""

MAX_WORDS = 50_000
"""Words of one field that are indexed."""

_OTHER = (b"sender", b"reply-to", b"message-id", b"list-id")

GAP = b""
"""Stands between values of one field: no word, so no phrase passes it."""


@frozen
class Document:
    """The words of each field, in the order of `query.FIELDS`; empty words are gaps."""

    fields: tuple[tuple[bytes, ...], ...]
    attached: bool = False


@frozen
class Facts:
    """What is known of a message beside its words, some of which changes."""

    date: int
    """Internal date, ms."""
    size: int
    thread: Id
    mailbox: Id
    uid: int
    flags: frozenset[str] = frozenset()


def document(message: Message) -> Document:
    """The words of a message."""
    envelope = message.envelope
    headers = message.headers
    values: dict[str, Iterable[str]] = {
        "s": (envelope.subject,),
        "f": _people(envelope.from_),
        "t": _people(envelope.to),
        "c": _people(envelope.cc),
        "b": _people(envelope.bcc),
        "n": (item.filename for item in message.attachments),
        "o": (decode_header(raw) for name in _OTHER for raw in headers.all(name)),
        # ciphertext is no text, not even where it is shown as one
        "x": () if already(message.scan) else (message.text[:MAX_TEXT],),
    }
    return Document(tuple(_words(values[letter]) for letter in FIELDS), message.has_attachments)


def _people(addresses: Iterable[Address]) -> Iterator[str]:
    for entry in addresses:
        if isinstance(entry, Group):
            yield entry.name
            yield from _people(entry.members)
        else:
            yield f"{entry.name} {entry.address}"


def _words(values: Iterable[str]) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for value in values:
        some = words(value)
        if found and some:
            found.append(GAP)
        found += some
        if len(found) > MAX_WORDS:
            break
    return tuple(found[:MAX_WORDS])
