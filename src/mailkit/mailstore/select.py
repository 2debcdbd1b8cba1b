"""Finding the messages that a selection means, in a transaction and at most so many."""

import sys
from collections.abc import Iterable

from mailkit.mailstore.records import Message, State
from mailkit.mailstore.selection import Selection
from mailkit.mailstore.tables import MESSAGES, STATES
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx

__all__ = ["MOST_HELD", "UNBOUND", "Found", "bounded", "fitting", "select"]

MOST_HELD = 16 << 20
"""Bytes of rows that one step of bulk work or one page holds, and one row more: a client's metadata may make a row of a
megabyte, and a stranger's list of recipients one of several."""

UNBOUND = sys.maxsize


def bounded(rows: Iterable[tuple[bytes, bytes]], held: int = MOST_HELD) -> list[tuple[bytes, bytes]]:
    """Keys and rows until the rows come to `held` bytes; one at least."""
    found = []
    for row in rows:
        found.append(row)
        held -= len(row[1])
        if held <= 0:
            break
    return found


def fitting(rows: Iterable[bytes], tx: ReadTx) -> int:
    """How many of these rows, by their keys and in this order, come to `MOST_HELD` bytes; one at least."""
    held = count = 0
    for key in rows:
        if held >= MOST_HELD:
            break
        held += len(tx.get(key) or b"")
        count += 1
    return count


Found = tuple[int, Message, State]
"""UID, row, state."""


def select(
    account: int,
    mailbox: bytes,
    wanted: Selection,
    tx: ReadTx,
    *,
    limit: int,
    held: int = MOST_HELD,
    newest_first: bool = False,
) -> list[Found]:
    """Up to `limit` of the wanted messages in order of UID, lowest first unless `newest_first`; fewer when their rows
    come to `held` bytes."""
    found: list[Found] = []
    ranges = reversed(wanted.ranges) if newest_first else wanted.ranges
    for low, high in ranges:
        start = keyspace.MESSAGE.key(account, mailbox, low)
        stop = keyspace.MESSAGE.range(account, mailbox, high)[1]
        rows = bounded(tx.scan(start, stop, reverse=newest_first, limit=limit - len(found)), held)
        for key, data in rows:
            held -= len(data)
            uid = keyspace.MESSAGE.parts(key)[2]
            found.append((uid, MESSAGES.codec.decode(data), STATES.get(tx, account, mailbox, uid)))
        if len(found) >= limit or held <= 0:
            break
    return found
