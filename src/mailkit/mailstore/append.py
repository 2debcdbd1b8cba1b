"""The one place where a message comes into being. The law, all of it in one transaction:

uid     = the mailbox's uid_next, which grows by one and never falls           (RFC 3501 2.3.1.1)
modseq  = the mailbox's modseq + 1                                             (RFC 7162 3.1)
counters of the mailbox grow by what the message adds
quota   is charged for all bytes of the message, shared or not; refused: nothing happens
blobs   each get one reference more
journal gets one entry
follower is told
"""

from collections.abc import Iterable

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.ids import Id, new_id
from mailkit.mailstore.changes import Added, Follower
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.records import FLAGS, BlobRef, Mailbox, Message, State
from mailkit.mailstore.tables import MAILBOXES, MESSAGES, STATES
from mailkit.mailstore.threads import join
from mailkit.quota import QuotaService
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.storage.blobs import Blobs

__all__ = ["Stored", "append"]


@frozen
class Stored:
    """Where a message went."""

    account: int
    mailbox: Id
    uid: int
    id: Id
    size: int
    thread: Id


def append(
    account: int,
    mailbox: Mailbox,
    ready: Ready,
    *,
    blobs: Blobs,
    quota: QuotaService,
    now: int,
    prefix: bytes = b"",
    flags: Iterable[str] = (),
    mail_from: str = "",
    rcpt_to: tuple[str, ...] = (),
    meta: str | None = None,
    follower: Follower,
    tx: Tx,
) -> Stored:
    """Stores a prepared message, with `prefix` (whole header fields of this recipient's own) before it.

    `mailbox` was read in this transaction. Raises OverQuota, and Conflict `blob.gone` when a piece was purged since it
    was prepared: prepare again.
    """
    size = len(prefix) + ready.size
    quota.charge(tx, account, size)
    segments: list[bytes | BlobRef] = [prefix] if prefix else []
    segments += [p if isinstance(p, bytes) else BlobRef(blobs.hold(tx, p), p.size) for p in ready.pieces]
    uid, modseq = mailbox.uid_next, mailbox.modseq + 1
    bits, keywords = _split(flags)
    row = Message(
        id=new_id(now),
        size=size,
        idate=ready.idate,
        segments=tuple(segments),
        thread=join(account, ready.tokens, ready.subject, now=now, tx=tx),
        mail_from=mail_from,
        rcpt_to=rcpt_to,
        meta=meta,
        **ready.fields,
    )
    state = State(modseq=modseq, flags=bits, keywords=keywords)
    MESSAGES.put(tx, row, account, mailbox.id, uid)
    STATES.put(tx, state, account, mailbox.id, uid)
    tx.put(keyspace.MESSAGE_DATE.key(account, mailbox.id, row.idate, uid), b"")
    tx.put(keyspace.MODSEQ.key(account, mailbox.id, modseq, uid), b"")
    tx.put(keyspace.THREAD.key(account, row.thread, mailbox.id, uid), b"")
    changed = replace(
        mailbox,
        uid_next=uid + 1,
        modseq=modseq,
        total=mailbox.total + 1,
        unseen=mailbox.unseen + (not state.has("\\Seen")),
        size=mailbox.size + size,
    )
    MAILBOXES.replace(tx, mailbox, changed, account, mailbox.id)
    payload = {"mailbox": mailbox.id, "uid": uid, "message": row.id, "thread": row.thread, "idate": row.idate}
    journal.add(tx, journal.Entry(kind="message.added", account=account, at=now, payload=payload))
    follower.changed(tx, Added(account, mailbox.id, uid, row, state, ready.described))
    return Stored(account, mailbox.id, uid, row.id, size, row.thread)


def _split(flags: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    """Flags as bits and keywords, in one order."""
    bits, keywords = 0, set()
    for flag in flags:
        bit = FLAGS.get(flag)
        if bit is None:
            keywords.add(flag)
        else:
            bits |= bit
    return bits, tuple(sorted(keywords))
