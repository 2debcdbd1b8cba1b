"""Where removed messages go, in the transaction that removes them. The law:

a message that is archived keeps its references to content; its share of the quota is given back all the same
what leaves the archive takes its row, its index entries and its part of the counters with it, at once
a message is in the archive once, under its own id
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from mailkit.ids import new_id
from mailkit.jobs import Jobs
from mailkit.mailstore.content_hash import content_hash
from mailkit.mailstore.dispose import Archive, Cause, dispose, most_bytes
from mailkit.mailstore.held import covering
from mailkit.mailstore.records import Archived, BlobRef, Hold, Mailbox, Message
from mailkit.mailstore.select import Found
from mailkit.mailstore.tables import ARCHIVE_SIZE, ARCHIVED, ARCHIVED_ROWS, HOLDS
from mailkit.quota import QuotaService
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.blobs import Blobs

__all__ = ["BYTES", "COUNT", "TRIM", "Archiver", "destroy", "excess", "holds_on", "release", "take_out"]

TRIM = "archive.trim"
COUNT, BYTES = 0, 1


class Archiver:
    """Archives removed messages, or lets go of them. `keep()` is the setting `archive.keep`."""

    def __init__(self, blobs: Blobs, quota: QuotaService, jobs: Jobs, *, keep: Callable[[], int]) -> None:
        self.blobs = blobs
        self.quota = quota
        self.jobs = jobs
        self.keep = keep

    def dispose(
        self, account: int, box: Mailbox, found: Sequence[Found], *, cause: Cause, skip: bool, now: int, tx: Tx
    ) -> None:
        """Takes up messages that have just left a mailbox."""
        holds = holds_on(account, tx)
        held = bool(covering(holds, box.id, now))
        keep = self.keep()
        count = size = 0
        for uid, row, state in found:
            decision = dispose(draft=state.has("\\Draft"), skip=skip, keep=keep, held=held, now=now)
            if not isinstance(decision, Archive):
                release(self.blobs, row, tx)
                continue
            if ARCHIVED.exists(tx, account, row.id):
                row = replace(row, id=new_id(now))
            archived = Archived(
                account=account,
                id=row.id,
                mailbox=box.id,
                path=box.path,
                special_use=box.special_use,
                uid=uid,
                size=row.size,
                flags=state.flags,
                keywords=state.keywords,
                deleted=now,
                until=decision.until,
                cause=cause,
                hash=content_hash(row),
            )
            ARCHIVED.put(tx, archived, account, row.id)
            ARCHIVED_ROWS.put(tx, row, account, row.id)
            count += 1
            size += row.size
        if count:
            ARCHIVE_SIZE.add(tx, count, account, COUNT)
            ARCHIVE_SIZE.add(tx, size, account, BYTES)
            untouchable = covering(holds, None, now)  # a trim would walk all of it and remove nothing
            if not untouchable and excess(account, self.quota, tx) > 0:
                self.jobs.schedule(tx, TRIM, {"account": account}, due=now, key=str(account))


def holds_on(account: int, tx: ReadTx) -> list[Hold]:
    """All holds on an account and its mailboxes, ended ones included."""
    return [hold for _, hold in HOLDS.scan(tx, account)]


def excess(account: int, quota: QuotaService, tx: ReadTx) -> int:
    """Bytes that an account's archive has too many; 0 or less while it is within its limit."""
    most = most_bytes(quota.usage(tx, account).allowed)
    return 0 if most is None else ARCHIVE_SIZE.get(tx, account, BYTES) - most


def take_out(archived: Archived, tx: Tx) -> None:
    """Removes a message from the archive; its references to content are the caller's now."""
    account = archived.account
    ARCHIVED.delete(tx, account, archived.id)
    ARCHIVED_ROWS.delete(tx, account, archived.id)
    ARCHIVE_SIZE.add(tx, -1, account, COUNT)
    ARCHIVE_SIZE.add(tx, -archived.size, account, BYTES)


def release(blobs: Blobs, row: Message, tx: Tx) -> None:
    """Gives back a message's references to content."""
    for segment in row.segments:
        if isinstance(segment, BlobRef):
            blobs.release(tx, segment.digest)


def destroy(archived: Archived, blobs: Blobs, tx: Tx) -> None:
    """Removes a message from the archive for good."""
    row = ARCHIVED_ROWS.get(tx, archived.account, archived.id)
    take_out(archived, tx)
    release(blobs, row, tx)
