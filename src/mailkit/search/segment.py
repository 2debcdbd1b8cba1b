"""Making segments: from deltas (level 0), and from other segments. Pure: what is written comes out as bytes.

A term is a letter and a word: `w` any word of the message, `s f t c b n` words of that field (`query.ASKED`), `h` the
thread in base 85, `a` for having attachments. Terms lie in order in blocks of about `BLOCK` bytes, of which the
segment's head knows the first terms; so a prefix is a range of blocks, and there is no dictionary beside them. Of a
frequent term the messages and the ordinals are two entries, the second one under term SOH: only phrases ask for it.

The blocks, one behind the other, are stored in chunks of `CHUNK` bytes, whatever they begin with: none has waste.
"""

import heapq
import struct
from array import array
from base64 import b85encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, islice, pairwise
from operator import itemgetter

from attrs import evolve
from pyroaring import BitMap

from mailkit.errors import Corrupt
from mailkit.search.delta import Delta
from mailkit.search.postings import MANY, ROOM, Dead, Head, encode, encode_many, merge, parts
from mailkit.search.query import ASKED, FIELDS

__all__ = [
    "CHUNK",
    "ORDINALS",
    "Writer",
    "attached_term",
    "dead_in",
    "from_deltas",
    "mentions",
    "merged",
    "merged_head",
    "posting_in",
    "postings_in",
    "read",
    "thread_term",
]

BLOCK = 2_000
"""Bytes of a block, about; a long posting has one of its own."""

CHUNK = 4_080
"""Bytes that are stored under one key: with what LMDB adds, one page of 4,096."""

ORDINALS = b"\1"
"""What the term of a frequent term's ordinals ends in: no word has it, and every longer word comes after it."""

_ONE = struct.Struct("<H")
_TWO = struct.Struct("<HH")

Posting = tuple[bytes, bytes]
"""A term and where it is."""


def thread_term(thread: bytes) -> bytes:
    """The term of a thread's messages."""
    return b"h" + b85encode(thread)


def attached_term() -> bytes:
    """The term of messages with attachments."""
    return b"a"


