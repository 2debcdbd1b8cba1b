"""Octets of messages in memory, over all connections of a listener: who may read on.

The law: while the sum is at the limit or above, nobody reads but the one holder of the overdraft: the connection that
reached the limit first, and after it the one that has waited longest. So somebody can always finish its message, give
its octets back and let the next one on: many half-received messages never wait for each other. Memory stays below the
limit, plus one message, plus what each connection had read before it was stopped (at most one read of its socket).
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Inflight"]

Owner = TypeVar("Owner", bound=Hashable)


class Inflight(Generic[Owner]):
    """The account. Owners are told apart by equality; waiting ones are served in the order they came."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.overdraft: Owner | None = None
        self._held: dict[Owner, int] = {}
        self._waiting: dict[Owner, None] = {}

    def hold(self, owner: Owner, octets: int) -> bool:
        """Says that `owner` has `octets` in memory now, and asks whether it may read on; if not, it waits."""
        self.total += octets - self._held.get(owner, 0)
        if octets:
            self._held[owner] = octets
        else:
            self._held.pop(owner, None)
            self._waiting.pop(owner, None)
            if self.overdraft == owner:
                self.overdraft = None
        if self.total < self.limit or not octets or self.overdraft == owner:
            return True
        if self.overdraft is None:
            self.overdraft = owner
            return True
        self._waiting[owner] = None
        return False

    def admit(self) -> list[Owner]:
        """The waiting owners that may read on now; they wait no longer. To be asked whenever octets were given back."""
        if self.total < self.limit:
            admitted = list(self._waiting)
            self._waiting.clear()
            return admitted
        if self.overdraft is None and self._waiting:
            self.overdraft = next(iter(self._waiting))
            del self._waiting[self.overdraft]
            return [self.overdraft]
        return []
