"""Removing everything an account has, in steps that may be repeated: what is left of a deleted account."""

from mailkit.mailstore.archiving import destroy, release
from mailkit.mailstore.holds import forget_holds
from mailkit.mailstore.select import bounded
from mailkit.mailstore.tables import ARCHIVED, GONE, MAILBOXES, MESSAGES, STATES
from mailkit.quota import QuotaService
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.storage.blobs import Blobs

__all__ = ["STEP", "erase_step"]

STEP = 500
"""Messages, or other rows, removed in one transaction."""


def erase_step(account: int, *, blobs: Blobs, quota: QuotaService, tx: Tx) -> tuple[int, bool]:
    """Removes up to `STEP` messages; once none are left, up to `STEP` archived ones, then up to `STEP` other rows.
    Returns (messages removed, done).

    Mailboxes become tombstones first, whose counters nobody believes. A message row goes together with its references
    and its share of the quota, so a repeated step counts nothing twice. Nothing of it goes to the archive.
    """
    for _, box in list(MAILBOXES.scan(tx, account)):
        tx.delete(keyspace.MAILBOX_PATH.key(account, box.path))
        MAILBOXES.delete(tx, account, box.id)
        GONE.put(tx, box, account, box.id)
    messages = bounded(tx.scan(*MESSAGES.space.range(account), limit=STEP))
    for key, data in messages:
        _, mailbox, uid = MESSAGES.space.parts(key)
        row = MESSAGES.codec.decode(data)
        release(blobs, row, tx)
        quota.credit(tx, account, row.size)
        state = STATES.delete(tx, account, mailbox, uid)
        if state is not None and state.expires:
            tx.delete(keyspace.MAIL_EXPIRY.key(state.expires, account, mailbox, uid))
        tx.delete(keyspace.MESSAGE_DATE.key(account, mailbox, row.idate, uid))
        tx.delete(keyspace.THREAD.key(account, row.thread, mailbox, uid))
        MESSAGES.delete(tx, account, mailbox, uid)
    if messages:
        return len(messages), False
    archived = [row for _, row in ARCHIVED.scan(tx, account, limit=STEP)]
    for old in archived:
        destroy(old, blobs, tx)
    if archived:
        return len(archived), False
    forget_holds(account, tx)
    start, stop = keyspace.account_range(account)
    rest = [key for key, _ in tx.scan(start, stop, limit=STEP)]
    for key in rest:
        tx.delete(key)
    return 0, not rest
