"""Places for the update streams of an account, the same for all processes that serve one data folder.

A place is a byte of the file `streams.lock`, and whoever has it has a lock on it. The kernel takes back what a process
held that is no more, however it ended, so nothing has to be cleaned up or to expire, and nothing is ever written.
A store without a folder (memory, PostgreSQL) has places by process.
"""

import os
import threading
from collections import defaultdict
from pathlib import Path

__all__ = ["PLACES", "Slots", "slots_in"]

PLACES = 16
"""Streams that one account may have."""


class Slots:
    """One per process and folder: locks belong to the process, and closing the file would drop all of them."""

    def __init__(self, path: Path | None = None) -> None:
        self._file = None if path is None else os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._mine: dict[int, set[int]] = defaultdict(set)
        self._lock = threading.Lock()

    def take(self, account: int) -> int | None:
        """A place, to be given back; None when all are taken."""
        with self._lock:
            mine = self._mine[account]
            for place in range(PLACES):
                if place not in mine and self._locked(account, place):
                    mine.add(place)
                    return place
            if not mine:
                del self._mine[account]
            return None

    def give(self, account: int, place: int) -> None:
        """Gives a place back."""
        with self._lock:
            self._unlock(account, place)
            self._mine[account].discard(place)
            if not self._mine[account]:
                del self._mine[account]

    def free(self, account: int) -> bool:
        """True when there is a place at the moment."""
        place = self.take(account)
        if place is None:
            return False
        self.give(account, place)
        return True

    def _locked(self, account: int, place: int) -> bool:
        if self._file is None:
            return True
        import fcntl

        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, account * PLACES + place)
        except (BlockingIOError, PermissionError):  # POSIX lets it be either
            return False
        return True

    def _unlock(self, account: int, place: int) -> None:
        if self._file is not None:
            import fcntl

            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, account * PLACES + place)


_known: dict[tuple[int, Path], Slots] = {}
_making = threading.Lock()


def slots_in(folder: Path | None) -> Slots:
    """The places of a data folder; without one, of this process alone."""
    if folder is None or not folder.is_dir():
        return Slots()
    key = os.getpid(), (folder / "streams.lock").resolve()  # a fork's child has none of its parent's locks
    with _making:
        if key not in _known:
            _known[key] = Slots(key[1])
        return _known[key]
