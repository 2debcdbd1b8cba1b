"""Making segments: from deltas (level 0), and from other segments. Pure: what is written comes out as pairs.

A term is a letter and a word: `w` any word of the message, `s f t c b n` words of that field (`query.ASKED`), `h` the
thread in hexadecimal, `a` for having attachments. Terms lie in blocks of about `BLOCK` bytes, in order, each under its
first term; so a prefix is a range of blocks, and no dictionary is needed.
"""

import heapq
import struct
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, repeat
from operator import itemgetter

from pyroaring import BitMap

from mailkit.search.delta import Delta
from mailkit.search.postings import FEW, Dead, Head, encode_few, encode_many, merge
from mailkit.search.query import ASKED, FIELDS

__all__ = [
    "BLOCK",
    "attached_term",
    "blocks",
    "dead_in",
    "first_term",
    "from_deltas",
    "mentions",
    "merged",
    "merged_head",
    "posting_in",
    "postings_in",
    "thread_term",
]

BLOCK = 3_900
"""Bytes of a block, about: what fills one page of 4,096 in a B+ tree."""

_ONE = struct.Struct("<H")
_TWO = struct.Struct("<HH")

Posting = tuple[bytes, bytes]
"""A term and where it is."""


def thread_term(thread: bytes) -> bytes:
    """The term of a thread's messages."""
    return b"h" + thread.hex().encode()


def attached_term() -> bytes:
    """The term of messages with attachments."""
    return b"a"


def from_deltas(deltas: Sequence[tuple[int, Delta]]) -> tuple[Head, int, Iterator[Posting]]:
    """Head, number of ordinals and postings of a segment of messages, given as (number, delta) in order of numbers."""
    every: defaultdict[bytes, list[int]] = defaultdict(list)
    asked = {letter: defaultdict[bytes, list[int]](list) for letter in ASKED}
    extra: defaultdict[bytes, list[int]] = defaultdict(list)
    starts: list[int] = []
    owners = array("I")  # ordinal -> message
    at = 0
    for doc, delta in deltas:
        starts.append(at)
        extra[thread_term(delta.thread)].append(at)
        if delta.attached:
            extra[attached_term()].append(at)
        for letter, field in zip(FIELDS, delta.words.split(b"\x01"), strict=True):
            at += 1  # a gap, and at least one ordinal for every message
            if not field:
                continue
            words = field[1:-1].split(b"\0")
            own = asked.get(letter)
            if own is not None:
                for ordinal, word in enumerate(words, at):
                    own[word].append(ordinal)
            for ordinal, word in enumerate(words, at):
                every[word].append(ordinal)
            at += len(words)
        owners.extend(repeat(doc, at - len(owners)))
    head = _head(
        [doc for doc, _ in deltas],
        starts,
        sorted((delta.date, doc) for doc, delta in deltas),
        sorted((delta.size, doc) for doc, delta in deltas),
    )
    return head, at, _postings({**asked, "w": every}, extra, owners)


def _postings(
    kinds: dict[str, defaultdict[bytes, list[int]]], extra: dict[bytes, list[int]], owners: "array[int]"
) -> Iterator[Posting]:
    found = list(extra.items())
    for letter, terms in kinds.items():
        mark = letter.encode()
        terms.pop(b"", None)  # gaps
        found += [(mark + word, ordinals) for word, ordinals in terms.items()]
    found.sort(key=itemgetter(0))
    for term, ordinals in found:
        if len(ordinals) <= FEW:
            yield term, encode_few(ordinals)
        else:
            yield term, encode_many(BitMap(sorted(set(map(owners.__getitem__, ordinals)))), BitMap(ordinals))


def _head(docs: list[int], starts: list[int], dates: list[tuple[int, int]], sizes: list[tuple[int, int]]) -> Head:
    return Head(
        docs=array("I", docs),
        starts=array("I", starts),
        dates=array("q", [date for date, _ in dates]),
        by_date=array("I", [doc for _, doc in dates]),
        sizes=array("q", [size for size, _ in sizes]),
        by_size=array("I", [doc for _, doc in sizes]),
    )


