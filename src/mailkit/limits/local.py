"""Counters of one process, in memory: for what is too frequent to be durable, such as requests."""

import threading
from collections import OrderedDict

from mailkit.limits.decide import Allowed, Decision, Limit, Window, decide

__all__ = ["LocalLimits"]


class LocalLimits:
    """The same decisions as `Limits`, for at most `size` counters: beyond, the one untouched for longest is dropped, so
    that a flood of strangers cannot fill the memory. With n worker processes n times as much gets through."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._windows: OrderedDict[tuple[str, str], Window] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str, what: str, n: int, limit: Limit, *, now: int) -> Decision:
        """Counts `n` more if it may."""
        key = (who, what)
        with self._lock:
            decision = decide(self._windows.get(key), n, limit=limit, now=now)
            if isinstance(decision, Allowed):
                self._windows[key] = decision.window
            if key in self._windows:
                self._windows.move_to_end(key)
            if len(self._windows) > self._size:
                self._windows.popitem(last=False)
            return decision

    def reset(self, who: str, what: str) -> None:
        """Forgets what was counted."""
        with self._lock:
            self._windows.pop((who, what), None)
