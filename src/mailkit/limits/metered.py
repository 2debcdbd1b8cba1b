"""Counts of what is only read: kept in the process, and written down when they amount to something.

A download is no change, and need not become one in the store for its counter's sake. What a process has not written
yet counts in its own decisions at once. The error is bounded: a process keeps back at most `SHARE` of what is allowed,
and never more than `MOST`; small limits are exact.
"""

import threading
from collections import OrderedDict
from typing import Final

from attrs import evolve, frozen

from mailkit.limits.decide import Limit
from mailkit.limits.service import Limits, Status
from mailkit.storage.api import ReadTx, Store

__all__ = ["MOST", "SHARE", "Metered"]

SHARE: Final = 64
MOST: Final = 1 << 20
_SIZE: Final = 100_000


@frozen
class _Pending:
    start: int
    n: int


class Metered:
    """Counters as those of `Limits`, of which a process keeps the last part to itself; threads share it. For fixed
    windows. A process that ends loses what it has not written."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._pending: OrderedDict[tuple[str, str], _Pending] = OrderedDict()
        self._lock = threading.Lock()

    def status(self, tx: ReadTx, who: str, what: str, limit: Limit, *, now: int) -> Status:
        """What the counter shows, with what this process has not written yet."""
        stored = self._limits.status(tx, who, what, limit, now=now)
        mine = self._pending.get((who, what))
        if mine is None or now >= mine.start + limit.length:
            return stored
        return evolve(stored, used=stored.used + mine.n, ttl=stored.ttl or mine.start + limit.length - now)

    def known(self, tx: ReadTx, who: str) -> bool:
        """True when anything was counted for somebody lately, written or not."""
        return bool(self._pending) or self._limits.known(tx, who)

    def note(self, who: str, what: str, n: int, limit: Limit, *, now: int) -> bool:
        """Counts `n` more; True when it is time to `write` them down."""
        with self._lock:
            mine = self._pending.pop((who, what), None)
            if mine is None or now >= mine.start + limit.length:
                mine = _Pending(now, 0)
            mine = _Pending(mine.start, mine.n + n)
            self._pending[who, what] = mine
            if len(self._pending) > _SIZE:
                self._pending.popitem(last=False)
        return limit.allowed is not None and mine.n > min(MOST, limit.allowed // SHARE)

    def reset(self, who: str, what: str) -> None:
        """Forgets what was not written."""
        with self._lock:
            self._pending.pop((who, what), None)

    def write(self, who: str, what: str, limit: Limit, *, now: int) -> None:
        """Writes down what was kept back, in a transaction."""
        with self._lock:
            mine = self._pending.pop((who, what), None)
        if mine is not None and now < mine.start + limit.length:
            self._store.transact(lambda tx: self._limits.count(tx, who, what, mine.n, limit, now=now))