def from_deltas(deltas: Sequence[tuple[int, Delta]]) -> tuple[Head, int, Iterator[Posting]]:
    """Head, number of ordinals and postings of a segment of messages, given as (number, delta) in order of numbers."""
    every: defaultdict[bytes, list[int]] = defaultdict(list)
    asked = {letter: defaultdict[bytes, list[int]](list) for letter in ASKED}
    extra: defaultdict[bytes, list[int]] = defaultdict(list)
    rooms: list[int] = []
    begin = 0
    for _, delta in deltas:
        at = begin
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
        rooms.append((at - begin + ROOM - 1) // ROOM)
        begin += rooms[-1] * ROOM
    head = _head(
        [doc for doc, _ in deltas],
        rooms,
        sorted((delta.date, doc) for doc, delta in deltas),
        sorted((delta.size, doc) for doc, delta in deltas),
    )
    return head, begin, _postings({**asked, "w": every}, extra, head)


def _postings(
    kinds: dict[str, defaultdict[bytes, list[int]]], extra: dict[bytes, list[int]], head: Head
) -> Iterator[Posting]:
    found = list(extra.items())
    for letter, terms in kinds.items():
        mark = letter.encode()
        terms.pop(b"", None)  # gaps
        found += [(mark + word, ordinals) for word, ordinals in terms.items()]
    found.sort(key=itemgetter(0))
    for term, ordinals in found:
        if len(ordinals) < MANY:
            yield term, encode(ordinals)
        else:
            yield term, encode_many(BitMap(head.docs_at(ordinals)), BitMap(ordinals))


def _head(docs: list[int], rooms: list[int], dates: list[tuple[int, int]], sizes: list[tuple[int, int]]) -> Head:
    return Head(
        docs=array("I", docs),
        rooms=array("I", rooms),
        dates=array("q", [date for date, _ in dates]),
        by_date=array("I", [doc for _, doc in dates]),
        sizes=array("q", [size for size, _ in sizes]),
        by_size=array("I", [doc for _, doc in sizes]),
    )


def dead_in(heads: Sequence[Head], bases: Sequence[int], live: BitMap) -> Dead | None:
    """What is dead in segments that are to be merged, given with the first ordinal of each; None for nothing."""
    docs, ordinals = BitMap(), BitMap()
    for head, base in zip(heads, bases, strict=True):
        if BitMap(head.docs).issubset(live):
            continue
        begins = accumulate(head.rooms, initial=0)
        for doc, (start, stop) in zip(head.docs, pairwise(begins), strict=True):
            if doc not in live:
                docs.add(doc)
                ordinals.add_range(base + start * ROOM, base + stop * ROOM)
    return Dead(docs, ordinals) if docs else None


def merged_head(heads: Sequence[Head], dead: Dead | None) -> Head:
    """The head of what several segments become, one behind the other. Dead messages leave their room empty, to the one
    before them: nothing that comes behind moves."""
    docs: list[int] = []
    rooms: list[int] = []
    gone = BitMap() if dead is None else dead.docs
    for head in heads:
        for doc, room in zip(head.docs, head.rooms, strict=True):
            if doc not in gone or not docs:
                docs.append(doc)
                rooms.append(room)
            else:
                rooms[-1] += room
    by_date = heapq.merge(*(zip(head.dates, head.by_date, strict=True) for head in heads))
    by_size = heapq.merge(*(zip(head.sizes, head.by_size, strict=True) for head in heads))
    dates = [pair for pair in by_date if pair[1] not in gone]
    sizes = [pair for pair in by_size if pair[1] not in gone]
    return _head(docs, rooms, dates, sizes)


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


class Writer:
    """Makes chunks of sorted postings, and then knows where the blocks are."""

    def __init__(self) -> None:
        self._firsts: list[bytes] = []
        self._offsets = array("q")
        self._length = 0

    def chunks(self, postings: Iterable[Posting]) -> Iterator[bytes]:
        """All the bytes of a segment, `CHUNK` at a time."""
        rest = b""
        for first, block in blocks(postings):
            self._firsts.append(first)
            self._offsets.append(self._length)
            self._length += len(block)
            rest += block
            whole = len(rest) - len(rest) % CHUNK
            for at in range(0, whole, CHUNK):
                yield rest[at : at + CHUNK]
            rest = rest[whole:]
        if rest:
            yield rest

    def complete(self, head: Head) -> Head:
        """A head that knows the blocks that were written."""
        self._offsets.append(self._length)
        return evolve(head, terms=tuple(self._firsts), offsets=self._offsets)


def read(chunks: Iterable[bytes], head: Head) -> Iterator[Posting]:
    """All postings of a segment; Corrupt `search.segment` when chunks are missing."""
    rest, source = b"", iter(chunks)
    frequent: Posting | None = None
    for start, stop in pairwise(head.offsets):
        missing = stop - start - len(rest)
        if missing > 0:
            rest += b"".join(islice(source, -(-missing // CHUNK)))
            if len(rest) < stop - start:
                raise Corrupt("search.segment", "A segment of the search index ends too early: rebuild it")
        block, rest = rest[: stop - start], rest[stop - start :]
        for term, posting in postings_in(block):
            if posting[:1] == b"\1" and not term.endswith(ORDINALS):
                frequent = term, posting
            elif frequent is not None:
                yield frequent[0], frequent[1] + posting
                frequent = None
            else:
                yield term, posting


def _entries(postings: Iterable[Posting]) -> Iterator[Posting]:
    for term, posting in postings:
        if posting[:1] == b"\1":
            messages, ordinals = parts(posting)
            yield term, messages
            yield term + ORDINALS, ordinals
        else:
            yield term, posting


def blocks(postings: Iterable[Posting]) -> Iterator[Posting]:
    """(first term, block) of sorted postings."""
    terms: list[bytes] = []
    values: list[bytes] = []
    size = 0
    for term, posting in _entries(postings):
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
