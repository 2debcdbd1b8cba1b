"""What the index in the Store keeps, and where. Messages have numbers of their own here, dense and in order of arrival,
never used again: a message that moves keeps its number, a term's messages are a bitmap."""

from typing import Final

import msgspec
from attrs import frozen
from msgspec import field
from pyroaring import BitMap

from mailkit.errors import Corrupt
from mailkit.ids import Id
from mailkit.search.numbers import numbers, packed
from mailkit.search.postings import Head
from mailkit.search.squeeze import squeezed, unsqueezed
from mailkit.storage import keyspace
from mailkit.storage.codec import Codec, Record
from mailkit.storage.tables import Table

__all__ = [
    "FACTS",
    "MANIFESTS",
    "SPAN",
    "Facts",
    "Manifest",
    "Place",
    "Segment",
    "bits",
    "pack_head",
    "stored",
    "unpack_head",
]

SPAN: Final = 4_096
"""Messages of one facts record."""


class Segment(Record, frozen=True, kw_only=True):
    """An immutable part of the index."""

    id: Id = field(name="i")
    level: int = field(name="l", default=0)
    docs: int = field(name="d")
    ordinals: int = field(name="o")


class Manifest(Record, frozen=True, kw_only=True):
    """Which segments count. Messages below `through` are in them, or gone; the others have deltas.

    `building` is the segment that somebody writes; until `until` (ms) nobody else may begin another. `outgoing` ones
    still count, but a rebuild is replacing them, so they are merged no more.
    """

    segments: tuple[Segment, ...] = field(name="s", default=())
    through: int = field(name="t", default=0)
    building: Id | None = field(name="b", default=None)
    until: int = field(name="u", default=0)
    outgoing: tuple[Id, ...] = field(name="o", default=())


class Facts(Record, frozen=True, kw_only=True):
    """What changes about `SPAN` messages, as roaring bitmaps of their numbers. `next` is the number of the next message
    and counts in the last record only."""

    next: int = field(name="n", default=0)
    live: bytes = field(name="l", default=b"")
    seen: bytes = field(name="s", default=b"")
    flagged: bytes = field(name="f", default=b"")
    deleted: bytes = field(name="d", default=b"")
    mailboxes: dict[bytes, bytes] = field(name="m", default_factory=dict)


@frozen
class Place:
    """Where a numbered message lies, with its internal date."""

    mailbox: Id
    uid: int
    date: int

    def pack(self) -> bytes:
        """24 bytes."""
        return self.mailbox + self.uid.to_bytes(4, "big") + self.date.to_bytes(8, "big")

    @classmethod
    def unpack(cls, data: bytes) -> "Place":
        """The other way round."""
        return cls(Id(data[:12]), int.from_bytes(data[12:16], "big"), int.from_bytes(data[16:24], "big"))


FACTS = Table[Facts](keyspace.SEARCH_FACTS, Codec(Facts))
MANIFESTS = Table[Manifest](keyspace.SEARCH_MANIFEST, Codec(Manifest))


def bits(data: bytes) -> BitMap:
    """A stored bitmap; none is an empty one."""
    return BitMap.deserialize(data) if data else BitMap()


def stored(bitmap: BitMap) -> bytes:
    """As it is stored."""
    if not bitmap:
        return b""
    bitmap.run_optimize()
    return bitmap.serialize()


_HEAD = b"2"
_PACK = msgspec.msgpack.Encoder().encode
_UNPACK = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]).decode


def pack_head(head: Head) -> bytes:
    """A segment's head as it is stored."""
    numbers = (head.docs, head.rooms, head.dates, head.by_date, head.sizes, head.by_size, head.offsets)
    small = [squeezed(packed(one), one.itemsize) for one in numbers]
    return _HEAD + _PACK((*small, squeezed(b"\0".join(head.terms), 1)))


def unpack_head(data: bytes | None) -> Head:
    """The other way round; Corrupt `search.segment` when a listed segment has none, or an outdated one."""
    if data is None or data[:1] != _HEAD:
        raise Corrupt("search.segment", "A segment of the search index is missing or outdated: rebuild it")
    *small, terms = _UNPACK(data[1:])
    docs, rooms, dates, by_date, sizes, by_size, offsets = (
        numbers(unsqueezed(one, 8 if kind == "q" else 4), kind) for one, kind in zip(small, "IIqIqIq", strict=True)
    )
    return Head(
        docs,
        rooms,
        dates,
        by_date,
        sizes,
        by_size,
        tuple(unsqueezed(terms, 1).split(b"\0")) if len(offsets) > 1 else (),
        offsets,
    )
