"""What others call: mailboxes and messages of accounts. Over 400 lines: one service, and each method is one call."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from attrs import frozen

from mailkit import journal
from mailkit.clock import Clock
from mailkit.errors import Invalid, NotFound
from mailkit.ids import Id
from mailkit.jobs import Jobs
from mailkit.mailstore import change as changes
from mailkit.mailstore import events, mailbox_changes, mailboxes, parts, work
from mailkit.mailstore import once as named
from mailkit.mailstore.append import Stored, append
from mailkit.mailstore.change import STEP, Moved
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.follower import Emptied, Follower, Nobody
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.prepare import Ready, prepare
from mailkit.mailstore.records import Attachment, BlobRef, Mailbox, Message, State
from mailkit.mailstore.resync import Changes, changes_since
from mailkit.mailstore.select import Found, select
from mailkit.mailstore.selection import LAST, Selection
from mailkit.mailstore.tables import MESSAGES, STATES
from mailkit.quota import QuotaService
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.blobs import Blobs
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["AccountRef", "Entry", "MailStore"]

T = TypeVar("T")

_CHUNK = 256 * 1024

AccountRef = int | Id
"""An account by its number, or by its principal's id."""


@frozen
class Entry:
    """A message in a mailbox."""

    mailbox: Mailbox
    uid: int
    row: Message
    state: State


