"""Time comes in as an argument; this is where it comes from when nobody passed one. Milliseconds since 1970, UTC."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["LAST_MS", "Clock", "FixedClock", "now_ms", "to_datetime", "to_ms"]

LAST_MS = 253_402_300_799_999
"""The last millisecond that a date can be written of: the end of the year 9999."""

Clock = Callable[[], int]
"""Returns the current time in integer UTC milliseconds."""


def now_ms() -> int:
    """The system's time in UTC milliseconds."""
    return time.time_ns() // 1_000_000


class FixedClock:
    """A clock for tests: stands still until moved."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, *, ms: int = 0, seconds: float = 0, days: float = 0) -> int:
        """Moves the clock and returns the new time."""
        self.now += ms + int(seconds * 1000) + int(days * 86_400_000)
        return self.now


def to_datetime(ms: int) -> datetime:
    """Milliseconds to an aware UTC datetime; microseconds are whole milliseconds. What lies beyond `LAST_MS`, as the
    end of an absurdly long retention may, is that."""
    ms = min(ms, LAST_MS)
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def to_ms(when: datetime) -> int:
    """An aware datetime to UTC milliseconds; a naive one raises ValueError, for nobody knows its zone."""
    if when.tzinfo is None:
        raise ValueError("a naive datetime has no zone; pass an aware one")
    whole = int(when.replace(microsecond=0).timestamp())
    return whole * 1000 + when.microsecond // 1000
