"""Finding the messages that a selection means, in a transaction and at most so many."""

from mailkit.mailstore.records import Message, State
from mailkit.mailstore.selection import Selection
from mailkit.mailstore.tables import MESSAGES, STATES
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx

__all__ = ["Found", "select"]

Found = tuple[int, Message, State]
"""UID, row, state."""


def select(
    account: int, mailbox: bytes, wanted: Selection, tx: ReadTx, *, limit: int, newest_first: bool = False
) -> list[Found]:
    """Up to `limit` of the wanted messages in order of UID, lowest first unless `newest_first`."""
    found: list[Found] = []
    ranges = reversed(wanted.ranges) if newest_first else wanted.ranges
    for low, high in ranges:
        start = keyspace.MESSAGE.key(account, mailbox, low)
        stop = keyspace.MESSAGE.range(account, mailbox, high)[1]
        rows = list(tx.scan(start, stop, reverse=newest_first, limit=limit - len(found)))
        for key, data in rows:
            uid = keyspace.MESSAGE.parts(key)[2]
            found.append((uid, MESSAGES.codec.decode(data), STATES.get(tx, account, mailbox, uid)))
        if len(found) >= limit:
            break
    return found
