"""Durable readers: positions by name, moved in the transaction that holds the reader's own effects.

position = journal.position(tx, "webhooks")
page = list(journal.read(tx, position, limit=100))
...                                                        # effects, through the same tx
journal.advance(tx, "webhooks", page[-1][0], now=now)      # so each entry takes effect exactly once
"""

import msgspec
from attrs import frozen

from mailkit.errors import Conflict
from mailkit.journal.entries import head, times
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keyspace import JOURNAL_READER
from mailkit.storage.tables import Table

__all__ = [
    "Lag",
    "Reader",
    "advance",
    "lag",
    "list_readers",
    "position",
    "register",
    "restart",
    "slowest",
    "unregister",
]


class Reader(Record, frozen=True, kw_only=True):
    """A registered reader: its name, the last position it is done with, and when it last moved (UTC milliseconds)."""

    name: str = msgspec.field(name="n")
    position: int = msgspec.field(name="p")
    moved: int = msgspec.field(name="m")


@frozen
class Lag:
    """How far a reader is behind: `waiting` is the age in milliseconds of its oldest unread entry, 0 when there is
    none. Positions have gaps, so their difference bounds the number of unread entries but does not count them."""

    position: int
    head: int
    waiting: int


_readers = Table(JOURNAL_READER, Codec(Reader), missing="journal.reader_unknown")


def register(tx: Tx, name: str, *, now: int, after: int | None = None) -> int:
    """Makes a reader known and returns its position: the one it has had if it is known already, else `after`, else
    the present end of the journal. From here on the journal waits for it (within its retention)."""
    known = _readers.find(tx, name)
    if known is not None:
        return known.position
    start = head(tx) if after is None else after
    _readers.put(tx, Reader(name=name, position=start, moved=now), name)
    return start


def unregister(tx: Tx, name: str) -> None:
    """Forgets a reader; the journal no longer waits for it. No error when it is not known."""
    _readers.delete(tx, name)


def position(tx: ReadTx, name: str) -> int:
    """The last position the reader is done with; NotFound `journal.reader_unknown`."""
    return _readers.get(tx, name).position


def advance(tx: Tx, name: str, through: int, *, now: int) -> None:
    """Notes that the reader is done with everything through `through`.

    NotFound when it is not registered; Conflict `journal.reader_moved` when it is further already, which means that
    two processes work for one name and this one must drop what it did.
    """
    known = _readers.get(tx, name)
    if through < known.position:
        raise Conflict("journal.reader_moved", "Another process has taken this reader further", reader=name)
    _readers.put(tx, Reader(name=name, position=through, moved=now), name)


def restart(tx: Tx, name: str, *, now: int) -> int:
    """Puts a reader at the present end, wherever it was: the way on after ResyncNeeded, once its state is rebuilt."""
    start = head(tx)
    _readers.put(tx, Reader(name=name, position=start, moved=now), name)
    return start


def lag(tx: ReadTx, name: str, *, now: int) -> Lag:
    """How far the reader is behind."""
    at = position(tx, name)
    unread = next(iter(times(tx, at, 1)), None)
    return Lag(at, head(tx), 0 if unread is None else max(0, now - unread[1]))


def list_readers(tx: ReadTx) -> list[Reader]:
    """All registered readers by name."""
    return [reader for _, reader in _readers.scan(tx)]


def slowest(tx: ReadTx) -> int | None:
    """The lowest position of all readers; None when nobody is registered."""
    return min((reader.position for reader in list_readers(tx)), default=None)
