"""Answers kept for their time to live, negative ones too (RFC 2308). Bounded; safe across threads."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from time import monotonic

from attrs import define, field

from mailkit.mailauth.lookup import Answer, Query

__all__ = ["AnswerCache"]

MAX_TTL = 86_400.0
MAX_NEGATIVE_TTL = 900.0
FAILURE_TTL = 5.0
"""A transient failure is remembered so long, so that one message does not ask a dead server a dozen times."""


@define
class AnswerCache:
    """The least recently used of more than `size` answers is dropped. `clock` gives seconds that only grow."""

    size: int = 20_000
    clock: Callable[[], float] = monotonic
    _kept: OrderedDict[Query, tuple[float, Answer]] = field(init=False, factory=OrderedDict)
    _lock: Lock = field(init=False, factory=Lock)

    def get(self, query: Query) -> Answer | None:
        """The answer, while it is fresh."""
        with self._lock:
            entry = self._kept.get(query)
            if entry is None:
                return None
            if entry[0] <= self.clock():
                del self._kept[query]
                return None
            self._kept.move_to_end(query)
            return entry[1]

    def put(self, query: Query, answer: Answer, ttl: float) -> None:
        """Keep `answer` for `ttl` seconds, within what its status allows."""
        limit = {"ok": MAX_TTL, "temporary": FAILURE_TTL}.get(answer.status, MAX_NEGATIVE_TTL)
        with self._lock:
            self._kept[query] = (self.clock() + min(ttl, limit), answer)
            self._kept.move_to_end(query)
            while len(self._kept) > self.size:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
