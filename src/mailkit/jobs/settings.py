"""The settings of this package."""

from typing import Any

from mailkit.settings.kinds import DURATION, whole
from mailkit.settings.registry import Key

__all__ = ["POLL", "SETTINGS", "THREADS"]

THREADS: Key[int] = Key(
    "jobs.threads", whole(1, 64), 2, "Threads that run jobs in the background process.", scope="boot", owner="jobs"
)
POLL: Key[int] = Key(
    "jobs.poll", DURATION, 1000, "Longest pause between two looks for due jobs.", scope="boot", owner="jobs"
)

SETTINGS: tuple[Key[Any], ...] = (THREADS, POLL)
