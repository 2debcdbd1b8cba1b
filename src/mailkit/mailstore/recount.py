"""What an account's messages really add up to, counted in steps while mail comes and goes.

Each mailbox keeps its own bytes in the transactions that change its messages. A mailbox's count is right as soon as a
walk through its messages, of which none left meanwhile, has set it (one that came meanwhile stands at the end of the
walk, for UIDs only grow); and it stays right. When every mailbox has been walked through, the account has their sum.
"""

from typing import Any, Final

from attrs import evolve, frozen
from msgspec.structs import replace

from mailkit.ids import Id
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.tables import GONE, MAILBOXES, MESSAGES
from mailkit.quota import QuotaService
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Tx

__all__ = ["STEP", "Counting", "Recount", "recount_step", "stored_bytes"]

STEP = 1000
"""Messages looked at in one transaction."""

_TRIES: Final = 3
"""Walks through one mailbox that removals may undo; the next one is a single transaction."""


@frozen
class Counting:
    """How far a count is: `size` bytes in `mailbox` up to `uid`, walked through since it had `modseq`."""

    mailbox: Id | None = None
    """None: not begun."""
    uid: int = 0
    size: int = 0
    modseq: int = 0
    tries: int = 1

    def stored(self) -> dict[str, Any]:
        """As a job keeps it."""
        return {
            "mailbox": self.mailbox,
            "uid": self.uid,
            "size": self.size,
            "modseq": self.modseq,
            "tries": self.tries,
        }

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Counting":
        """What `stored` made."""
        box = stored["mailbox"]
        return cls(None if box is None else Id(box), stored["uid"], stored["size"], stored["modseq"], stored["tries"])


@frozen
class Recount:
    """An account's bytes as they were kept, and as they are."""

    before: int
    after: int


def recount_step(account: int, at: Counting, *, quota: QuotaService, tx: Tx) -> Counting | Recount:
    """The next step from `at`; a `Recount` once the account's bytes are set."""
    box = _box(account, at, tx)
    if box is None:
        return _finish(account, quota, tx)
    if box.id != at.mailbox:
        at = Counting(box.id, modseq=box.modseq)
    elif _lost_some(account, at, tx):
        at = Counting(box.id, modseq=box.modseq, tries=at.tries + 1)
    limit = STEP if at.tries <= _TRIES else None
    found = list(MESSAGES.scan(tx, account, box.id, after=(account, box.id, at.uid), limit=limit))
    at = evolve(at, size=at.size + sum(row.size for _, row in found))
    if limit is not None and len(found) == limit:
        return evolve(at, uid=found[-1][0][2])
    if at.size != box.size:
        MAILBOXES.replace(tx, box, replace(box, size=at.size), account, box.id)
    return evolve(at, uid=_PAST)


_PAST: Final = (1 << 32) - 1
"""The UID of a mailbox that is done with."""


def _box(account: int, at: Counting, tx: ReadTx) -> Mailbox | None:
    """The mailbox that the next step is about."""
    if at.mailbox is not None and at.uid != _PAST and (box := MAILBOXES.find(tx, account, at.mailbox)) is not None:
        return box
    edge = None if at.mailbox is None else (account, at.mailbox)
    return next((row for _, row in MAILBOXES.scan(tx, account, after=edge, limit=1)), None)


def _lost_some(account: int, at: Counting, tx: ReadTx) -> bool:
    """True when a message that was counted has left the mailbox since the walk began."""
    assert at.mailbox is not None
    start, stop = keyspace.VANISHED.range(account, at.mailbox)
    start = max(start, keyspace.VANISHED.key(account, at.mailbox, at.modseq + 1, 0))
    return any(keyspace.VANISHED.parts(key)[3] <= at.uid for key, _ in tx.scan(start, stop))


def _finish(account: int, quota: QuotaService, tx: Tx) -> Recount:
    kept = sum(row.size for _, row in MAILBOXES.scan(tx, account))
    # messages of deleted mailboxes count until they have left, which a job sees to
    leaving = sum(row.size for _, box in GONE.scan(tx, account) for _, row in MESSAGES.scan(tx, account, box.id))
    before = quota.used(tx, account)
    quota.recount(tx, account, kept + leaving)
    return Recount(before, kept + leaving)


def stored_bytes(account: int, *, tx: ReadTx) -> int:
    """The sum of the sizes of all messages in an account's mailboxes, in bytes. Walks all of them."""
    return sum(row.size for _, row in MESSAGES.scan(tx, account))