def dead_in(segments: Sequence[tuple[Head, int, int]], live: BitMap) -> Dead | None:
    """What is dead in segments that are to be merged, given as (head, base, number of ordinals); None for nothing."""
    docs, ordinals = BitMap(), BitMap()
    for head, base, size in segments:
        if BitMap(head.docs).issubset(live):
            continue
        for doc, start, stop in zip(head.docs, head.starts, [*head.starts[1:], size], strict=True):
            if doc not in live:
                docs.add(doc)
                ordinals.add_range(base + start, base + stop)
    return Dead(docs, ordinals) if docs else None


def merged_head(heads: Sequence[Head], bases: Sequence[int], dead: Dead | None) -> Head:
    """The head of what several segments become, one behind the other."""
    docs: list[int] = []
    starts: list[int] = []
    gone = BitMap() if dead is None else dead.docs
    for head, base in zip(heads, bases, strict=True):
        for doc, start in zip(head.docs, head.starts, strict=True):
            if doc not in gone:
                docs.append(doc)
                starts.append(start + base)
    by_date = heapq.merge(*(zip(head.dates, head.by_date, strict=True) for head in heads))
    by_size = heapq.merge(*(zip(head.sizes, head.by_size, strict=True) for head in heads))
    dates = [pair for pair in by_date if pair[1] not in gone]
    sizes = [pair for pair in by_size if pair[1] not in gone]
    return _head(docs, starts, dates, sizes)


def merged(
    streams: Sequence[Iterable[Posting]], heads: Sequence[Head], bases: Sequence[int], dead: Dead | None
) -> Iterator[Posting]:
    """The postings of what several segments become."""
    numbered = heapq.merge(*(_numbered(at, stream) for at, stream in enumerate(streams)), key=itemgetter(0, 1))
    for term, group in groupby(numbered, key=itemgetter(0)):
        posting = merge([(at, posting) for _, at, posting in group], heads, bases, dead)
        if posting is not None:
            yield term, posting


def _numbered(at: int, stream: Iterable[Posting]) -> Iterator[tuple[bytes, int, bytes]]:
    for term, posting in stream:
        yield term, at, posting


def blocks(postings: Iterable[Posting]) -> Iterator[tuple[bytes, bytes]]:
    """(first term, block) of sorted postings."""
    terms: list[bytes] = []
    values: list[bytes] = []
    size = 0
    for term, posting in postings:
        length = len(term) + len(posting) + 3
        if terms and size + length > BLOCK:
            yield terms[0], _block(terms, values)
            terms, values, size = [], [], 0
        terms.append(term)
        values.append(posting)
        size += length
    if terms:
        yield terms[0], _block(terms, values)


# A block: u16 length of the terms, NUL term NUL ... term NUL, the postings' ends, the postings. One alone has no end;
# the others have u16 ones, for a block with several is small.
def _block(terms: list[bytes], values: list[bytes]) -> bytes:
    joined = b"\0" + b"\0".join(terms) + b"\0"
    ends = b"" if len(values) == 1 else struct.pack(f"<{len(values)}H", *accumulate(map(len, values)))
    return b"".join((len(joined).to_bytes(2, "little"), joined, ends, *values))


def posting_in(data: bytes, term: bytes) -> bytes | None:
    """The posting of a term in a block, if it has it."""
    stop = 2 + int.from_bytes(data[:2], "little")
    at = data.find(b"\0" + term + b"\0", 2, stop)
    if at < 0:
        return None
    count = data.count(b"\0", 2, stop) - 1
    if count == 1:
        return data[stop:]
    number = data.count(b"\0", 2, at)
    start, end = _TWO.unpack_from(data, stop + 2 * number - 2) if number else (0, _ONE.unpack_from(data, stop)[0])
    base = stop + 2 * count
    return data[base + start : base + end]


def first_term(data: bytes) -> bytes:
    """A block's first term."""
    return data[3 : data.index(b"\0", 3)]


def postings_in(data: bytes) -> Iterator[Posting]:
    """All of a block."""
    stop = 2 + int.from_bytes(data[:2], "little")
    terms = data[3 : stop - 1].split(b"\0")
    if len(terms) == 1:
        yield terms[0], data[stop:]
        return
    base = stop + 2 * len(terms)
    start = base
    for term, end in zip(terms, struct.unpack_from(f"<{len(terms)}H", data, stop), strict=True):
        yield term, data[start : base + end]
        start = base + end


def mentions(data: bytes, part: bytes) -> bool:
    """Whether bytes occur in a block's terms; quick."""
    return data.find(part, 2, 2 + int.from_bytes(data[:2], "little")) >= 0
