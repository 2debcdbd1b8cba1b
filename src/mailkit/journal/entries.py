"""Entries: adding them in a transaction, reading them in commit order, waiting for new ones.

Stored as 8 bytes of time (so that trimming by age decodes nothing) and the record.
"""

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from mailkit.errors import ResyncNeeded
from mailkit.storage.api import ReadTx, Store, Tx, Waits
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keyspace import JOURNAL, JOURNAL_TRIMMED
from mailkit.storage.tables import Counter

__all__ = ["Entry", "add", "follow", "head", "read"]

_POLL = 0.1  # seconds between looks at a store that cannot wait


class Entry(Record, frozen=True, kw_only=True):
    """One change of state.

    `kind` is a dotted word, noun first (`message.added`); `account` the number of the account it happened in, None for
    what belongs to no account; `at` UTC milliseconds. `payload` holds what readers need, as msgpack values: an `Id` in
    it comes back as its 12 bytes.
    """

    kind: str = msgspec.field(name="k")
    account: int | None = msgspec.field(name="a", default=None)
    at: int = msgspec.field(name="t")
    payload: dict[str, Any] = msgspec.field(name="p", default_factory=dict)


_codec = Codec(Entry)
trimmed = Counter(JOURNAL_TRIMMED)
"""The position through which entries have been removed."""


def add(tx: Tx, *entries: Entry) -> None:
    """Appends entries, in this order. They get their positions when `tx` commits, and vanish with it if it doesn't."""
    for entry in entries:
        tx.append(JOURNAL, entry.at.to_bytes(8, "big") + _codec.encode(entry))


def head(tx: ReadTx) -> int:
    """A position such that everything committed so far is at or below it, and everything later above it."""
    return tx.head(JOURNAL)


def read(tx: ReadTx, after: int = 0, *, limit: int = 1000) -> Iterator[tuple[int, Entry]]:
    """Up to `limit` committed entries above the position `after`, oldest first, each with its position.

    Raises ResyncNeeded when entries above `after` have been removed already; its field `oldest` is the lowest
    position that can be continued from, for readers that can do with what is left.
    """
    oldest = trimmed.get(tx)
    if after < oldest:
        raise ResyncNeeded(after=after, oldest=oldest)
    return ((position, _codec.decode(value[8:])) for position, value in tx.appended(JOURNAL, after, limit=limit))


def times(tx: ReadTx, after: int, limit: int) -> Iterator[tuple[int, int]]:
    """Positions and times above `after`, without decoding."""
    for position, value in tx.appended(JOURNAL, after, limit=limit):
        yield position, int.from_bytes(value[:8], "big")


def follow(store: Store, after: int, *, timeout: float, limit: int = 1000) -> list[tuple[int, Entry]]:
    """Like `read` in a snapshot of its own, but waits up to `timeout` seconds for an entry to appear.

    Empty when none did. Blocks its thread: a process has one follower that hands entries on.
    """
    deadline = time.monotonic() + timeout
    while True:
        with store.snapshot() as tx:
            found = list(read(tx, after, limit=limit))
        left = deadline - time.monotonic()
        if found or left <= 0:
            return found
        if isinstance(store, Waits):
            store.wait(JOURNAL, after, left)
        else:
            time.sleep(min(_POLL, left))
