"""Holds: somebody's word that nothing of an account, or of a mailbox, goes for good (litigation, an inquiry).

While one is in force, messages don't expire, nothing is purged from the archive, and a deleted account's data stays.
Its owner may still delete mail: it leaves the mailbox, goes to the archive whatever else is said, and stays there.
Placing and releasing one is in the journal, with who did it and why.

A hold on a mailbox covers what lies in it and what was deleted from it, not what was moved out of it: an owner who is
not to move mail away needs a hold on the account.
"""

from collections.abc import Callable

from mailkit import journal
from mailkit.clock import Clock
from mailkit.errors import Invalid, NotFound
from mailkit.ids import Id, new_id
from mailkit.mailstore import mailboxes
from mailkit.mailstore.archiving import holds_on
from mailkit.mailstore.held import ended
from mailkit.mailstore.records import Hold
from mailkit.mailstore.tables import GONE, HOLDS
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["Holds", "forget_holds"]

_LONGEST = 1024


class Holds:
    """The service; `number(account, tx)` finds an account's number."""

    def __init__(self, store: Store, number: Callable[[int | Id, ReadTx], int], *, clock: Clock) -> None:
        self.store = store
        self._number = number
        self._clock = clock

    @writes
    def place(
        self,
        account: int | Id,
        *,
        reason: str,
        by: str,
        mailbox: Id | str | None = None,
        until: int | None = None,
        tx: Tx = OWN,
    ) -> Hold:
        """Places a hold on an account, or on one of its mailboxes, up to `until` (UTC ms) or until it is released.

        Raises NotFound `mailbox.not_found`, Invalid on `reason`, `by` or `until`. A deleted account is named by number.
        """
        now = self._clock()
        for name, text in (("reason", reason), ("by", by)):
            if not text.strip():
                raise Invalid.field(name, f'"{name}" is required', kind="required")
            if len(text) > _LONGEST:
                raise Invalid.field(name, f'"{name}" must not be longer than {_LONGEST} characters', kind="max")
        if until is not None and until <= now:
            raise Invalid.field("until", '"until" must lie ahead', kind="min")
        number = self._number(account, tx)
        box = None if mailbox is None else _mailbox(number, mailbox, tx)
        hold = Hold(id=new_id(now), account=number, mailbox=box, reason=reason, by=by, at=now, until=until)
        HOLDS.put(tx, hold, number, hold.id)
        _tell("hold.placed", hold, {"by": by, "until": until}, now, tx)
        return hold

    @writes
    def release(self, account: int | Id, hold: Id, *, by: str, tx: Tx = OWN) -> Hold:
        """Ends a hold; what it has put off happens at the next turn of the jobs. NotFound `hold.not_found`."""
        number = self._number(account, tx)
        row = HOLDS.delete(tx, number, hold)
        if row is None:
            raise NotFound("hold.not_found", "There is no such hold", hold=str(hold))
        _tell("hold.released", row, {"by": by}, self._clock(), tx)
        return row

    @reads
    def list(
        self,
        account: int | Id | None = None,
        *,
        limit: int = 100,
        after: tuple[int, Id] | None = None,
        tx: ReadTx = OWN,
    ) -> Page[Hold]:
        """Holds in order of account and age: all, or an account's. `after` is the (account, id) of one to continue
        behind. Flat; without a total, which nobody counts (it is that of the page)."""
        prefix = () if account is None else (self._number(account, tx),)
        rows = [hold for _, hold in HOLDS.scan(tx, *prefix, after=after, limit=limit + 1)]
        return Page(tuple(rows[:limit]), min(len(rows), limit), after is not None, len(rows) > limit)

    @reads
    def stops_purge(self, account: int, *, tx: ReadTx = OWN) -> bool:
        """True when any hold in force keeps the account's data: one on a mailbox does so too."""
        now = self._clock()
        return any(not ended(hold, now) for hold in holds_on(account, tx))

    def drop_ended(self, *, now: int, tx: Tx, limit: int = 500) -> int:
        """Forgets holds whose time is over; returns how many. Walks all holds, which are few."""
        over = [hold for _, hold in HOLDS.scan(tx) if ended(hold, now)][:limit]
        for hold in over:
            HOLDS.delete(tx, hold.account, hold.id)
            _tell("hold.ended", hold, {}, now, tx)
        return len(over)


def _mailbox(account: int, mailbox: Id | str, tx: ReadTx) -> Id:
    """A mailbox that is there, or one that was deleted and whose messages still leave."""
    if isinstance(mailbox, Id) and GONE.exists(tx, account, mailbox):
        return mailbox
    return mailboxes.get(account, mailbox, tx=tx).id


def _tell(kind: str, hold: Hold, more: dict[str, object], now: int, tx: Tx) -> None:
    payload = {"hold": hold.id, "mailbox": hold.mailbox, "reason": hold.reason, **more}
    journal.add(tx, journal.Entry(kind=kind, account=hold.account, at=now, payload=payload))


def forget_holds(account: int, tx: Tx) -> None:
    """An account's data is purged: its holds, all of them over by now, go with it."""
    for key, _ in list(tx.scan(*keyspace.HOLD.range(account))):
        tx.delete(key)
