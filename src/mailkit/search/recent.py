"""Words of messages that are in no segment yet, in memory: what a query would otherwise look for in each of them."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator

from pyroaring import BitMap

from mailkit.search.delta import Delta, occurs
from mailkit.search.query import ASKED, FIELDS, Text

__all__ = ["Recent"]

_NONE = b"\x01" * (len(FIELDS) - 1)


class Recent:
    """Some messages by their numbers. Who adds holds `lock`; others may look meanwhile, and see a message or not."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.deltas: dict[int, Delta] = {}
        self.blank: set[int] = set()
        """Messages without words, which may still get some."""
        self._docs: defaultdict[bytes, list[int]] = defaultdict(list)
        self._sorted: list[bytes] = []

    def add(self, doc: int, delta: Delta) -> None:
        """Takes up a message, or the words of one that had none."""
        if delta.words == _NONE:
            self.blank.add(doc)
        else:
            self.blank.discard(doc)
            every: set[bytes] = set()
            for letter, field in zip(FIELDS, delta.words.split(b"\x01"), strict=True):
                if field:
                    distinct = set(field[1:-1].split(b"\0"))
                    every |= distinct
                    if letter in ASKED:
                        mark = letter.encode()
                        for word in distinct:
                            self._docs[mark + word].append(doc)
            for word in every:
                self._docs[b"w" + word].append(doc)
        self.deltas[doc] = delta

    def text(self, text: Text) -> BitMap:
        """The messages in which the words of a query occur."""
        marks = [letter.encode() for letter in text.fields] or [b"w"]
        if len(text.words) == 1 and not text.open_start:
            word, find = text.words[0], self._beginning if text.open_end else self._with
            return BitMap.union(BitMap(), *(find(mark + word) for mark in marks))
        last = len(text.words) - 1
        found: BitMap | None = None
        for at, word in enumerate(text.words):
            if not (at == 0 and text.open_start) and not (at == last and text.open_end):
                some = BitMap.union(BitMap(), *(self._with(mark + word) for mark in marks))
                found = some if found is None else found & some
        candidates = list(self.deltas) if found is None else found
        return BitMap([doc for doc in candidates if occurs(text, self.deltas[doc].words)])

    def having(self, condition: Callable[[Delta], bool]) -> BitMap:
        """The messages of which something holds."""
        return BitMap([doc for doc, delta in list(self.deltas.items()) if condition(delta)])

    def some_terms(self, count: int) -> list[bytes]:
        """Up to about so many terms: a letter of `query.ASKED` or `w`, and a word."""
        return list(self._docs)[:: max(1, len(self._docs) // count)]

    def _with(self, term: bytes) -> BitMap:
        return BitMap(self._docs.get(term, ()))

    def _beginning(self, prefix: bytes) -> BitMap:
        return BitMap.union(BitMap(), *(BitMap(self._docs[term]) for term in self._terms(prefix)))

    def _terms(self, prefix: bytes) -> Iterator[bytes]:
        known = self._sorted
        if len(known) != len(self._docs):
            known = self._sorted = sorted(self._docs)
        at = bisect_left(known, prefix)
        while at < len(known) and known[at].startswith(prefix):
            yield known[at]
            at += 1
