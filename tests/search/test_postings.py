"""Ways to write where a term occurs: each gives back what was written, and merging is union."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from mailkit.search import roaring
from mailkit.search.postings import MANY, ROOM, Dead, Head, docs_of, encode, encode_many, merge, ordinals_of, parts
from mailkit.search.segment import CHUNK, Writer, dead_in, merged, merged_head, read
from mailkit.search.squeeze import squeezed, unsqueezed

_EMPTY = array("q")


def head(docs: list[int], rooms: list[int]) -> Head:
    none = array("I")
    return Head(array("I", docs), array("I", rooms), _EMPTY, none, _EMPTY, none)


def written(ordinals: list[int], known: Head) -> bytes:
    if len(ordinals) < MANY:
        return encode(ordinals)
    return encode_many(BitMap(known.docs_at(ordinals)), BitMap(ordinals))


@st.composite
def segments(draw: st.DrawFn) -> tuple[Head, list[int]]:
    """Messages of one to three rooms, with gaps between their numbers, and some of their ordinals, few or many."""
    rooms = draw(st.lists(st.integers(1, 3), min_size=1, max_size=40))
    docs = [3 * n + draw(st.integers(0, 2)) for n in range(len(rooms))]
    known = head(docs, rooms)
    ordinals = st.integers(0, sum(rooms) * ROOM - 1)
    some = draw(st.lists(ordinals, min_size=1, max_size=400, unique=True))
    if draw(st.booleans()):
        some += range(draw(ordinals), sum(rooms) * ROOM, draw(st.integers(1, 5)))
    return known, sorted(set(some))


@given(segments())
def test_posting_gives_back_ordinals_and_messages(segment: tuple[Head, list[int]]) -> None:
    known, ordinals = segment
    posting = written(ordinals, known)
    assert list(ordinals_of(posting)) == ordinals
    owners = [doc for doc, count in zip(known.docs, known.rooms, strict=True) for _ in range(count)]
    assert docs_of(posting, known) == BitMap([owners[one // ROOM] for one in ordinals])


def test_ordinals_far_apart_are_written_out() -> None:
    ordinals = [n << 25 for n in range(20)]
    assert encode(ordinals)[0] == 0
    assert list(ordinals_of(encode(ordinals))) == ordinals


@given(st.lists(st.integers(0, (1 << 32) - 1), max_size=300), st.integers(0, 200_000), st.integers(1, 20))
def test_roaring_bitmaps_come_back(some: list[int], length: int, step: int) -> None:
    """Lists, bit sets and full containers, anywhere in 32 bits."""
    bitmap = BitMap(some) | BitMap(range(1 << 31, (1 << 31) + length, step))
    assert roaring.unpack(roaring.pack(bitmap)) == bitmap
    bitmap.run_optimize()
    assert roaring.unpack(roaring.pack(bitmap)) == bitmap


@given(st.binary(max_size=99), st.sampled_from((1, 2, 4, 8)))
def test_squeezed_bytes_come_back(data: bytes, width: int) -> None:
    assert unsqueezed(squeezed(data, width), width) == data


@given(st.lists(segments(), min_size=1, max_size=4), st.data())
def test_merging_is_union_without_the_dead(found: list[tuple[Head, list[int]]], data: st.DataObject) -> None:
    heads, bases, every, base, first = [], [], [], 0, 0
    for known, ordinals in found:
        docs = [doc + first for doc in known.docs]
        heads.append(head(docs, list(known.rooms)))
        bases.append(base)
        every.append(ordinals)
        base += sum(known.rooms) * ROOM
        first = docs[-1] + 1
    all_docs = [doc for one in heads for doc in one.docs]
    live = BitMap(data.draw(st.lists(st.sampled_from(all_docs))) if data.draw(st.booleans()) else all_docs)
    dead = dead_in(heads, bases, live)
    assert (dead is None) == (len(live) == len(all_docs))
    new = merged_head(heads, dead)
    postings = [(at, written(ordinals, heads[at])) for at, ordinals in enumerate(every)]
    posting = merge(postings, heads, bases, dead)
    expected = [
        (ordinal + base, known.docs_at([ordinal])[0])
        for known, base, ordinals in zip(heads, bases, every, strict=True)
        for ordinal in ordinals
        if known.docs_at([ordinal])[0] in live
    ]
    assert (posting is None) == (not expected)
    if posting is not None:
        assert list(ordinals_of(posting)) == [ordinal for ordinal, _ in expected]
        assert docs_of(posting, new) == BitMap([doc for _, doc in expected])


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=9), segments()), max_size=30), st.booleans())
def test_chunks_give_back_all_postings(terms: list[tuple[bytes, tuple[Head, list[int]]]], again: bool) -> None:
    known = head(list(range(0, 360, 3)), [1] * 120)
    postings = {
        term.replace(b"\0", b"a").replace(b"\1", b"a"): written(ordinals, head([1], [130]))
        for term, (_, ordinals) in terms
    }
    ordered = sorted(postings.items())
    writer = Writer()
    chunks = list(writer.chunks(iter(ordered)))
    complete = writer.complete(known)
    assert all(len(chunk) == CHUNK for chunk in chunks[:-1])
    assert list(read(chunks, complete)) == ordered
    if again:  # joining one segment changes nothing
        assert list(merged([read(chunks, complete)], [complete], [0], None)) == ordered


def test_parts_of_a_frequent_term() -> None:
    messages, ordinals = parts(encode_many(BitMap([1, 2]), BitMap(range(300))))
    assert docs_of(messages, head([], [])) == BitMap([1, 2])
    assert roaring.unpack(ordinals) == BitMap(range(300))


def test_dead_messages_have_no_ordinals() -> None:
    known = head([4, 5, 9], [1, 2, 1])
    dead = dead_in([known], [ROOM], BitMap([4, 9]))
    assert isinstance(dead, Dead)
    assert (list(dead.docs), dead.ordinals.min(), dead.ordinals.max()) == ([5], 2 * ROOM, 4 * ROOM - 1)


@pytest.mark.parametrize("count", [1, 16, 17, MANY - 1])
def test_few_ordinals_take_little(count: int) -> None:
    assert len(encode([1_000 * n for n in range(count)])) <= 5 + 4 * count
