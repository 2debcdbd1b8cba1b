"""A mailbox under change, and the only two ways in which a message enters and leaves one. The law, in one transaction:

uid       = the mailbox's uid_next, which grows by one and never falls                       (RFC 3501 2.3.1.1)
modseq    = the mailbox's + 1, the same for all that one transaction changes in it           (RFC 7162 3.1)
counters  follow the messages
vanished  has every message that left, under the modseq with which it did                    (RFC 7162 3.2.10)

The modseq index is lazy: a change adds an entry and leaves the old one, which counts no more because the message's
state has another modseq by then. `stale` counts what a sweep may remove.
"""

from attrs import define
from msgspec.structs import replace

from mailkit.mailstore.records import Mailbox, Message, State
from mailkit.mailstore.tables import MAILBOXES, MESSAGES, STATES
from mailkit.storage import keyspace
from mailkit.storage.api import Tx

__all__ = ["Place"]


@define
class Place:
    """A mailbox that a transaction changes: read once, written once by `save`."""

    account: int
    before: Mailbox
    uid_next: int
    modseq: int
    total: int
    unseen: int
    size: int
    stale: int

    @classmethod
    def of(cls, account: int, box: Mailbox) -> "Place":
        """`box` was read in this transaction. Its next modseq is taken."""
        return cls(account, box, box.uid_next, box.modseq + 1, box.total, box.unseen, box.size, box.stale)

    def enter(self, row: Message, state: State, tx: Tx) -> int:
        """A message comes in; returns its UID. `state` gives its flags and when it expires."""
        uid, account, box = self.uid_next, self.account, self.before.id
        MESSAGES.put(tx, row, account, box, uid)
        self._write(uid, state, tx)
        tx.put(keyspace.MESSAGE_DATE.key(account, box, row.idate, uid), b"")
        tx.put(keyspace.THREAD.key(account, row.thread, box, uid), b"")
        if state.expires:
            tx.put(keyspace.MAIL_EXPIRY.key(state.expires, account, box, uid), b"")
        self.uid_next += 1
        self.total += 1
        self.unseen += not state.has("\\Seen")
        self.size += row.size
        return uid

    def leave(self, uid: int, row: Message, state: State, tx: Tx) -> None:
        """A message goes out; its references and bytes are the caller's concern."""
        account, box = self.account, self.before.id
        tx.delete(keyspace.MESSAGE.key(account, box, uid))
        tx.delete(keyspace.STATE.key(account, box, uid))
        tx.delete(keyspace.MESSAGE_DATE.key(account, box, row.idate, uid))
        tx.delete(keyspace.THREAD.key(account, row.thread, box, uid))
        if state.expires:
            tx.delete(keyspace.MAIL_EXPIRY.key(state.expires, account, box, uid))
        tx.put(keyspace.VANISHED.key(account, box, self.modseq, uid), b"")
        self.total -= 1
        self.unseen -= not state.has("\\Seen")
        self.size -= row.size
        self.stale += 1

    def alter(self, uid: int, old: State, new: State, tx: Tx) -> State:
        """A message's flags or expiry become others, or its row did; returns the state as it is stored."""
        stored = self._write(uid, new, tx)
        if old.expires != new.expires:
            account, box = self.account, self.before.id
            if old.expires:
                tx.delete(keyspace.MAIL_EXPIRY.key(old.expires, account, box, uid))
            if new.expires:
                tx.put(keyspace.MAIL_EXPIRY.key(new.expires, account, box, uid), b"")
        self.unseen += old.has("\\Seen") - new.has("\\Seen")
        self.stale += 1
        return stored

    def _write(self, uid: int, state: State, tx: Tx) -> State:
        account, box = self.account, self.before.id
        stored = replace(state, modseq=self.modseq)
        STATES.put(tx, stored, account, box, uid)
        tx.put(keyspace.MODSEQ.key(account, box, self.modseq, uid), b"")
        return stored

    def save(self, tx: Tx) -> Mailbox:
        """Writes the mailbox with its new counters; for a transaction that changed something in it."""
        after = replace(
            self.before,
            uid_next=self.uid_next,
            modseq=self.modseq,
            total=self.total,
            unseen=self.unseen,
            size=self.size,
            stale=self.stale,
        )
        MAILBOXES.replace(tx, self.before, after, self.account, after.id)
        return after
