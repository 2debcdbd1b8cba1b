"""Room for work that holds much memory: who doesn't fit waits, first come first served, and no thread waits with it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["MOST_HELD", "SMALL", "Room"]

MOST_HELD = 512 << 20
"""Bytes that work of one process holds at a time, by estimate. What needs more by itself runs alone."""

SMALL = 8 << 20
"""Work that holds no more than this is never held up: there are only so many threads for it."""


class Room:
    """Used on one event loop."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self.most = most
        self.held = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, weight: int) -> AsyncIterator[None]:
        """Holds so many bytes for the length of the block."""
        if weight <= SMALL:
            yield
            return
        weight = min(weight, self.most)
        await self._take(weight)
        try:
            yield
        finally:
            self._give(weight)

    async def _take(self, weight: int) -> None:
        if not self._waiting and self.held + weight <= self.most:
            self.held += weight
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((weight, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._admit()
            else:  # its turn had come already
                self._give(weight)
            raise

    def _give(self, weight: int) -> None:
        self.held -= weight
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            weight, turn = self._waiting[0]
            if not turn.cancelled():
                if self.held + weight > self.most:
                    return
                self.held += weight
                turn.set_result(None)
            self._waiting.popleft()
