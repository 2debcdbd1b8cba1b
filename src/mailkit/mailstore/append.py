"""The one place where a message comes into being. The law, all of it in one transaction:

the mailbox takes it in as `place` says: UID, modseq, counters, indexes
quota   is charged for all bytes of the message, shared or not; refused: nothing happens
blobs   each get one reference more
journal gets one entry
follower is told
"""

from collections.abc import Iterable

from attrs import frozen

from mailkit import journal
from mailkit.ids import Id, new_id
from mailkit.mailstore import events
from mailkit.mailstore.flags import split
from mailkit.mailstore.follower import Added, Follower
from mailkit.mailstore.place import Place
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.records import BlobRef, Mailbox, Message, State
from mailkit.mailstore.threads import join
from mailkit.quota import QuotaService
from mailkit.storage.api import Tx
from mailkit.storage.blobs import Blobs

__all__ = ["Stored", "append", "segments_of"]


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
    segments = segments_of(ready, blobs, tx)
    bits, keywords = split(flags)
    row = Message(
        id=new_id(now),
        size=size,
        idate=ready.idate,
        segments=(prefix, *segments) if prefix else segments,
        thread=join(account, ready.tokens, ready.subject, now=now, tx=tx),
        mail_from=mail_from,
        rcpt_to=rcpt_to,
        meta=meta,
        **ready.fields,
    )
    place = Place.of(account, mailbox)
    expires = now + mailbox.retention if mailbox.retention else 0
    state = State(modseq=0, flags=bits, keywords=keywords, expires=expires)
    uid = place.enter(row, state, tx)
    place.save(tx)
    journal.add(tx, events.added(account, mailbox, uid, row, now=now))
    follower.changed(tx, Added(account, mailbox.id, uid, row, state, ready.described))
    return Stored(account, mailbox.id, uid, row.id, size, row.thread)


def segments_of(ready: Ready, blobs: Blobs, tx: Tx) -> tuple[bytes | BlobRef, ...]:
    """Refers to the pieces of a prepared message; Conflict `blob.gone`."""
    return tuple(p if isinstance(p, bytes) else BlobRef(blobs.hold(tx, p), p.size) for p in ready.pieces)
