"""Where a term occurs in a segment. Pure.

Every word of a segment has an ordinal, fields and messages one after the other with gaps between them; so two words are
neighbours in a field exactly if their ordinals are, and a phrase is an intersection of shifted sets. A posting is the
set of a term's ordinals. Up to `FEW` of them are kept as plain numbers, and their messages looked up in the segment's
head; above, there is a bitmap of the messages beside the bitmap of the ordinals.

    1 byte 0, u32 little-endian ordinals, ascending
    1 byte 1, u32 length, roaring bitmap of messages, roaring bitmap of ordinals
"""

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from attrs import frozen
from pyroaring import BitMap

__all__ = ["FEW", "Dead", "Head", "docs_of", "encode_few", "encode_many", "merge", "numbers", "ordinals_of", "packed"]

FEW = 16

_LITTLE = sys.byteorder == "little"


def numbers(data: bytes, kind: str = "I") -> "array[int]":
    """Little-endian numbers as an array: u32, or with kind "q" i64."""
    found: array[int] = array(kind)
    found.frombytes(data)
    if not _LITTLE:
        found.byteswap()
    return found


def packed(values: "array[int]") -> bytes:
    """The other way round."""
    if not _LITTLE:
        values = values[:]
        values.byteswap()
    return values.tobytes()


@frozen(eq=False)
class Head:
    """A segment's messages: `docs[n]` begins at ordinal `starts[n]`. `dates` and `sizes` are ascending, `by_date` and
    `by_size` name the messages in these orders."""

    docs: "array[int]"
    starts: "array[int]"
    dates: "array[int]"
    by_date: "array[int]"
    sizes: "array[int]"
    by_size: "array[int]"

    def docs_at(self, ordinals: Iterable[int]) -> list[int]:
        """The messages in which ordinals lie."""
        starts, docs = self.starts, self.docs
        return [docs[bisect_right(starts, ordinal) - 1] for ordinal in ordinals]

    def docs_with(self, ordinals: BitMap) -> BitMap:
        """The messages in which a set of ordinals lies; cheap for many as well."""
        if len(ordinals) < len(self.docs):
            return BitMap(self.docs_at(ordinals))
        starts, count = self.starts, ordinals.range_cardinality
        last = (ordinals.max() + 1) if ordinals else 0
        ends = [*starts[1:], max(last, starts[-1] + 1)]
        return BitMap([doc for doc, start, end in zip(self.docs, starts, ends, strict=True) if count(start, end)])

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


def encode_few(ordinals: Iterable[int]) -> bytes:
    """Up to `FEW` ordinals, ascending."""
    return b"\0" + packed(array("I", ordinals))


def encode_many(docs: BitMap, ordinals: BitMap) -> bytes:
    """More than `FEW`."""
    docs.run_optimize()
    first = docs.serialize()
    return b"\1" + len(first).to_bytes(4, "little") + first + ordinals.serialize()


def ordinals_of(posting: bytes) -> BitMap:
    """All ordinals of a posting."""
    if posting[0] == 0:
        return BitMap(numbers(posting[1:]))
    size = int.from_bytes(posting[1:5], "little")
    return BitMap.deserialize(posting[5 + size :])


def docs_of(posting: bytes, head: Head) -> BitMap:
    """The messages of a posting."""
    if posting[0] == 0:
        return BitMap(head.docs_at(numbers(posting[1:])))
    size = int.from_bytes(posting[1:5], "little")
    return BitMap.deserialize(posting[5 : 5 + size])


def merge(
    postings: Sequence[tuple[int, bytes]], heads: Sequence[Head], bases: Sequence[int], dead: Dead | None
) -> bytes | None:
    """One posting from those of several segments, given as (number of the segment, posting) in order of the segments;
    `bases` is by how much the ordinals of each segment grow. None when only dead messages had the term."""
    few: list[int] = []
    docs, ordinals = BitMap(), BitMap()
    for at, posting in postings:
        base = bases[at]
        if posting[0] == 0:
            few += [ordinal + base for ordinal in numbers(posting[1:])]
        else:
            docs |= docs_of(posting, heads[at])
            ordinals |= ordinals_of(posting).shift(base)
    if dead is not None:
        few = [ordinal for ordinal in few if ordinal not in dead.ordinals]
        ordinals -= dead.ordinals
    if len(ordinals) + len(few) <= FEW:
        few = sorted([*few, *ordinals])
        return encode_few(few) if few else None
    for at, posting in postings:
        if posting[0] == 0:
            docs.update(heads[at].docs_at(numbers(posting[1:])))
    if dead is not None:
        docs -= dead.docs
    ordinals.update(few)
    return encode_many(docs, ordinals)
