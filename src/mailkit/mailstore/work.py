"""The mail store's jobs: what takes longer than a request should, in steps that each do all of their part or nothing.

mailbox.erase   messages of a deleted mailbox leave; quota and blobs are given back
mailbox.clear   all messages that a mailbox has when it is asked for leave, the newest first
mailbox.sweep   modseq index entries that count no more go, and of what vanished the oldest beyond a number
mail.forget     names of bulk work that is long done are forgotten; comes back by itself
archive.restore everything that was deleted in some time comes back, as far as it fits

Old threads have a job of their own, `forget_threads`, and what time takes away has several: `lapse`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict
from msgspec.structs import replace

from mailkit.ids import Id
from mailkit.jobs import Later, Step
from mailkit.mailstore import lapse
from mailkit.mailstore.archive import RESTORE
from mailkit.mailstore.change import STEP
from mailkit.mailstore.follower import Removed
from mailkit.mailstore.forget_threads import FORGET_THREADS, forget_threads
from mailkit.mailstore.keeping import SWEEP
from mailkit.mailstore.once import forget_some
from mailkit.mailstore.records import Archived, Mailbox
from mailkit.mailstore.restore_plan import Tally
from mailkit.mailstore.resync import counts
from mailkit.mailstore.select import fitting, select
from mailkit.mailstore.selection import LAST, Selection
from mailkit.mailstore.tables import GONE, MAILBOXES, MESSAGES
from mailkit.storage import keyspace
from mailkit.storage.api import Tx

if TYPE_CHECKING:
    from mailkit.mailstore.service import MailStore

__all__ = ["CLEAR", "ERASE", "FORGET_NAMES", "SWEEP", "clear_args", "handlers", "sweepable"]

ERASE: Final = "mailbox.erase"
CLEAR: Final = "mailbox.clear"
FORGET_NAMES: Final = "mail.forget"

_LOOSE = 1000


def clear_args(account: int, box: Mailbox, *, skip_archive: bool) -> dict[str, Any]:
    """What `mailbox.clear` is scheduled with: what comes in later stays."""
    return {"account": account, "mailbox": box.id, "last": box.uid_next - 1, "skip": skip_archive}


def sweepable(box: Mailbox) -> bool:
    """True when a mailbox has more index entries that count no more than ones that do, and enough to be worth it."""
    return box.stale > max(_LOOSE, box.total)


def handlers(mail: "MailStore") -> dict[str, Callable[[Step], Later | None]]:
    """The handlers by kind."""
    return {
        ERASE: lambda step: _until_done(step, lambda tx: erase_some(mail, step, tx)),
        CLEAR: lambda step: _until_done(step, lambda tx: _clear(mail, step, tx)),
        SWEEP: lambda step: _sweep(mail, step),
        FORGET_THREADS: forget_threads,
        FORGET_NAMES: lambda step: _until_done(step, lambda tx: forget_some(now=step.now(), tx=tx)),
        RESTORE: lambda step: _restore(mail, step),
        **lapse.handlers(mail),
    }


def _until_done(step: Step, some: Callable[[Tx], int]) -> Later | None:
    """Calls `some` in transactions of its own until it did nothing, and saves how much was done."""
    total: int = step.progress.get("done", 0)

    def one(tx: Tx) -> int:
        done = some(tx)
        if done:
            step.save(tx, {"done": total + done})
        return done

    while done := step.transact(one):
        total += done
        if step.stopping:
            return Later(step.now())
    return None


def erase_some(mail: "MailStore", step: Step, tx: Tx) -> int:
    """Removes up to `STEP` messages of a tombstone, then some index entries at a time, then the tombstone."""
    account, mailbox = step.args["account"], step.args["mailbox"]
    box = GONE.find(tx, account, mailbox)
    if box is None:
        return 0
    found = select(account, mailbox, Selection(((1, LAST),)), tx, limit=STEP)
    for uid, row, state in found:
        tx.delete(keyspace.STATE.key(account, mailbox, uid))
        tx.delete(keyspace.MESSAGE_DATE.key(account, mailbox, row.idate, uid))
        tx.delete(keyspace.THREAD.key(account, row.thread, mailbox, uid))
        if state.expires:
            tx.delete(keyspace.MAIL_EXPIRY.key(state.expires, account, mailbox, uid))
        MESSAGES.delete(tx, account, mailbox, uid)
        mail.follower.changed(tx, Removed(account, Id(mailbox), uid))
    if found:
        mail.quota.credit(tx, account, sum(row.size for _, row, _ in found))
        mail.archiver.dispose(account, box, found, cause="mailbox", skip=False, now=mail.clock(), tx=tx)
        return len(found)
    for space in (keyspace.MODSEQ, keyspace.VANISHED):
        keys = [key for key, _ in tx.scan(*space.range(account, mailbox), limit=4 * STEP)]
        for key in keys:
            tx.delete(key)
        if keys:
            return len(keys)
    GONE.delete(tx, account, mailbox)
    return 1


def _clear(mail: "MailStore", step: Step, tx: Tx) -> int:
    account, mailbox, last = step.args["account"], Id(step.args["mailbox"]), step.args["last"]
    if MAILBOXES.find(tx, account, mailbox) is None:
        return 0
    return mail.clear_some(account, mailbox, last, skip_archive=step.args.get("skip", False), tx=tx)


def _restore(mail: "MailStore", step: Step) -> Later | None:
    """Goes through what was deleted in the time asked for, in that order; what doesn't fit stays in the archive."""
    account, into = step.args["account"], step.args["into"]
    nothing = {"messages": 0, "bytes": 0, "refused": 0, "refused_bytes": 0}
    progress: dict[str, Any] = {"at": None, **nothing, **step.progress}
    while True:
        after = None if progress["at"] is None else (progress["at"][0], Id(progress["at"][1]))
        page = mail.archive.by_deletion(
            account, start=step.args["start"], end=step.args["end"], after=after, limit=STEP
        )
        if not page:
            return None
        with step.store.snapshot() as view:
            page = page[: fitting([keyspace.ARCHIVED_ROW.key(account, row.id) for row in page], view)]

        def one(tx: Tx, page: Sequence[Archived] = page, known: dict[str, Any] = progress) -> dict[str, Any]:
            tally = Tally(**{name: known[name] for name in nothing})
            tally = mail.archive.restore_some(account, page, tally, into=into, tx=tx)
            reached = {"at": [page[-1].deleted, page[-1].id], **asdict(tally)}
            step.save(tx, reached)
            return reached

        progress = step.transact(one)
        if step.stopping:
            return Later(step.now())


