"""What became of a mailbox since a modseq, for clients that come back (RFC 7162 3.1, 3.2)."""

from attrs import frozen

from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.tables import STATES
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx

__all__ = ["Changes", "changes_since", "counts"]


@frozen
class Changes:
    """UIDs of messages that came or changed, and of those that are gone, each with the modseq of that.

    `through` is the modseq up to which this tells everything: ask again from there when `more`.

    With `resync`, messages may have vanished that are not told, for it was so long ago: a client that knows messages
    asks for all that are there (from modseq 0) and forgets the others. One that knows none need not care.
    """

    changed: tuple[tuple[int, int], ...]
    vanished: tuple[tuple[int, int], ...]
    through: int
    more: bool
    resync: bool


def changes_since(account: int, box: Mailbox, since: int, *, limit: int, tx: ReadTx) -> Changes:
    """Looks at up to `limit` entries of either kind, oldest change first."""
    changed, seen = _after(keyspace.MODSEQ, account, box, since, limit, tx)
    vanished, gone = _after(keyspace.VANISHED, account, box, since, limit, tx)
    # A step's changes share a modseq, so one that was cut is told only as far as it is whole.
    through = min(box.modseq, seen, gone)
    return Changes(
        tuple(entry for entry in changed if entry[0] <= through and counts(_key(account, box, entry), tx)),
        tuple(entry for entry in vanished if entry[0] <= through),
        through,
        through < box.modseq,
        since < box.forgotten,
    )


def _key(account: int, box: Mailbox, entry: tuple[int, int]) -> bytes:
    return keyspace.MODSEQ.key(account, box.id, *entry)


def _after(
    space: keyspace.Space, account: int, box: Mailbox, since: int, limit: int, tx: ReadTx
) -> tuple[list[tuple[int, int]], int]:
    """Entries above `since`, and the modseq through which they are complete."""
    stop = space.range(account, box.id)[1]
    start = space.key(account, box.id, since + 1)
    found = [space.parts(key)[2:] for key, _ in tx.scan(start, stop, limit=limit + 1)]
    if len(found) <= limit:
        return found, box.modseq
    last = found[-1][0]
    whole = [entry for entry in found if entry[0] < last]
    if whole:
        return whole, last - 1
    rest = [space.parts(key)[2:] for key, _ in tx.scan(*space.range(account, box.id, last))]
    return rest, last  # one step's changes, however many


def counts(key: bytes, tx: ReadTx) -> bool:
    """True when a modseq index entry is its message's last change."""
    account, mailbox, modseq, uid = keyspace.MODSEQ.parts(key)
    state = STATES.find(tx, account, mailbox, uid)
    return state is not None and state.modseq == modseq
