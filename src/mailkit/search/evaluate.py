"""Answering a query in one snapshot: manifest, segments, deltas and facts all come from it, so nothing lags and nothing
is seen half. Sets are bitmaps of message numbers; what is gone is taken out at the end, and before anything is negated.
"""

from collections.abc import Callable, Iterator
from functools import cached_property, reduce
from operator import and_

from pyroaring import BitMap

from mailkit.ids import Id
from mailkit.search.delta import DELTA, Delta, occurs
from mailkit.search.postings import Head, docs_of, numbers, ordinals_of
from mailkit.search.query import (
    All,
    And,
    Attached,
    Between,
    Flag,
    In,
    Not,
    Nothing,
    Or,
    Query,
    Text,
    Thread,
    Uids,
)
from mailkit.search.records import FACTS, MANIFESTS, Facts, Manifest, Segment, bits
from mailkit.search.segment import attached_term, mentions, posting_in, postings_in, thread_term
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx
from mailkit.storage.keys import after_prefix

__all__ = ["Evaluation"]

_BITMAPS = {"\\Seen": "seen", "\\Flagged": "flagged", "\\Deleted": "deleted"}


class Evaluation:
    """One account's index as one snapshot shows it. `head_of(tx, account, segment)` reads a segment's head."""

    def __init__(self, tx: ReadTx, account: int, head_of: Callable[[ReadTx, int, Segment], Head]) -> None:
        self.tx = tx
        self.account = account
        self._head_of = head_of
        self._prefixes: dict[Id, bytes] = {}
        self.manifest = MANIFESTS.find(tx, account) or Manifest()

    @cached_property
    def facts(self) -> list[Facts]:
        """What changes about messages."""
        return [facts for _, facts in FACTS.scan(self.tx, self.account)]

    @cached_property
    def pending(self) -> list[tuple[int, bytes]]:
        """Messages that are in no segment yet, with their numbers."""
        space = keyspace.SEARCH_DELTA
        start, _ = space.range(self.account, self.manifest.through)
        _, stop = space.range(self.account)
        return [(int.from_bytes(key[-4:], "big"), data) for key, data in self.tx.scan(start, stop)]

    @cached_property
    def deltas(self) -> list[tuple[int, Delta]]:
        """The same, decoded."""
        return [(doc, DELTA.decode(data)) for doc, data in self.pending]

    @cached_property
    def live(self) -> BitMap:
        """Every message that is there."""
        return BitMap.union(BitMap(), *(bits(facts.live) for facts in self.facts))

    def head(self, segment: Segment) -> Head:
        """A segment's head."""
        return self._head_of(self.tx, self.account, segment)

    def answer(self, query: Query) -> BitMap:
        """The numbers of the messages that are there and that `query` asks for."""
        return self._set(query) & self.live

    def _set(self, query: Query) -> BitMap:
        match query:
            case All():
                return self.live
            case Nothing():
                return BitMap()
            case And(parts):
                return self._all(parts)
            case Or(parts):
                return BitMap.union(*(self._set(part) for part in parts))
            case Not(part):
                return self.live - self._set(part)
            case Text():
                found = [self._text(segment, query) for segment in self.manifest.segments]
                found.append(BitMap([doc for doc, data in self.pending if occurs(query, data)]))
                return BitMap.union(*found)
            case Attached():
                return self._term(attached_term(), lambda delta: delta.attached)
            case Thread(id):
                return self._term(thread_term(id), lambda delta: delta.thread == id)
            case Flag(name):
                field = _BITMAPS[name]
                return BitMap.union(BitMap(), *(bits(getattr(facts, field)) for facts in self.facts))
            case In(mailboxes):
                some = (bits(facts.mailboxes.get(bytes(id), b"")) for facts in self.facts for id in mailboxes)
                return BitMap.union(BitMap(), *some)
            case Between(what, least, most):
                found = [self.head(segment).between(what, least, most) for segment in self.manifest.segments]
                mine = [
                    doc for doc, delta in self.deltas if least <= (delta.date if what == "date" else delta.size) <= most
                ]
                return BitMap.union(BitMap(mine), *found)
            case Uids(ranges):
                return self._uids(ranges)

    def _all(self, parts: tuple[Query, ...]) -> BitMap:
        found: BitMap | None = None
        for part in parts:
            if not isinstance(part, Not):
                some = self._set(part)
                found = some if found is None else found & some
                if not found:
                    return found
        found = self.live if found is None else found
        for part in parts:
            if isinstance(part, Not) and found:
                found = found - self._set(part.part)
        return found

    def _uids(self, ranges: tuple[tuple[int, int], ...]) -> BitMap:
        found = BitMap()
        space = keyspace.SEARCH_PLACE
        for mailbox in {box for facts in self.facts for box in facts.mailboxes}:
            for first, last in ranges:
                if first <= last and first < 1 << 32:
                    start, _ = space.range(self.account, mailbox, max(0, first))
                    _, stop = space.range(self.account, mailbox, min(last, (1 << 32) - 1))
                    found.update([int.from_bytes(data, "big") for _, data in self.tx.scan(start, stop)])
        return found

    def _term(self, term: bytes, pending: Callable[[Delta], bool]) -> BitMap:
        found = [BitMap([doc for doc, delta in self.deltas if pending(delta)])]
        for segment in self.manifest.segments:
            posting = self._posting(segment, term)
            if posting is not None:
                found.append(docs_of(posting, self.head(segment)))
        return BitMap.union(*found)

    # words in a segment

    def _text(self, segment: Segment, text: Text) -> BitMap:
        marks = [letter.encode() for letter in text.fields] or [b"w"]
        last = len(text.words) - 1
        if last == 0 and not (text.open_start or text.open_end):
            found = [self._posting(segment, mark + text.words[0]) for mark in marks]
            return BitMap.union(BitMap(), *(docs_of(one, self.head(segment)) for one in found if one is not None))
        sets = []
        for mark in marks:
            if last == 0:
                sets.append(self._docs_of_many(segment, self._open(segment, mark, text, 0)))
            else:
                sets.append(self.head(segment).docs_with(self._phrase(segment, mark, text)))
        return BitMap.union(*sets)

    def _phrase(self, segment: Segment, mark: bytes, text: Text) -> BitMap:
        """The ordinals at which a phrase begins."""
        last = len(text.words) - 1
        exact: list[tuple[int, bytes]] = []
        for at, word in enumerate(text.words):
            if not (at == 0 and text.open_start) and not (at == last and text.open_end):
                posting = self._posting(segment, mark + word)
                if posting is None:
                    return BitMap()
                exact.append((at, posting))
        exact.sort(key=lambda pair: len(pair[1]))  # the rarest first
        sets = (ordinals_of(posting).shift(-at) for at, posting in exact)
        found: BitMap | None = reduce(and_, sets) if exact else None
        if text.open_start:
            found = self._narrow(segment, mark, text, 0, found)
        if text.open_end:
            found = self._narrow(segment, mark, text, last, found)
        return found or BitMap()

    def _narrow(self, segment: Segment, mark: bytes, text: Text, at: int, found: BitMap | None) -> BitMap:
        if found is not None and not found:
            return found
        some = BitMap.union(BitMap(), *(ordinals_of(posting) for posting in self._open(segment, mark, text, at)))
        some = some.shift(-at)
        return some if found is None else found & some

    def _docs_of_many(self, segment: Segment, postings: Iterator[bytes]) -> BitMap:
        ordinals: list[int] = []
        sets = []
        for posting in postings:
            if posting[0] == 0:
                ordinals += numbers(posting[1:])
            else:
                sets.append(docs_of(posting, self.head(segment)))
        sets.append(self.head(segment).docs_with(BitMap(ordinals)))
        return BitMap.union(*sets)

    def _open(self, segment: Segment, mark: bytes, text: Text, at: int) -> Iterator[bytes]:
        """The postings of all terms that fit the query's word number `at`, which may be part of a longer word."""
        word = text.words[at]
        if not (text.open_start and at == 0):
            yield from self._prefixed(segment, mark + word, mark + word, lambda term: True)
            return
        if text.open_end and at == len(text.words) - 1:
            fits: Callable[[bytes], bool] = lambda term: word in term[1:]  # noqa: E731
        else:
            fits = lambda term: term[1:].endswith(word)  # noqa: E731
        yield from self._prefixed(segment, mark, word, fits)

    def _prefixed(self, segment: Segment, prefix: bytes, part: bytes, fits: Callable[[bytes], bool]) -> Iterator[bytes]:
        """The postings of terms that begin with `prefix` and fit, which only those do that have `part` in them."""
        lowest = self._lowest(segment)
        start = lowest + prefix
        first = next(self.tx.scan(lowest, start, reverse=True, limit=1), None)
        if first is not None:
            yield from _fitting(first[1], prefix, part, fits)
        for _, data in self.tx.scan(start, after_prefix(start)):
            yield from _fitting(data, prefix, part, fits)

    def _posting(self, segment: Segment, term: bytes) -> bytes | None:
        lowest = self._lowest(segment)
        found = next(self.tx.scan(lowest, lowest + term + b"\0\2", reverse=True, limit=1), None)
        return None if found is None else posting_in(found[1], term)

    def _lowest(self, segment: Segment) -> bytes:
        """What the keys of a segment's blocks begin with: terms hold no NUL, so each follows as it is, and ends in
        NUL 1 (`storage.keys`)."""
        found = self._prefixes.get(segment.id)
        if found is None:
            found = self._prefixes[segment.id] = keyspace.SEARCH_BLOCK.key(self.account, segment.id)
        return found


def _fitting(data: bytes, prefix: bytes, part: bytes, fits: Callable[[bytes], bool]) -> Iterator[bytes]:
    if mentions(data, part):
        for term, posting in postings_in(data):
            if term.startswith(prefix) and fits(term):
                yield posting
