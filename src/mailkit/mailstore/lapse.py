"""What time takes away, in steps of 500 that each say what they did: messages whose expiry has come leave for the
archive, and what has been in the archive long enough leaves for good. A hold stops either.

mail.expire      messages whose time is over; comes back by itself
archive.purge    archived messages whose time is over, and holds whose time is; comes back by itself
archive.trim     the oldest archived messages of an account whose archive is larger than it may be
mail.upkeep      the first two for one account, when somebody asks for it

A run walks what is due by time, once: what a hold keeps is passed over, and looked at again by the next run.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from mailkit import journal
from mailkit.ids import Id
from mailkit.jobs import Later, Step
from mailkit.mailstore.archiving import TRIM, destroy, excess, holds_on
from mailkit.mailstore.change import STEP
from mailkit.mailstore.held import covering
from mailkit.mailstore.records import Archived
from mailkit.mailstore.select import fitting
from mailkit.mailstore.selection import Selection
from mailkit.mailstore.tables import ARCHIVED, MAILBOXES, STATES
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.telemetry import emit

if TYPE_CHECKING:
    from mailkit.mailstore.service import MailStore

__all__ = ["EXPIRE", "PURGE", "TRIM", "UPKEEP", "handlers"]

EXPIRE: Final = "mail.expire"
PURGE: Final = "archive.purge"
UPKEEP: Final = "mail.upkeep"

Progress = dict[str, Any]
_Removed = tuple[int, int, int]
"""Messages and bytes that went, and messages that a hold kept."""


def handlers(mail: "MailStore") -> dict[str, Callable[[Step], Later | None]]:
    """The handlers by kind."""
    return {
        EXPIRE: lambda step: _run(step, [_expiry(mail, None)]),
        PURGE: lambda step: _purge(mail, step),
        TRIM: lambda step: _trim(mail, step),
        UPKEEP: lambda step: _run(step, [_expiry(mail, step.args["account"]), _ending(mail, step.args["account"])]),
    }


_Part = tuple[
    Callable[[int], tuple[bytes, bytes]], Callable[[list[bytes], int, Tx], _Removed], Callable[[bytes], bytes]
]
"""The keys that are due at a time, what becomes of some of them, and the key of the row that one is about."""


def _run(step: Step, parts: list[_Part]) -> Later | None:
    """Walks what is due, part by part; progress is saved with each step's work."""
    progress: Progress = {"part": 0, "at": b"", "done": 0, "bytes": 0, "held": 0, **step.progress}
    while progress["part"] < len(parts):
        due, some, row_of = parts[progress["part"]]
        start, stop = due(step.now())
        with step.store.snapshot() as view:
            keys = [key for key, _ in view.scan(max(start, progress["at"]), stop, limit=STEP)]
            last = len(keys) < STEP
            fits = fitting(map(row_of, keys), view)
        keys, last = keys[:fits], last and fits == len(keys)

        def one(
            tx: Tx,
            keys: list[bytes] = keys,
            known: Progress = progress,
            some: Callable[[list[bytes], int, Tx], _Removed] = some,
            last: bool = last,
        ) -> Progress:
            done, size, held = some(keys, step.now(), tx) if keys else (0, 0, 0)
            after = {
                "part": known["part"] + last,
                "at": b"" if last else keys[-1] + b"\x00",
                "done": known["done"] + done,
                "bytes": known["bytes"] + size,
                "held": known["held"] + held,
            }
            step.save(tx, after)
            return after

        progress = step.transact(one)
        if step.stopping:
            return Later(step.now())
    if progress["done"]:
        told = {name: progress[name] for name in ("done", "bytes", "held")}
        emit("mail.lapsed", kind=step.job.kind, **told)
    return None


