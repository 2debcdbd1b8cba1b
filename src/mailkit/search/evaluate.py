"""Answering a query in one snapshot: manifest, segments, deltas and facts all come from it, so nothing lags and nothing
is seen half. Sets are bitmaps of message numbers; what is gone is taken out at the end, and before anything is negated.
"""

from collections.abc import Callable
from functools import cached_property

from pyroaring import BitMap

from mailkit.search.lookup import Lookup
from mailkit.search.memory import Memory, State
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
from mailkit.search.recent import Recent
from mailkit.search.records import MANIFESTS, Manifest, bits
from mailkit.search.segment import attached_term, thread_term
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx

__all__ = ["Evaluation"]

_BITMAPS = {"\\Seen": "seen", "\\Flagged": "flagged", "\\Deleted": "deleted"}


class Evaluation:
    """One account's index as one snapshot shows it."""

    def __init__(self, tx: ReadTx, account: int, memory: Memory) -> None:
        self.tx = tx
        self.account = account
        self._memory = memory
        self.manifest = MANIFESTS.find(tx, account) or Manifest()

    @cached_property
    def segments(self) -> list[Lookup]:
        """The segments that count."""
        tx, account, head = self.tx, self.account, self._memory.head
        return [Lookup(tx, account, one.id, head(tx, account, one.id)) for one in self.manifest.segments]

    @cached_property
    def recent(self) -> Recent:
        """Messages that are in no segment yet."""
        return self._memory.recent(self.tx, self.account, self.manifest.through)

    @cached_property
    def state(self) -> State:
        """What changes about messages."""
        return self._memory.state(self.tx, self.account)

    @property
    def live(self) -> BitMap:
        """Every message that is there; not to be changed."""
        return self.state.bitmap("live")

    def answer(self, query: Query) -> BitMap:
        """The numbers of the messages that are there and that `query` asks for."""
        return self._set(query) & self.live

    def _set(self, query: Query) -> BitMap:
        match query:
            case Text():
                return self._text(query)
            case And(parts):
                return self._all(parts)
            case Or(parts):
                return BitMap.union(*(self._set(part) for part in parts))
            case Not(part):
                return self.live - self._set(part)
            case Flag(name):
                return self.state.bitmap(_BITMAPS[name])
            case All():
                return self.live
            case Nothing():
                return BitMap()
            case Attached():
                return self._term(attached_term()) | self.recent.having(lambda delta: delta.attached)
            case Thread(id):
                return self._term(thread_term(id)) | self.recent.having(lambda delta: delta.thread == id)
            case In(mailboxes):
                some = (bits(facts.mailboxes.get(bytes(id), b"")) for facts in self.state.facts for id in mailboxes)
                return BitMap.union(BitMap(), *some)
            case Between(what, least, most):
                found = [segment.head.between(what, least, most) for segment in self.segments]
                found.append(
                    self.recent.having(lambda delta: least <= (delta.date if what == "date" else delta.size) <= most)
                )
                return BitMap.union(*found)
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
        for mailbox in {box for facts in self.state.facts for box in facts.mailboxes}:
            for first, last in ranges:
                if first <= last and first < 1 << 32:
                    start, _ = space.range(self.account, mailbox, max(0, first))
                    _, stop = space.range(self.account, mailbox, min(last, (1 << 32) - 1))
                    found.update([int.from_bytes(data, "big") for _, data in self.tx.scan(start, stop)])
        return found

    def _term(self, term: bytes) -> BitMap:
        found = [segment.docs(term) for segment in self.segments]
        return BitMap.union(BitMap(), *(one for one in found if one is not None))

    def _text(self, text: Text) -> BitMap:
        marks = [letter.encode() for letter in text.fields] or [b"w"]
        single = len(text.words) == 1
        found = [self.recent.text(text)]
        for segment in self.segments:
            for mark in marks:
                if not single:
                    found.append(BitMap(segment.head.docs_at(_phrase(segment, mark, text))))
                elif text.open_start or text.open_end:
                    found.append(segment.docs_like(*_like(mark, text, 0)))
                elif (some := segment.docs(mark + text.words[0])) is not None:
                    found.append(some)
        return found[0] if len(found) == 1 else BitMap.union(*found)


def _phrase(segment: Lookup, mark: bytes, text: Text) -> BitMap:
    """The ordinals at which a phrase begins."""
    last = len(text.words) - 1
    exact: list[tuple[int, bytes]] = []
    for at, word in enumerate(text.words):
        if not (at == 0 and text.open_start) and not (at == last and text.open_end):
            exact.append((at, mark + word))
    sets = []
    for at, term in exact:
        some = segment.ordinals(term)
        if some is None:
            return BitMap()
        sets.append((len(some), at, some))
    sets.sort(key=lambda one: one[0])  # the rarest first: what is found is small then, and shifted for little
    found: BitMap | None = None
    for _, at, some in sets:
        found = some.shift(-at) if found is None else found.shift(at).intersection(some).shift(-at)
    for at in ((0,) if text.open_start else ()) + ((last,) if text.open_end else ()):
        if found is not None and not found:
            return found
        some = segment.ordinals_like(*_like(mark, text, at)).shift(-at)
        found = some if found is None else found & some
    return found or BitMap()


def _like(mark: bytes, text: Text, at: int) -> tuple[bytes, bytes, Callable[[bytes], bool]]:
    """Which terms fit the query's word number `at`, which may be part of a longer word: what they begin with, what
    they have in them, and whether one does."""
    word = text.words[at]
    if not (text.open_start and at == 0):
        return mark + word, mark + word, lambda term: True
    if text.open_end and at == len(text.words) - 1:
        return mark, word, lambda term: word in term[1:]
    return mark, word, lambda term: term[1:].endswith(word)