class MailStore:
    """The service. `kit.py` passes in `number_of(tx, id)`, an account's number by its id, `on_stored(tx, account,
    mailbox, message, flags)`, which is told of every message that comes in, and the `follower` of all changes."""

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
    ) -> None:
        self.store = store
        self.blobs = blobs
        self.quota = quota
        self.jobs = jobs
        self.clock = clock
        self._number_of = number_of
        self.follower = follower or Nobody()
        self._most_mailboxes = most_mailboxes
        self.most_vanished = most_vanished
        self._on_stored = on_stored

    def _number(self, account: AccountRef, tx: ReadTx) -> int:
        return account if isinstance(account, int) else self._number_of(tx, account)

    @reads
    def number(self, account: AccountRef, *, tx: ReadTx = OWN) -> int:
        """The number of an account; NotFound for the id of none."""
        return self._number(account, tx)

    @reads
    def mailboxes(self, account: AccountRef, *, tx: ReadTx = OWN) -> list[Mailbox]:
        """Every mailbox with its counters: INBOX first, then by path."""
        return mailboxes.list_all(self._number(account, tx), tx=tx)

    @reads
    def mailbox(self, account: AccountRef, mailbox: Id | str, *, tx: ReadTx = OWN) -> Mailbox:
        """One mailbox by id or path; NotFound `mailbox.not_found`."""
        return mailboxes.get(self._number(account, tx), mailbox, tx=tx)

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
        after = mailbox_changes.alter(number, box, wanted, now=now, tx=tx)
        if children and after.path != box.path:
            for child in mailboxes.below(number, box.path, tx=tx):
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
        self.jobs.schedule(tx, work.ERASE, args, due=now, key=work.job_key(number, box.id))
        return box

    def prepare(self, raw: bytes, *, idate: int | None = None) -> Ready:
        """Parses, hashes, compresses and, for large pieces, writes files: all that need not happen in a transaction."""
        moment = self.clock() if idate is None else max(0, idate)
        return prepare(raw, self.blobs, idate=moment, describe_for=self.follower.describe)

    def append(
        self,
        account: AccountRef,
        raw: bytes | Ready,
        *,
        mailbox: Id | str = "INBOX",
        flags: Iterable[str] = (),
        idate: int | None = None,
        prefix: bytes = b"",
        mail_from: str = "",
        rcpt_to: tuple[str, ...] = (),
        meta: str | None = None,
        tx: Tx | None = None,
    ) -> Stored:
        """Stores a message, durably when it returns (with `tx`: when that commits).

        `idate` is the internal date in ms, now by default. Raises NotFound `mailbox.not_found` and OverQuota, and then
        nothing was stored.
        """
        ready = raw if isinstance(raw, Ready) else self.prepare(raw, idate=idate)
        given = tuple(flags)

        def fn(tx: Tx) -> Stored:
            number = self._number(account, tx)
            box = mailboxes.get(number, mailbox, tx=tx)
            self._on_stored(tx, number, box, ready, given)
            return append(
                number,
                box,
                ready,
                blobs=self.blobs,
                quota=self.quota,
                now=self.clock(),
                prefix=prefix,
                flags=given,
                mail_from=mail_from,
                rcpt_to=rcpt_to,
                meta=meta,
                follower=self.follower,
                tx=tx,
            )

        return self.store.transact(fn) if tx is None else fn(tx)

    @reads
    def list(
        self,
        account: AccountRef,
        mailbox: Id | str = "INBOX",
        *,
        limit: int = 20,
        after: tuple[int, int] | None = None,
        backwards: bool = False,
        oldest_first: bool = False,
        tx: ReadTx = OWN,
    ) -> Page[Entry]:
        """A page by internal date, newest first. Flat: its cost doesn't grow with the mailbox.

        `after` is the (internal date, UID) of an entry to continue behind; with `backwards`, the page before it.
        """
        number = self._number(account, tx)
        box = mailboxes.get(number, mailbox, tx=tx)
        space = keyspace.MESSAGE_DATE
        down = oldest_first == backwards  # towards older mail
        start, stop = space.range(number, box.id)
        if after is not None:
            edge_start, edge_stop = space.range(number, box.id, *after)
            start, stop = (start, edge_start) if down else (edge_stop, stop)
        keys = [space.parts(key)[2:] for key, _ in tx.scan(start, stop, reverse=down, limit=limit + 1)]
        more = len(keys) > limit
        keys = keys[:limit]
        if backwards:
            keys.reverse()
        items = tuple(self._entry(number, box, uid, tx) for _, uid in keys)
        before, beyond = (more, after is not None) if backwards else (after is not None, more)
        return Page(items, box.total, before, beyond)

    def _entry(self, number: int, box: Mailbox, uid: int, tx: ReadTx) -> Entry:
        return Entry(box, uid, MESSAGES.get(tx, number, box.id, uid), STATES.get(tx, number, box.id, uid))

    @reads
    def get(self, account: AccountRef, mailbox: Id | str, uid: int, *, tx: ReadTx = OWN) -> Entry:
        """One message; NotFound `mailbox.not_found` or `message.not_found`."""
        number = self._number(account, tx)
        box = mailboxes.get(number, mailbox, tx=tx)
        if not 0 < uid < 1 << 32 or not MESSAGES.exists(tx, number, box.id, uid):
            raise NotFound("message.not_found", "This message does not exist", uid=uid)
        return self._entry(number, box, uid, tx)

    @reads
    def thread_sizes(self, account: AccountRef, threads: Iterable[Id], *, tx: ReadTx = OWN) -> dict[Id, int]:
        """How many messages each of these threads has, in all mailboxes."""
        number = self._number(account, tx)
        return {thread: sum(1 for _ in tx.scan(*keyspace.THREAD.range(number, thread))) for thread in set(threads)}

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

        return sum(self._stepwise(account, mailbox, wanted, one, tx))

    def remove(self, account: AccountRef, mailbox: Id | str, wanted: Selection, *, tx: Tx | None = None) -> int:
        """Removes messages for good; returns how many. NotFound `mailbox.not_found`."""
        return sum(self._stepwise(account, mailbox, wanted, self._remove, tx))

    def move(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        target: Id | str,
        change: Change = Change(),  # noqa: B008  # frozen
        *,
        tx: Tx | None = None,
    ) -> Sequence[Moved]:
        """Takes messages to another mailbox, where they get new UIDs, and applies `change` to them there; returns what
        became of each, by old UID. NotFound `mailbox.not_found` for either."""

        def one(number: int, box: Mailbox, found: Sequence[Found], tx: Tx) -> Sequence[Moved]:
            into = mailboxes.get(number, target, tx=tx)
            moved = changes.move(number, box, into, found, change, now=self.clock(), follower=self.follower, tx=tx)
            self._tend(number, mailboxes.get(number, box.id, tx=tx), tx)
            return moved

        return [moved for step in self._stepwise(account, mailbox, wanted, one, tx) for moved in step]

    def copy(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        target: Id | str,
        *,
        once: str | None = None,
        tx: Tx | None = None,
    ) -> Sequence[Moved]:
        """Puts messages into another mailbox as well; their bytes are stored once and count twice. OverQuota: the steps
        before it stay.

        `once` is a name of the caller's for this copy. Repeated under it within a week, of the same mailbox into the
        same one, it copies what it has not copied yet and returns that; without a name, all is copied again.
        """

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
                blobs=self.blobs,
                quota=self.quota,
                now=self.clock(),
                follower=self.follower,
                tx=tx,
            )

        return [done for step in self._stepwise(account, mailbox, wanted, one, tx) for done in step]

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

    def clear(self, account: AccountRef, mailbox: Id | str) -> int:
        """Removes all messages that are in a mailbox now, the newest first; returns how many."""
        with self.store.snapshot() as tx:
            number = self._number(account, tx)
            box = mailboxes.get(number, mailbox, tx=tx)
        total = 0
        while done := self.store.transact(lambda tx: self.clear_some(number, box.id, box.uid_next - 1, tx=tx)):
            total += done
        return total

    def clear_some(self, account: int, mailbox: Id, last: int, *, tx: Tx) -> int:
        """One step of `clear`: the newest 500 messages up to the UID `last` go; returns how many that were."""
        box = mailboxes.get(account, mailbox, tx=tx)
        found = select(account, box.id, Selection(((1, last),)), tx, limit=STEP, newest_first=True) if last else []
        return self._remove(account, box, found, tx)

    @writes
    def clear_later(self, account: AccountRef, mailbox: Id | str, *, tx: Tx = OWN) -> tuple[Id, bool]:
        """Has a job do `clear`; returns its id, and True when such a job was waiting already."""
        number = self._number(account, tx)
        box = mailboxes.get(number, mailbox, tx=tx)
        key = work.job_key(number, box.id)
        known = self.jobs.find(tx, work.CLEAR, key)
        if known is not None:
            return known.id, True
        args = work.clear_args(number, box)
        return self.jobs.schedule(tx, work.CLEAR, args, due=self.clock(), key=key), False

    @reads
    def changes(
        self, account: AccountRef, mailbox: Id | str, since: int, *, limit: int = 1000, tx: ReadTx = OWN
    ) -> Changes:
        """What became of a mailbox after the modseq `since` (RFC 7162): changed and vanished UIDs, oldest first.

        `resync` in the answer: what vanished since then is not known any more.
        """
        number = self._number(account, tx)
        return changes_since(number, mailboxes.get(number, mailbox, tx=tx), since, limit=limit, tx=tx)

    def _remove(self, number: int, box: Mailbox, found: Sequence[Found], tx: Tx) -> int:
        after = changes.remove(
            number, box, found, blobs=self.blobs, quota=self.quota, now=self.clock(), follower=self.follower, tx=tx
        )
        self._tend(number, after, tx)
        return len(found)

    def _tend(self, number: int, box: Mailbox, tx: Tx) -> None:
        if work.sweepable(box):
            args = {"account": number, "mailbox": box.id}
            self.jobs.schedule(tx, work.SWEEP, args, due=self.clock(), key=work.job_key(number, box.id))

    def _stepwise(
        self,
        account: AccountRef,
        mailbox: Id | str,
        wanted: Selection,
        one: Callable[[int, Mailbox, Sequence[Found], Tx], T],
        tx: Tx | None,
    ) -> Sequence[T]:
        """Calls `one` for up to `STEP` wanted messages, each time in a transaction of its own; with `tx`, once."""
        if tx is not None:
            number = self._number(account, tx)
            box = mailboxes.get(number, mailbox, tx=tx)
            return [one(number, box, select(number, box.id, wanted, tx, limit=LAST), tx)]
        with self.store.snapshot() as view:
            number = self._number(account, view)
            box = mailboxes.get(number, mailbox, tx=view)
        rest = wanted.up_to(box.uid_next - 1)  # a message that comes in meanwhile is not meant, moved ones above all

        def step(tx: Tx) -> tuple[T, int | None]:
            found = select(number, box.id, rest, tx, limit=STEP)
            return one(number, mailboxes.get(number, box.id, tx=tx), found, tx), found[-1][0] if found else None

        results: list[T] = []
        while rest.ranges:
            result, last = self.store.transact(step)
            results.append(result)
            rest = rest.beyond(LAST if last is None else last)
        return results

    # bytes

    @reads
    def source(self, account: AccountRef, mailbox: Id | str, uid: int, *, tx: ReadTx = OWN) -> bytes:
        """The exact bytes of a message; for large ones see `stream`."""
        return b"".join(self.stream(self.get(account, mailbox, uid, tx=tx).row))

    def stream(self, row: Message) -> Iterator[bytes]:
        """The exact bytes of a message, piece by piece, each opened in a snapshot of its own."""
        return self._bytes_of(row.segments)

    def attachment(self, row: Message, item: Attachment) -> Iterator[bytes]:
        """The decoded content of an attachment that the message's row lists, in chunks. A large one is read without the
        rest of the message. NotFound `attachment.not_found`."""
        return parts.part_content(row, item, self._bytes_of)

    def _bytes_of(self, segments: Iterable[bytes | BlobRef]) -> Iterator[bytes]:
        for segment in segments:
            if not isinstance(segment, BlobRef):
                yield segment
                continue
            with self.store.snapshot() as tx:
                content = self.blobs.open(tx, segment.digest)
            with content:
                while chunk := content.read(_CHUNK):
                    yield chunk
