"""What of the index is kept in memory between searches, in bounded room. Nothing here can be wrong for a snapshot:

- segments never change, and their ids are never used again
- a waiting message's words don't change once there are any, and numbers are never used again; what a transaction wrote
  that may still fail is not kept, and what a snapshot doesn't have yet is not live in it
- facts are compared with what the store says
"""

import threading
from collections import OrderedDict

from pyroaring import BitMap

from mailkit.ids import Id
from mailkit.search import waiting
from mailkit.search.postings import Head
from mailkit.search.recent import Recent
from mailkit.search.records import FACTS, Facts, bits, unpack_head
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx

__all__ = ["Memory", "State"]

_HEADS = 500_000
"""Messages whose segments' heads are kept, by some 100 bytes each."""

_WAITING = 2_048
"""Waiting messages whose words are kept, by some 10 KB each."""

_STATES = 64
"""Accounts whose facts are kept, by some 2 bytes a message each."""


class State:
    """What changes about an account's messages, as one snapshot has it."""

    def __init__(self, raw: list[bytes], facts: list[Facts]) -> None:
        self.raw = raw
        self.facts = facts
        self._bitmaps: dict[str, BitMap] = {}

    def bitmap(self, name: str) -> BitMap:
        """All messages that are `live`, `seen`, `flagged` or `deleted`; not to be changed."""
        found = self._bitmaps.get(name)
        if found is None:
            found = BitMap.union(BitMap(), *(bits(getattr(facts, name)) for facts in self.facts))
            self._bitmaps[name] = found
        return found


class Memory:
    """For all accounts of a store; any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heads: OrderedDict[bytes, Head] = OrderedDict()
        self._messages = 0
        self._recent: OrderedDict[int, tuple[int, Recent]] = OrderedDict()
        self._states: OrderedDict[int, State] = OrderedDict()

    def head(self, tx: ReadTx, account: int, segment: Id) -> Head:
        """A segment's head."""
        with self._lock:
            head = self._heads.get(segment)
            if head is not None:
                self._heads.move_to_end(segment)
                return head
        head = unpack_head(tx.get(keyspace.SEARCH_HEAD.key(account, segment)))
        with self._lock:
            if segment not in self._heads:
                self._heads[segment] = head
                self._messages += len(head.docs)
            while self._messages > _HEADS and len(self._heads) > 1:
                self._messages -= len(self._heads.popitem(last=False)[1].docs)
        return head

    def recent(self, tx: ReadTx, account: int, through: int) -> Recent:
        """The messages from number `through` on."""
        if hasattr(tx, "put"):
            return _extended(tx, account, Recent(), through)
        with self._lock:
            known, found = self._recent.get(account, (-1, Recent()))
            if known < through:
                found = found.beyond(through)
                self._recent[account] = through, found
            self._recent.move_to_end(account)
        if known > through:  # an older snapshot than the one before
            return _extended(tx, account, Recent(), through)
        with found.lock:
            _extended(tx, account, found, through)
        with self._lock:
            while sum(len(one.deltas) for _, one in self._recent.values()) > _WAITING and len(self._recent) > 1:
                self._recent.popitem(last=False)
        return found

    def state(self, tx: ReadTx, account: int) -> State:
        """What changes about the messages."""
        raw = [data for _, data in tx.scan(*keyspace.SEARCH_FACTS.range(account))]
        known = self._states.get(account)
        if known is not None and known.raw == raw:
            return known
        facts = [
            known.facts[at]
            if known is not None and at < len(known.raw) and known.raw[at] == data
            else FACTS.codec.decode(data)
            for at, data in enumerate(raw)
        ]
        found = State(raw, facts)
        if not hasattr(tx, "put"):
            with self._lock:
                self._states[account] = found
                self._states.move_to_end(account)
                while len(self._states) > _STATES:
                    self._states.popitem(last=False)
        return found


def _extended(tx: ReadTx, account: int, recent: Recent, through: int) -> Recent:
    for doc in list(recent.blank):
        delta = waiting.find(tx, account, doc)
        if delta is not None:
            recent.add(doc, delta)
    last = next(reversed(recent.deltas), through - 1)
    for doc, delta in waiting.scan(tx, account, last + 1):
        recent.add(doc, delta)
    return recent
