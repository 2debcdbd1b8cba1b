"""Trimming the journal: a step of a periodic job."""

from mailkit.journal.entries import times, trimmed
from mailkit.journal.keep import DEFAULT_RETENTION, Retention, removable_through
from mailkit.journal.readers import slowest
from mailkit.storage.api import Tx
from mailkit.storage.keyspace import JOURNAL

__all__ = ["trim"]


def trim(tx: Tx, *, now: int, retention: Retention = DEFAULT_RETENTION, limit: int = 2000) -> bool:
    """Looks at the `limit` oldest entries and removes those that may go.

    True when there may be more to remove: call again, in a transaction of its own, so that none is long.
    """
    looked = list(times(tx, trimmed.get(tx), limit))
    through = removable_through(looked, now=now, passed=slowest(tx), retention=retention)
    if through is None:
        return False
    tx.trim(JOURNAL, through)
    trimmed.set(tx, through)
    return len(looked) == limit and through == looked[-1][0]
