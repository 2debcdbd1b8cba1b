"""How a message comes back from the archive, in one transaction.

It is charged to the quota again and gets a new UID, and the retention of the mailbox that it comes into counts from
now. The index is told of it like of any new message; whoever follows the journal sees it arrive.
"""

from collections.abc import Iterable

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.errors import NotFound
from mailkit.ids import Id, new_id
from mailkit.mailstore import events, mailboxes
from mailkit.mailstore.archiving import take_out
from mailkit.mailstore.flags import split
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.follower import Added, Follower
from mailkit.mailstore.place import Place
from mailkit.mailstore.records import Archived, BlobRef, Mailbox, State
from mailkit.mailstore.tables import ARCHIVED_ROWS, MAILBOXES
from mailkit.quota import QuotaService
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.blobs import Blobs

__all__ = ["Restored", "bring_back", "make_path", "origin"]


@frozen
class Restored:
    """Where a message is again."""

    mailbox: Id
    uid: int
    id: Id
    size: int


def origin(archived: Archived, tx: ReadTx) -> Mailbox | None:
    """The mailbox that a message was deleted from, or the one that has its path now; None when there is neither."""
    box = MAILBOXES.find(tx, archived.account, archived.mailbox)
    return box or mailboxes.find_by_path(archived.account, archived.path, tx=tx)


def make_path(account: int, path: str, *, most: int, now: int, tx: Tx) -> Mailbox:
    """The mailbox with this path, made if need be; INBOX when the account has too many already."""
    found = mailboxes.find_by_path(account, path, tx=tx)
    if found is not None:
        return found
    if mailboxes.count(account, most=most, tx=tx) >= most:
        return mailboxes.by_path(account, "INBOX", tx=tx)
    (box,) = mailboxes.create(account, [Folder(path)], now=now, tx=tx)
    journal.add(tx, events.box_event("mailbox.created", account, box, now=now, path=box.path))
    return box


def bring_back(
    archived: Archived,
    target: Mailbox,
    *,
    flags: Iterable[str],
    idate: int | None = None,
    stays: bool = False,
    blobs: Blobs,
    quota: QuotaService,
    follower: Follower,
    now: int,
    tx: Tx,
) -> Restored:
    """Puts a message into `target` with these flags, and with `idate` as its internal date when given.

    With `stays` it is also left in the archive, and what comes back is a copy. Raises OverQuota: nothing has changed;
    NotFound `message.not_found` when its row is gone.
    """
    account = archived.account
    row = ARCHIVED_ROWS.find(tx, account, archived.id)
    if row is None:
        raise NotFound("message.not_found", "This message does not exist")
    quota.charge(tx, account, row.size)
    if stays:
        row = replace(row, id=new_id(now))
        for segment in row.segments:
            if isinstance(segment, BlobRef):
                blobs.hold_again(tx, segment.digest)
    else:
        take_out(archived, tx)
    if idate is not None:
        row = replace(row, idate=idate)
    bits, keywords = split(flags)
    expires = now + target.retention if target.retention else 0
    place = Place.of(account, target)
    state = State(modseq=0, flags=bits, keywords=keywords, expires=expires)
    uid = place.enter(row, state, tx)
    after = place.save(tx)
    junk = events.crossing_uses(archived.special_use, target.special_use)
    journal.add(tx, events.added(account, after, uid, row, now=now, junk=junk))
    if junk:
        journal.add(tx, events.marked(account, after, uid, row, junk, now=now))
    follower.changed(tx, Added(account, target.id, uid, row, state, None))
    return Restored(target.id, uid, row.id, row.size)
