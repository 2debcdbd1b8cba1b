"""Words of messages that are in no segment yet, in memory: what a query would otherwise look for in each of them."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator

from pyroaring import BitMap

from mailkit.search.delta import Delta, occurs
from mailkit.search.query import ASKED, FIELDS, Text

__all__ = ["SPAN", "Recent"]

SPAN = 256
"""Messages whose words stand together."""

_NONE = b"\x01" * (len(FIELDS) - 1)


class _Words:
    """Where the words of some neighbouring messages occur."""

    def __init__(self) -> None:
        self.docs: defaultdict[bytes, list[int]] = defaultdict(list)
        self._sorted: list[bytes] = []

    def add(self, doc: int, words: bytes) -> None:
        every: set[bytes] = set()
        for letter, field in zip(FIELDS, words.split(b"\x01"), strict=True):
            if field:
                distinct = set(field[1:-1].split(b"\0"))
                every |= distinct
                if letter in ASKED:
                    mark = letter.encode()
                    for word in distinct:
                        self.docs[mark + word].append(doc)
        for word in every:
            self.docs[b"w" + word].append(doc)

    def beginning(self, prefix: bytes) -> Iterator[bytes]:
        """The terms that begin so."""
        known = self._sorted
        if len(known) != len(self.docs):
            known = self._sorted = sorted(self.docs)
        at = bisect_left(known, prefix)
        while at < len(known) and known[at].startswith(prefix):
            yield known[at]
            at += 1


class Recent:
    """Some messages by their numbers. Who adds holds `lock`; others may look meanwhile, and see a message or not.

    Their words stand together by `SPAN` messages, so that those which a segment holds by now are dropped at no cost.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.deltas: dict[int, Delta] = {}
        self.blank: set[int] = set()
        """Messages without words, which may still get some."""
        self._spans: dict[int, _Words] = {}

    def beyond(self, through: int) -> "Recent":
        """The messages from number `through` on, and perhaps a few below, whose words are in a segment as well: who is
        found twice is found. This one stays as it is, for who is still looking."""
        found = Recent()
        found.lock = self.lock
        found._spans = {at: words for at, words in list(self._spans.items()) if (at + 1) * SPAN > through}
        found.deltas = {doc: delta for doc, delta in list(self.deltas.items()) if doc // SPAN in found._spans}
        found.blank = {doc for doc in list(self.blank) if doc in found.deltas}
        return found

    def add(self, doc: int, delta: Delta) -> None:
        """Takes up a message, or the words of one that had none."""
        words = self._spans.setdefault(doc // SPAN, _Words())
        if delta.words == _NONE:
            self.blank.add(doc)
        else:
            self.blank.discard(doc)
            words.add(doc, delta.words)
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
        terms = list(dict.fromkeys(term for words in self._each() for term in words.docs))
        return terms[:: max(1, len(terms) // count)]

    def _each(self) -> list[_Words]:
        return list(self._spans.values())

    def _with(self, term: bytes) -> BitMap:
        return BitMap([doc for words in self._each() for doc in words.docs.get(term, ())])

    def _beginning(self, prefix: bytes) -> BitMap:
        return BitMap([doc for words in self._each() for term in words.beginning(prefix) for doc in words.docs[term]])
