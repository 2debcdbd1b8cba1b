"""A message that is in no segment yet: one value, written in the transaction that stores the message. Pure.

The words lie in it in order, so that a look-up is a search for bytes: NUL word NUL, with words of a phrase joined by
NUL. Fields are separated by SOH; neither occurs in words, so nothing is found across two fields or halves of words.

Stored, they are compressed where that pays. It is done when the message is described, before the transaction.
"""

from typing import Final

import msgspec
from msgspec.structs import replace

from mailkit.search.document import Document
from mailkit.search.query import FIELDS, Text
from mailkit.storage.blobs.pack import pack, unpack
from mailkit.storage.codec import Codec, Record

__all__ = ["NO_WORDS", "Delta", "decode", "described", "encode", "occurs", "undescribed"]


class Delta(Record, frozen=True, kw_only=True):
    """What is indexed of a message and never changes."""

    date: int = msgspec.field(name="d")
    size: int = msgspec.field(name="z")
    thread: bytes = msgspec.field(name="t")
    attached: bool = msgspec.field(name="a", default=False)
    words: bytes = msgspec.field(name="w")
    plain: int = msgspec.field(name="p", default=0)
    """In the store: how many bytes the words have, when they are compressed."""


_DELTA = Codec(Delta, version=2, upgrades={1: dict})  # 1: never compressed

_PLAIN: Final = bytes(4)

NO_WORDS = b"-" + _PLAIN + b"\x01" * (len(FIELDS) - 1)
"""The description of a message without any."""

_LETTER = {letter: at for at, letter in enumerate(FIELDS)}


def described(document: Document) -> bytes:
    """A document as bytes: whether there are attachments, u32 length of the words if they are compressed, the words."""
    fields = b"\x01".join(b"\0" + b"\0".join(words) + b"\0" if words else b"" for words in document.fields)
    packed, words = pack(fields)
    length = len(fields).to_bytes(4, "big") if packed else _PLAIN
    return (b"a" if document.attached else b"-") + length + words


def undescribed(data: bytes) -> tuple[bool, bytes]:
    """Whether there are attachments, and the words as a delta has them."""
    length = int.from_bytes(data[1:5], "big")
    return data[:1] == b"a", unpack("zstd", data[5:], length) if length else data[5:]


def encode(described: bytes, *, date: int, size: int, thread: bytes) -> bytes:
    """The delta of a described message as it is stored; `date` in UTC milliseconds."""
    attached, plain = described[:1] == b"a", int.from_bytes(described[1:5], "big")
    return _DELTA.encode(
        Delta(date=date, size=size, thread=thread, attached=attached, words=described[5:], plain=plain)
    )


def decode(data: bytes) -> Delta:
    """A stored delta; Corrupt when it is none."""
    delta = _DELTA.decode(data)
    return replace(delta, words=unpack("zstd", delta.words, delta.plain), plain=0) if delta.plain else delta


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