def _expiry(mail: "MailStore", only: int | None) -> _Part:
    space = keyspace.MAIL_EXPIRY

    def some(keys: list[bytes], now: int, tx: Tx) -> _Removed:
        entries = [space.parts(key) for key in keys if tx.get(key) is not None]
        entries = [entry for entry in entries if only is None or entry[1] == only]
        entries.sort(key=lambda entry: entry[1:])
        done = kept = 0
        for (account, mailbox), group in groupby(entries, key=lambda entry: (entry[1], entry[2])):
            due = list(group)
            if MAILBOXES.find(tx, account, mailbox) is None:  # deleted: its messages leave with it
                _forget_expiry(account, mailbox, due, tx)
            elif covering(holds_on(account, tx), mailbox, now):
                kept += len(due)
            else:
                uids = Selection.of(uid for _, _, _, uid in due)
                done += mail.remove(account, Id(mailbox), uids, cause="expired", tx=tx)
        return done, 0, kept

    def row_of(key: bytes) -> bytes:
        return keyspace.MESSAGE.key(*space.parts(key)[1:])

    return lambda now: (space.key(0), space.key(now + 1)), some, row_of


def _forget_expiry(account: int, mailbox: bytes, due: Iterable[tuple[Any, ...]], tx: Tx) -> None:
    for when, _, _, uid in due:
        tx.delete(keyspace.MAIL_EXPIRY.key(when, account, mailbox, uid))
        state = STATES.find(tx, account, mailbox, uid)
        if state is not None:
            STATES.put(tx, replace(state, expires=0), account, mailbox, uid)


def _ending(mail: "MailStore", only: int | None) -> _Part:
    space = keyspace.ARCHIVE_END

    def some(keys: list[bytes], now: int, tx: Tx) -> _Removed:
        entries = [space.parts(key) for key in keys if tx.get(key) is not None]
        found = [ARCHIVED.find(tx, account, id) for _, account, id in entries if only is None or account == only]
        return _destroy(mail, (row for row in found if row is not None), now, tx)

    def row_of(key: bytes) -> bytes:
        return keyspace.ARCHIVED_ROW.key(*space.parts(key)[1:])

    return lambda now: (space.key(0), space.key(now + 1)), some, row_of


def _destroy(mail: "MailStore", found: Iterable[Archived], now: int, tx: Tx) -> _Removed:
    """Removes from the archive for good what no hold keeps, and tells the journal how much that was."""
    done = size = kept = 0
    for account, group in groupby(sorted(found, key=lambda row: row.account), key=lambda row: row.account):
        holds = holds_on(account, tx)
        gone = []
        for row in group:
            if covering(holds, row.mailbox, now):
                kept += 1
                continue
            destroy(row, mail.blobs, tx)
            gone.append(row.size)
        if gone:
            payload = {"messages": len(gone), "bytes": sum(gone)}
            journal.add(tx, journal.Entry(kind="archive.purged", account=account, at=now, payload=payload))
        done += len(gone)
        size += sum(gone)
    return done, size, kept


def _purge(mail: "MailStore", step: Step) -> Later | None:
    while step.transact(lambda tx: mail.holds.drop_ended(now=step.now(), tx=tx)):
        step.renew()
    return _run(step, [_ending(mail, None)])


def _trim(mail: "MailStore", step: Step) -> Later | None:
    """Removes the oldest until the archive is within its limit, or everything left is held."""
    account: int = step.args["account"]
    progress: Progress = {"at": None, "done": 0, "bytes": 0, "held": 0, **step.progress}

    def one(tx: Tx) -> tuple[Progress, bool]:
        over = excess(account, mail.quota, tx)
        if over <= 0:
            return progress, False
        after = None if progress["at"] is None else (progress["at"][0], Id(progress["at"][1]))
        page = mail.archive.by_deletion(account, after=after, limit=STEP, tx=tx)
        if not page:
            return progress, False
        done, size, held, last = _oldest(page, over, account, tx)
        reached = {
            "at": [last.deleted, last.id],
            "done": progress["done"] + done,
            "bytes": progress["bytes"] + size,
            "held": progress["held"] + held,
        }
        step.save(tx, reached)
        return reached, True

    def _oldest(page: Iterable[Archived], over: int, account: int, tx: Tx) -> tuple[int, int, int, Archived]:
        holds, now = holds_on(account, tx), step.now()
        chosen: list[Archived] = []
        held, last = 0, None
        for row in page:
            last = row
            if covering(holds, row.mailbox, now):
                held += 1
                continue
            chosen.append(row)
            over -= row.size
            if over <= 0:
                break
        assert last is not None
        done, size, _ = _destroy(mail, chosen, now, tx)
        return done, size, held, last

    while True:
        progress, more = step.transact(one)
        if not more:
            return None
        if step.stopping:
            return Later(step.now())