def _sweep(mail: "MailStore", step: Step) -> Later | None:
    """Walks a mailbox's modseq index and removes what counts no more."""
    account, mailbox = step.args["account"], step.args["mailbox"]
    start, stop = keyspace.MODSEQ.range(account, mailbox)
    start = step.progress.get("at", start)
    while True:
        with step.store.snapshot() as view:
            keys = [key for key, _ in view.scan(start, stop, limit=4 * STEP)]
        if not keys:
            return _forget_vanished(mail, step)
        after = keys[-1] + b"\x00"

        def one(tx: Tx, keys: list[bytes] = keys, after: bytes = after) -> None:
            box = MAILBOXES.find(tx, account, mailbox)
            if box is not None:
                gone = [key for key in keys if tx.get(key) is not None and not counts(key, tx)]
                for key in gone:
                    tx.delete(key)
                if gone:
                    MAILBOXES.put(tx, replace(box, stale=max(0, box.stale - len(gone))), account, mailbox)
            step.save(tx, {"at": after})

        step.transact(one)
        start = after
        if step.stopping:
            return Later(step.now())


def _forget_vanished(mail: "MailStore", step: Step) -> Later | None:
    """Keeps the newest records of what vanished; the mailbox says from which modseq on they are all there."""
    account, mailbox = step.args["account"], step.args["mailbox"]
    space = keyspace.VANISHED.range(account, mailbox)
    with step.store.snapshot() as view:
        kept = [key for key, _ in view.scan(*space, reverse=True, limit=mail.most_vanished() + 1)]
    if len(kept) <= mail.most_vanished():
        return None
    stop = kept[-1] + b"\x00"

    def some(tx: Tx) -> int:
        box = MAILBOXES.find(tx, account, mailbox)
        keys = [key for key, _ in tx.scan(space[0], stop, limit=4 * STEP)]
        if box is None or not keys:
            return 0
        for key in keys:
            tx.delete(key)
        forgotten = keyspace.VANISHED.parts(keys[-1])[2]
        MAILBOXES.put(tx, replace(box, forgotten=max(box.forgotten, forgotten)), account, mailbox)
        return len(keys)

    while step.transact(some):
        step.renew()
        if step.stopping:
            return Later(step.now())
    return None
