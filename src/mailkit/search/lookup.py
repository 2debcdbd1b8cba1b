"""Finding terms in a segment, as one snapshot shows it: the head says in which block, one or two reads bring it."""

from bisect import bisect_right
from collections.abc import Callable, Iterator

from pyroaring import BitMap

from mailkit.ids import Id
from mailkit.search.postings import Head, docs_of, ordinals_in, ordinals_of
from mailkit.search.segment import BLOCK, CHUNK, ORDINALS, Posting, mentions, posting_in, postings_in
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx
from mailkit.storage.keys import after_prefix

__all__ = ["Lookup"]


class Lookup:
    """One segment."""

    __slots__ = ("_key", "_tx", "head")

    def __init__(self, tx: ReadTx, account: int, segment: Id, head: Head) -> None:
        self.head = head
        self._tx = tx
        self._key = keyspace.SEARCH_BLOCK.key(account, segment)

    def docs(self, term: bytes) -> BitMap | None:
        """The messages with a term; None for no message."""
        posting = self._posting(term)
        return None if posting is None else docs_of(posting, self.head)

    def ordinals(self, term: bytes) -> BitMap | None:
        """Where a term occurs; None for nowhere."""
        posting = self._posting(term)
        return None if posting is None else self._ordinals(term, posting)

    def docs_like(self, prefix: bytes, part: bytes, fits: Callable[[bytes], bool]) -> BitMap:
        """The messages with any term that begins with `prefix`, has `part` in it and fits."""
        found = [docs_of(posting, self.head) for _, posting in self._like(prefix, part, fits)]
        return BitMap.union(BitMap(), *found)

    def ordinals_like(self, prefix: bytes, part: bytes, fits: Callable[[bytes], bool]) -> BitMap:
        """Where any such term occurs."""
        found = [self._ordinals(term, posting) for term, posting in self._like(prefix, part, fits)]
        return BitMap.union(BitMap(), *found)

    def some_terms(self, count: int) -> list[bytes]:
        """Up to about so many terms from all over the segment."""
        terms = [term for term in self.head.terms if not term.endswith(ORDINALS)]
        return terms[:: max(1, len(terms) // count)]

    def _posting(self, term: bytes) -> bytes | None:
        number = bisect_right(self.head.terms, term) - 1
        return None if number < 0 else posting_in(self._block(number), term)

    def _ordinals(self, term: bytes, posting: bytes) -> BitMap:
        if posting[0] != 1:
            return ordinals_of(posting)
        part = self._posting(term + ORDINALS)
        return BitMap() if part is None else ordinals_in(part)

    def _like(self, prefix: bytes, part: bytes, fits: Callable[[bytes], bool]) -> Iterator[Posting]:
        terms, offsets, stop = self.head.terms, self.head.offsets, after_prefix(prefix)
        for number in range(max(0, bisect_right(terms, prefix) - 1), len(terms)):
            first = terms[number]
            if first >= stop:
                return
            if first.endswith(ORDINALS) and offsets[number + 1] - offsets[number] > BLOCK:
                continue  # nothing else is in it
            block = self._block(number)
            if mentions(block, part):
                for term, posting in postings_in(block):
                    if term.startswith(prefix) and not term.endswith(ORDINALS) and fits(term):
                        yield term, posting

    def _block(self, number: int) -> bytes:
        start, stop = self.head.offsets[number : number + 2]
        chunk, at = divmod(start, CHUNK)
        stop -= start - at
        if stop <= CHUNK:
            return self._chunk(chunk)[at:stop]
        count = -(-stop // CHUNK)
        if count <= 4:
            return b"".join([self._chunk(chunk + one) for one in range(count)])[at:stop]
        first, last = (self._key + one.to_bytes(4, "big") for one in (chunk, chunk + count))
        return b"".join([data for _, data in self._tx.scan(first, last)])[at:stop]

    def _chunk(self, number: int) -> bytes:
        return self._tx.get(self._key + number.to_bytes(4, "big")) or b""
