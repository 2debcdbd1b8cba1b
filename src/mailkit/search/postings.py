"""Where a term occurs in a segment. Pure.

Every word of a segment has an ordinal, fields and messages one after the other with gaps between them; so two words are
neighbours in a field exactly if their ordinals are, and a phrase is an intersection of shifted sets. A message begins
at a multiple of `ROOM`: which one an ordinal lies in takes a division and a look-up.

A posting is the set of a term's ordinals. The first byte says how it is written; numbers are little-endian:

    0   u32 ordinals, ascending                                                      up to `FEW`, or far apart
    1   u32 length, roaring bitmap of the messages, squeezed; ordinals as `roaring.pack` has them   from `MANY` on
    2   u32 room (ordinal / ROOM) of the first, u16 how much it grows to each of the others, all ordinals % ROOM
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, repeat
from operator import sub

from attrs import field, frozen
from pyroaring import BitMap

from mailkit.search import roaring
from mailkit.search.numbers import numbers, packed
from mailkit.search.squeeze import squeezed, unsqueezed

__all__ = [
    "MANY",
    "ROOM",
    "Dead",
    "Head",
    "docs_of",
    "encode",
    "encode_many",
    "merge",
    "ordinals_in",
    "ordinals_of",
    "parts",
]

FEW = 16
MANY = 256

_SHIFT = 8
ROOM = 1 << _SHIFT
"""Ordinals of a message are a multiple of this; what it doesn't use stays free."""


@frozen(eq=False)
class Head:
    """What is known of a segment's messages, and where its terms are.

    `docs[n]` has `rooms[n]` times `ROOM` ordinals, one message after the other. `dates` and `sizes` are ascending,
    `by_date` and `by_size` name the messages in these orders. Block n begins with the term `terms[n]`, at `offsets[n]`.
    """

    docs: "array[int]"
    rooms: "array[int]"
    dates: "array[int]"
    by_date: "array[int]"
    sizes: "array[int]"
    by_size: "array[int]"
    terms: tuple[bytes, ...] = ()
    offsets: "array[int]" = field(factory=lambda: array("q"))
    owners: "array[int]" = field(init=False)
    """Of each room, the message."""

    def __attrs_post_init__(self) -> None:
        owners = array("I", chain.from_iterable(map(repeat, self.docs, self.rooms)))
        object.__setattr__(self, "owners", owners)

    def docs_at(self, ordinals: Iterable[int]) -> list[int]:
        """The messages in which ordinals lie."""
        owners = self.owners
        return [owners[ordinal >> _SHIFT] for ordinal in ordinals]

    def between(self, what: str, least: int, most: int) -> BitMap:
        """The messages whose date or size lies between two values, both included."""
        values, order = (self.dates, self.by_date) if what == "date" else (self.sizes, self.by_size)
        start, stop = bisect_right(values, least - 1) if least > 0 else 0, bisect_right(values, most)
        return BitMap(order[start:stop]) if start < stop else BitMap()


@frozen(eq=False)
class Dead:
    """Messages that a merge leaves out, and their ordinals in the merged segment."""

    docs: BitMap
    ordinals: BitMap


def encode(ordinals: Sequence[int]) -> bytes:
    """Fewer than `MANY` ordinals, ascending."""
    plain = packed(array("I", ordinals))
    if len(ordinals) <= FEW:
        return b"\0" + plain
    rooms = [ordinal >> _SHIFT for ordinal in ordinals]
    steps = list(map(sub, rooms[1:], rooms))
    if max(steps) > 0xFFFF:
        return b"\0" + plain
    return b"".join((b"\2", rooms[0].to_bytes(4, "little"), packed(array("H", steps)), plain[::4]))


def encode_many(docs: BitMap, ordinals: BitMap) -> bytes:
    """Any number of them."""
    docs.run_optimize()
    first = squeezed(docs.serialize(), 2)
    return b"".join((b"\1", len(first).to_bytes(4, "little"), first, roaring.pack(ordinals)))


def parts(posting: bytes) -> tuple[bytes, bytes]:
    """Of a posting of kind 1, what `docs_of` and `ordinals_in` need."""
    stop = 5 + int.from_bytes(posting[1:5], "little")
    return posting[:stop], posting[stop:]


def ordinals_in(part: bytes) -> BitMap:
    """The ordinals of a posting of kind 1."""
    return roaring.unpack(part)


def _rooms(posting: bytes) -> Iterator[int]:
    """Of a posting of kind 2, the rooms that the ordinals are in."""
    steps = numbers(posting[5 : 3 + 2 * ((len(posting) - 2) // 3)], "H")
    return accumulate(steps, initial=int.from_bytes(posting[1:5], "little"))


def _some(posting: bytes) -> "Sequence[int]":
    """The ordinals of a posting that is not of kind 1."""
    if posting[0] == 0:
        return numbers(posting[1:])
    low = posting[3 + 2 * ((len(posting) - 2) // 3) :]
    return [room << _SHIFT | rest for room, rest in zip(_rooms(posting), low, strict=True)]


def ordinals_of(posting: bytes) -> BitMap:
    """All ordinals of a posting."""
    if posting[0] != 1:
        return BitMap(_some(posting))
    return ordinals_in(parts(posting)[1])


def docs_of(posting: bytes, head: Head) -> BitMap:
    """The messages of a posting; of one of kind 1, the ordinals may be missing."""
    if posting[0] == 1:
        size = int.from_bytes(posting[1:5], "little")
        return BitMap.deserialize(unsqueezed(posting[5 : 5 + size], 2))
    owners = head.owners
    if posting[0] == 0:
        return BitMap([owners[ordinal >> _SHIFT] for ordinal in numbers(posting[1:])])
    return BitMap([owners[room] for room in _rooms(posting)])


def merge(
    postings: Sequence[tuple[int, bytes]], heads: Sequence[Head], bases: Sequence[int], dead: Dead | None
) -> bytes | None:
    """One posting from those of several segments, given as (number of the segment, posting) in order of the segments;
    `bases` is by how much the ordinals of each segment grow. None when only dead messages had the term."""
    few: list[int] = []
    docs, ordinals = BitMap(), BitMap()
    for at, posting in postings:
        base = bases[at]
        if posting[0] != 1:
            few += [ordinal + base for ordinal in _some(posting)]
        else:
            docs |= docs_of(posting, heads[at])
            ordinals |= ordinals_of(posting).shift(base)
    if dead is not None:
        few = [ordinal for ordinal in few if ordinal not in dead.ordinals]
        ordinals -= dead.ordinals
    if len(ordinals) + len(few) < MANY:
        few = sorted([*few, *ordinals]) if ordinals else few
        return encode(few) if few else None
    for at, posting in postings:
        if posting[0] != 1:
            docs |= docs_of(posting, heads[at])
    if dead is not None:
        docs -= dead.docs
    ordinals.update(few)
    return encode_many(docs, ordinals)
