"""Transactions that need something made ready before them, which may be stale by the time they run."""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from mailkit.errors import Conflict
from mailkit.storage.api import Tx

__all__ = ["ATTEMPTS", "CHANGED", "STALE", "fresh"]

P = TypeVar("P")
T = TypeVar("T")

CHANGED: Final = "encryption.changed"
"""A message was prepared for others than those for whom it is to be encrypted."""

STALE: Final = (CHANGED, "blob.gone")
"""Conflicts that say: prepare it again."""

ATTEMPTS: Final = 5
"""Times that something is prepared."""


class Transact(Protocol):
    """Runs a function in a transaction of its own."""

    def __call__(self, fn: Callable[[Tx], T]) -> T: ...


def fresh(transact: Transact, prepare: Callable[[], P], fn: Callable[[P, Tx], T]) -> T:
    """Runs `fn` in a transaction with what `prepare` made before it; both again when that was stale.

    Raises the Conflict when it was stale again and again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return transact(partial(fn, prepare()))
        except Conflict as conflict:
            if conflict.code not in STALE:
                raise
    return transact(partial(fn, prepare()))
