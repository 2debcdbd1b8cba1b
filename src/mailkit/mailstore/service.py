"""What others call: mailboxes and messages of accounts. What only reads is in `reading`, how long things are kept in
`keeping`, what is encrypted in `entering`, the archive in `archive`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from mailkit import journal
from mailkit.clock import Clock
from mailkit.encryption.demand import AccountKeys
from mailkit.errors import Invalid
from mailkit.ids import Id
from mailkit.jobs import Jobs
from mailkit.mailstore import change as changes
from mailkit.mailstore import events, mailbox_changes, mailboxes, work
from mailkit.mailstore import once as named
from mailkit.mailstore.change import STEP, Moved
from mailkit.mailstore.dispose import Cause
from mailkit.mailstore.entering import Ahead, Crossing, Entering
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.follower import Emptied, Follower, Nobody
from mailkit.mailstore.fresh import fresh
from mailkit.mailstore.keeping import SWEEP, Fate, job_key
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.paths import normal_path
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.reading import AccountRef, Entry
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.select import MOST_HELD, UNBOUND, Found, select
from mailkit.mailstore.selection import LAST, Selection
from mailkit.quota import QuotaService
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.blobs import Blobs
from mailkit.storage.calls import OWN, writes

__all__ = ["AccountRef", "Entry", "MailStore"]

T = TypeVar("T")


class MailStore(Entering):
    """The service. `kit.py` passes in `number_of(tx, id)`, an account's number by its id, `on_stored(tx, account,
    mailbox, message, flags)`, which is told of every message that comes in, the `follower` of all changes,
    `archive_keep()`, how long removed messages can be restored (ms, 0: not at all), `fate(tx, account)`, an account's
    retention (ms) and when its data goes, if it is deleted, and `keys_of(tx, account)`, what it says of encryption."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        quota: QuotaService,
        jobs: Jobs,
        *,
        clock: Clock,
        number_of: Callable[[ReadTx, Id], int],
        follower: Follower | None = None,
        most_mailboxes: Callable[[], int],
        most_vanished: Callable[[], int],
        on_stored: Callable[[Tx, int, Mailbox, Ready, tuple[str, ...]], None] = lambda *_: None,
        archive_keep: Callable[[], int] = lambda: 0,
        fate: Callable[[ReadTx, int], Fate] = lambda *_: (0, None),
        keys_of: Callable[[ReadTx, int], AccountKeys] = lambda *_: AccountKeys(),
    ) -> None:
        super().__init__(
            store,
            blobs,
            quota,
            jobs,
            clock=clock,
            number_of=number_of,
            follower=follower or Nobody(),
            most_mailboxes=most_mailboxes,
            archive_keep=archive_keep,
            fate=fate,
        )
        self._keys_of = keys_of
        self._on_stored = on_stored
        self._most_mailboxes = most_mailboxes
        self.most_vanished = most_vanished

    @writes
    def create_mailbox(self, account: AccountRef, folder: Folder, *, tx: Tx = OWN) -> Mailbox:
        """Makes a mailbox; its parents need not be there. AlreadyExists `mailbox.exists`, Invalid for a bad path and
        `mailbox.too_many`."""
        number = self._number(account, tx)
        most = self._most_mailboxes()
        if mailboxes.count(number, most=most, tx=tx) >= most:
            raise Invalid("mailbox.too_many", f"There are {most} mailboxes already", most=most)
        now = self.clock()
        (box,) = mailboxes.create(number, [folder], now=now, tx=tx)
        journal.add(tx, events.box_event("mailbox.created", number, box, now=now, path=box.path))
        return box

    @writes
    def alter_mailbox(
        self, account: AccountRef, mailbox: Id | str, wanted: Alteration, *, children: bool = False, tx: Tx = OWN
    ) -> Mailbox:
        """Renames a mailbox or changes what it does. With `children` those below it are renamed with it.

        Raises NotFound, AlreadyExists `mailbox.exists`, Invalid for a bad path and `mailbox.reserved`.
        """
        number, now = self._number(account, tx), self.clock()
        box = mailboxes.get(number, mailbox, tx=tx)
        below = mailboxes.below(number, box.path, tx=tx) if children else []
        if children and wanted.path and normal_path(wanted.path).startswith(f"{box.path}/"):
            raise Invalid.field("path", '"path" must not lie below the mailbox itself')
        after = mailbox_changes.alter(number, box, wanted, now=now, tx=tx)
        for child in below if after.path != box.path else ():  # a shorter path is free for a longer one to become it
            path = after.path + child.path[len(box.path) :]
            mailbox_changes.alter(number, child, Alteration(path=path), now=now, tx=tx)
        return after

    @writes
    def delete_mailbox(self, account: AccountRef, mailbox: Id | str, *, tx: Tx = OWN) -> Mailbox:
        """Deletes a mailbox: at once it is gone and its path free; its messages leave by a job, and with them goes
        their share of the quota. Mailboxes below it stay. Raises NotFound, Invalid `mailbox.reserved`."""
        number, now = self._number(account, tx), self.clock()
        box = mailboxes.get(number, mailbox, tx=tx)
        mailbox_changes.bury(number, box, now=now, tx=tx)
        self.follower.changed(tx, Emptied(number, box.id))
        args = {"account": number, "mailbox": box.id}
        self.jobs.schedule(tx, work.ERASE, args, due=now, key=job_key(number, box.id))
        return box

    # messages that change

    def update(
        self, account: AccountRef, mailbox: Id | str, wanted: Selection, change: Change, *, tx: Tx | None = None
    ) -> int:
        """Changes flags, expiry or metadata of messages; returns how many of the wanted ones there are.

        As all bulk changes: in steps of 500 messages, each done wholly or not at all and safe to repeat; with `tx`, all
        in that transaction. NotFound `mailbox.not_found`.
        """

        def one(number: int, box: Mailbox, found: Sequence[Found], tx: Tx) -> int:
            self._tend(
                number, changes.update(number, box, found, change, now=self.clock(), follower=self.follower, tx=tx), tx
            )
            return len(found)

        return sum(self._stepwise(account, mailbox, wanted, one, tx, writes=len(change.meta or "")))

    def remove(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        *,
        cause: Cause = "removed",
        skip_archive: bool = False,
        tx: Tx | None = None,
    ) -> int:
        """Removes messages, to the archive unless they are drafts or `skip_archive` is asked for; returns how many.
        NotFound `mailbox.not_found`."""

        def one(number: int, box: Mailbox, found: Sequence[Found], tx: Tx) -> int:
            return self._remove(number, box, found, cause, skip_archive, tx)

        return sum(self._stepwise(account, mailbox, wanted, one, tx))

    def move(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        target: Id | str,
        change: Change = Change(),  # noqa: B008  # frozen
        *,
        ahead: Ahead | None = None,
        tx: Tx | None = None,
    ) -> Sequence[Moved]:
        """Takes messages to another mailbox, where they get new UIDs, and applies `change` to them there; returns what
        became of each, by old UID. NotFound `mailbox.not_found` for either.

        A mailbox that asks for encryption gets them encrypted, drafts aside: a few MB at a time, and OverQuota when one
        has no room for it; the steps before it stay. With `tx` that has been done before, by `ahead`; Conflict
        `encryption.changed` for what has not.
        """
        crossing = Crossing(self, target, change, ahead)

        def one(number: int, box: Mailbox, found: Sequence[Found], tx: Tx) -> Sequence[Moved]:
            into = mailboxes.get(number, target, tx=tx)
            moved = changes.move(
                number,
                box,
                into,
                found,
                change,
                forms=crossing.forms(number, into, found, tx),
                blobs=self.blobs,
                quota=self.quota,
                now=self.clock(),
                follower=self.follower,
                tx=tx,
            )
            self._tend(number, mailboxes.get(number, box.id, tx=tx), tx)
            return moved

        writes = len(change.meta or "")
        steps = self._stepwise(account, mailbox, wanted, one, tx, crossing, writes=writes)
        return [moved for step in steps for moved in step]

    def copy(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        target: Id | str,
        *,
        once: str | None = None,
        ahead: Ahead | None = None,
        tx: Tx | None = None,
    ) -> Sequence[Moved]:
        """Puts messages into another mailbox as well; their bytes are stored once and count twice. OverQuota: the steps
        before it stay. They are encrypted as they are by `move`.

        `once` is a name of the caller's for this copy. Repeated under it within a week, of the same mailbox into the
        same one, it copies what it has not copied yet and returns that; without a name, all is copied again.
        """
        crossing = Crossing(self, target, Change(), ahead)

        def one(number: int, box: Mailbox, found: Sequence[Found], tx: Tx) -> Sequence[Moved]:
            into = mailboxes.get(number, target, tx=tx)
            if once is None:
                return copied(number, box, into, found, tx)
            rest, so_far = named.left(number, box, into, once, found, tx=tx)
            if rest:
                named.note(number, box, once, so_far, rest[-1][0], now=self.clock(), tx=tx)
            return copied(number, box, into, rest, tx)

        def copied(number: int, box: Mailbox, into: Mailbox, found: Sequence[Found], tx: Tx) -> Sequence[Moved]:
            return changes.copy(
                number,
                box,
                into,
                found,
                forms=crossing.forms(number, into, found, tx),
                blobs=self.blobs,
                quota=self.quota,
                now=self.clock(),
                follower=self.follower,
                tx=tx,
            )

        return [done for step in self._stepwise(account, mailbox, wanted, one, tx, crossing) for done in step]

    def renumber(self, account: AccountRef) -> tuple[int, int]:
        """Gives every mailbox a new UIDVALIDITY and every message a new UID; returns how many of either.

        A mailbox that is cut off in between has its new UIDVALIDITY already, and the rest can be repeated.
        """
        with self.store.snapshot() as tx:
            number = self._number(account, tx)
            boxes = mailboxes.list_all(number, tx=tx)
        total = 0

        def one(number: int, box: Mailbox, found: Sequence[Found], tx: Tx) -> int:
            self._tend(
                number, changes.renumber(number, box, found, now=self.clock(), follower=self.follower, tx=tx), tx
            )
            return len(found)

        for box in boxes:
            self.store.transact(partial(self._revalidate, number, box.id))
            total += sum(self._stepwise(number, box.id, Selection(((1, LAST),)), one, None))
        return len(boxes), total

    def _revalidate(self, number: int, mailbox: Id, tx: Tx) -> None:
        mailboxes.revalidate(number, mailbox, now=self.clock(), tx=tx)

    def clear(self, account: AccountRef, mailbox: Id | str, *, skip_archive: bool = False) -> int:
        """Removes all messages that are in a mailbox now, the newest first; returns how many. See `remove`."""
        with self.store.snapshot() as tx:
            number = self._number(account, tx)
            box = mailboxes.get(number, mailbox, tx=tx)
        total = 0
        last = box.uid_next - 1
        while done := self.store.transact(
            lambda tx: self.clear_some(number, box.id, last, skip_archive=skip_archive, tx=tx)
        ):
            total += done
        return total

    def clear_some(self, account: int, mailbox: Id, last: int, *, skip_archive: bool = False, tx: Tx) -> int:
        """One step of `clear`: the newest 500 messages up to the UID `last` go; returns how many that were."""
        box = mailboxes.get(account, mailbox, tx=tx)
        found = select(account, box.id, Selection(((1, last),)), tx, limit=STEP, newest_first=True) if last else []
        return self._remove(account, box, found, "cleared", skip_archive, tx)

    @writes
    def clear_later(
        self, account: AccountRef, mailbox: Id | str, *, skip_archive: bool = False, tx: Tx = OWN
    ) -> tuple[Id, bool]:
        """Has a job do `clear`; returns its id, and True when such a job was waiting already: then that one's
        `skip_archive` counts (W4.5)."""
        number = self._number(account, tx)
        box = mailboxes.get(number, mailbox, tx=tx)
        key = job_key(number, box.id)
        known = self.jobs.find(tx, work.CLEAR, key)
        if known is not None:
            return known.id, True
        args = work.clear_args(number, box, skip_archive=skip_archive)
        return self.jobs.schedule(tx, work.CLEAR, args, due=self.clock(), key=key), False

    def _remove(self, number: int, box: Mailbox, found: Sequence[Found], cause: Cause, skip: bool, tx: Tx) -> int:
        after = changes.remove(
            number,
            box,
            found,
            archiver=self.archiver,
            cause=cause,
            skip=skip,
            quota=self.quota,
            now=self.clock(),
            follower=self.follower,
            tx=tx,
        )
        self._tend(number, after, tx)
        return len(found)

    def _tend(self, number: int, box: Mailbox, tx: Tx) -> None:
        if work.sweepable(box):
            args = {"account": number, "mailbox": box.id}
            self.jobs.schedule(tx, SWEEP, args, due=self.clock(), key=job_key(number, box.id))

    def _stepwise(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        one: Callable[[int, Mailbox, Sequence[Found], Tx], T],
        tx: Tx | None,
        crossing: Crossing | None = None,
        *,
        writes: int = 0,
    ) -> Sequence[T]:
        """Calls `one` for up to `STEP` wanted messages, each time in a transaction of its own; with `tx`, once. A step
        holds no more than `MOST_HELD` bytes of rows, nor writes more when each gets `writes` bytes."""
        if tx is not None:
            number = self._number(account, tx)
            box = mailboxes.get(number, mailbox, tx=tx)
            return [one(number, box, select(number, box.id, wanted, tx, limit=LAST, held=UNBOUND), tx)]
        with self.store.snapshot() as view:
            number = self._number(account, view)
            box = mailboxes.get(number, mailbox, tx=view)
        limit = max(1, min(STEP, MOST_HELD // max(1, writes)))
        rest = wanted.up_to(box.uid_next - 1)  # a message that comes in meanwhile is not meant, moved ones above all

        def step(through: int, tx: Tx) -> tuple[T, int]:
            found = select(number, box.id, rest.up_to(through), tx, limit=limit)
            result = one(number, mailboxes.get(number, box.id, tx=tx), found, tx)
            return result, found[-1][0] if found else through

        results: list[T] = []
        while rest.ranges:
            through = partial(crossing.look, number, box.id, rest) if crossing else lambda: LAST
            result, last = fresh(self.store.transact, through, step)
            results.append(result)
            rest = rest.beyond(last)
        return results
