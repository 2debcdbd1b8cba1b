"""The journal: every change of state, in commit order, in the transaction that made it.

It is the only source of update streams, webhooks and the search index. What merely is observed (log lines, timings) is
telemetry and does not belong here.

    journal.add(tx, Entry(kind="message.added", account=7, at=now, payload={"uid": 12}))    # beside the change itself
    for position, entry in journal.read(tx, after): ...                                     # later, by anyone

A position grows in commit order, so whoever continues after the last position seen misses nothing. `readers` keeps
positions durably by name, `trim` removes what is old and read (`keep` decides), `follow` waits for news.
"""

from mailkit.journal.entries import Entry, add, follow, head, read
from mailkit.journal.keep import DEFAULT_RETENTION, Retention
from mailkit.journal.readers import Lag, advance, lag, list_readers, position, register, restart, unregister
from mailkit.journal.trim import trim

__all__ = [
    "DEFAULT_RETENTION",
    "Entry",
    "Lag",
    "Retention",
    "add",
    "advance",
    "follow",
    "head",
    "lag",
    "list_readers",
    "position",
    "read",
    "register",
    "restart",
    "trim",
    "unregister",
]
