"""A message that is in no segment yet: one value, written in the transaction that stores the message. Pure.

The words lie in it in order, so that a look-up is a search for bytes: NUL word NUL, with words of a phrase joined by
NUL. Fields are separated by SOH; neither occurs in words, so nothing is found across two fields or halves of words.
"""

import msgspec

from mailkit.search.document import Document
from mailkit.search.query import FIELDS, Text
from mailkit.storage.codec import Codec, Record

__all__ = ["DELTA", "NO_WORDS", "Delta", "described", "occurs", "undescribed"]


class Delta(Record, frozen=True, kw_only=True):
    """What is indexed of a message and never changes."""

    date: int = msgspec.field(name="d")
    size: int = msgspec.field(name="z")
    thread: bytes = msgspec.field(name="t")
    attached: bool = msgspec.field(name="a", default=False)
    words: bytes = msgspec.field(name="w")


DELTA = Codec(Delta)

NO_WORDS = b"-" + b"\x01" * (len(FIELDS) - 1)
"""The description of a message without any."""

_LETTER = {letter: at for at, letter in enumerate(FIELDS)}


def described(document: Document) -> bytes:
    """A document as bytes."""
    fields = b"\x01".join(b"\0" + b"\0".join(words) + b"\0" if words else b"" for words in document.fields)
    return (b"a" if document.attached else b"-") + fields


def undescribed(data: bytes) -> tuple[bool, bytes]:
    """Whether there are attachments, and the words as a delta has them."""
    return data[:1] == b"a", data[1:]


def occurs(text: Text, words: bytes) -> bool:
    """Whether the words that a query looks for are in a delta's."""
    needle = b"\0".join(text.words)
    if not text.open_start:
        needle = b"\0" + needle
    if not text.open_end:
        needle += b"\0"
    if needle not in words or not text.fields:
        return needle in words
    fields = words.split(b"\x01")
    return any(needle in fields[_LETTER[letter]] for letter in text.fields)
