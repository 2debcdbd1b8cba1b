"""What others call: the archive of deleted messages, which is listed, searched and restored from."""

import builtins
from collections.abc import Callable, Iterable

from attrs import frozen

from mailkit.clock import Clock, to_datetime
from mailkit.errors import Invalid, NotFound
from mailkit.ids import Id
from mailkit.jobs import Jobs
from mailkit.mailstore import mailboxes, restoring
from mailkit.mailstore.archive_match import Wanted, matches_facts, matches_text
from mailkit.mailstore.archiving import BYTES, COUNT, Archiver
from mailkit.mailstore.follower import Follower
from mailkit.mailstore.paths import normal_path
from mailkit.mailstore.reading import AccountRef, Reading
from mailkit.mailstore.records import Archived, Message
from mailkit.mailstore.restore_plan import Preview, Tally
from mailkit.mailstore.restoring import Restored
from mailkit.mailstore.select import MOST_HELD
from mailkit.mailstore.tables import ARCHIVE_SIZE, ARCHIVED, ARCHIVED_ROWS, BY_DELETION, BY_HASH
from mailkit.mime.parse import parse
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["RESTORE", "Archive", "ArchivedMessage", "FoundInArchive", "dated_path"]

RESTORE = "archive.restore"

_STEP = 500
_MOST_LOOKED_AT = 5_000
_MOST_READ = 64 << 20  # bytes of sources that one search reads
_LONGEST_TEXT = 1 << 20


@frozen
class ArchivedMessage:
    """A deleted message: what is known of its deletion, and its row."""

    archived: Archived
    row: Message


@frozen
class FoundInArchive:
    """What a search has found so far, the latest deletion first. A search looks at so much at a time; `more` is where
    to go on, None when it has seen everything."""

    items: tuple[ArchivedMessage, ...]
    more: tuple[int, Id] | None


class Archive:
    """The service; one account's archive at a time. The mail store makes it."""

    def __init__(
        self,
        reading: Reading,
        archiver: Archiver,
        jobs: Jobs,
        *,
        clock: Clock,
        follower: Callable[[], Follower],
        most_mailboxes: Callable[[], int],
    ) -> None:
        self.store = reading.store
        self._reading = reading
        self._archiver = archiver
        self._jobs = jobs
        self._clock = clock
        self._follower = follower
        self.most_mailboxes = most_mailboxes

    @reads
    def size(self, account: AccountRef, *, tx: ReadTx = OWN) -> tuple[int, int]:
        """Messages and bytes in the archive, from counters."""
        number = self._reading.number(account, tx=tx)
        return ARCHIVE_SIZE.get(tx, number, COUNT), ARCHIVE_SIZE.get(tx, number, BYTES)

    @reads
    def list(
        self,
        account: AccountRef,
        *,
        limit: int = 20,
        after: Id | None = None,
        backwards: bool = False,
        oldest_first: bool = False,
        tx: ReadTx = OWN,
    ) -> Page[ArchivedMessage]:
        """A page in order of the messages' ids, the youngest first. Flat; shorter than `limit` when its rows come to
        16 MiB. `after` is an id to continue behind; with
        `backwards`, the page before it."""
        number = self._reading.number(account, tx=tx)
        down = oldest_first == backwards
        edge = None if after is None else (number, after)
        rows = [row for _, row in ARCHIVED.scan(tx, number, after=edge, reverse=down, limit=limit + 1)]
        more = len(rows) > limit
        items: builtins.list[ArchivedMessage] = []
        held = 0
        for archived in rows[:limit]:
            if held >= MOST_HELD:
                more = True
                break
            row, weight = ARCHIVED_ROWS.measured(tx, number, archived.id)
            items.append(ArchivedMessage(archived, row))
            held += weight
        if backwards:
            items.reverse()
        before, beyond = (more, after is not None) if backwards else (after is not None, more)
        return Page(tuple(items), ARCHIVE_SIZE.get(tx, number, COUNT), before, beyond)

    @reads
    def get(self, account: AccountRef, id: Id, *, tx: ReadTx = OWN) -> ArchivedMessage:
        """One message; NotFound `message.not_found`."""
        return self._whole(self._get(account, id, tx), tx)

    def _get(self, account: AccountRef, id: Id, tx: ReadTx) -> Archived:
        row = ARCHIVED.find(tx, self._reading.number(account, tx=tx), id)
        if row is None:
            raise NotFound("message.not_found", "This message does not exist", message=str(id))
        return row

    @staticmethod
    def _whole(archived: Archived, tx: ReadTx) -> ArchivedMessage:
        return ArchivedMessage(archived, ARCHIVED_ROWS.get(tx, archived.account, archived.id))

    @reads
    def by_deletion(
        self,
        account: AccountRef,
        *,
        start: int = 0,
        end: int = (1 << 63) - 1,
        after: tuple[int, Id] | None = None,
        reverse: bool = False,
        limit: int = 500,
        tx: ReadTx = OWN,
    ) -> tuple[Archived, ...]:
        """Up to `limit` messages that were deleted from `start` up to and including `end` (UTC ms), in the order in
        which they were; `after` is the (deleted, id) of one to continue behind."""
        number = self._reading.number(account, tx=tx)
        first = BY_DELETION.space.range(number, start)[0]
        last = BY_DELETION.space.range(number, end)[1]
        if after is not None:
            low, high = BY_DELETION.space.range(number, *after)
            first, last = (first, min(last, low)) if reverse else (max(first, high), last)
        return tuple(ARCHIVED.at(tx, key) for _, key in tx.scan(first, last, reverse=reverse, limit=limit))

    @reads
    def with_hash(self, hash: bytes, account: AccountRef | None = None, *, tx: ReadTx = OWN) -> tuple[Archived, ...]:
        """Messages with a content hash, of an account or of all; by account and age, at most 100."""
        prefix = (hash,) if account is None else (hash, self._reading.number(account, tx=tx))
        return tuple(row for _, row in ARCHIVED.through(tx, BY_HASH, *prefix, limit=100))

    def search(
        self, account: AccountRef, wanted: Wanted, *, limit: int = 20, after: tuple[int, Id] | None = None
    ) -> FoundInArchive:
        """Looks for messages, the latest deletion first. One call looks at 5,000 messages and, for their text, at
        64 MiB of sources at most: a page may be short or empty while there is `more`."""
        found: list[ArchivedMessage] = []
        looked = read = 0
        until = (1 << 63) - 1 if wanted.before is None else wanted.before - 1
        while looked < _MOST_LOOKED_AT:
            with self.store.snapshot() as tx:
                page = self.by_deletion(
                    account, start=wanted.since or 0, end=max(0, until), after=after, reverse=True, limit=100, tx=tx
                )
                entries = [self._whole(row, tx) for row in page]
            for entry in entries:
                looked += 1
                after = (entry.archived.deleted, entry.archived.id)
                if matches_facts(entry.archived, entry.row, wanted):
                    body = ""
                    if wanted.text and entry.row.size <= _MOST_READ:
                        read += entry.row.size
                        body = self._text(entry.row)
                    if not wanted.text or matches_text(entry.row, body, wanted):
                        found.append(entry)
                if len(found) == limit or read >= _MOST_READ:
                    return FoundInArchive(tuple(found), after)
            if len(page) < 100:
                return FoundInArchive(tuple(found), None)
        return FoundInArchive(tuple(found), after)

    def _text(self, row: Message) -> str:
        try:
            return parse(b"".join(self._reading.stream(row))).text[:_LONGEST_TEXT]
        except NotFound:  # purged since it was listed
            return ""

    @writes
    def restore(
        self,
        account: AccountRef,
        id: Id,
        *,
        mailbox: Id | str | None = None,
        flags: Iterable[str] | None = None,
        idate: int | None = None,
        stays: bool = False,
        tx: Tx = OWN,
    ) -> Restored:
        """Takes one message back: to `mailbox`, else to where it was deleted from, else to INBOX; with the flags it
        had, or `flags`; with its internal date, or `idate` (UTC ms).

        `stays` leaves it in the archive, and a copy comes back. Raises NotFound `message.not_found` and
        `mailbox.not_found`, OverQuota; then nothing has changed.
        """
        archived = self._get(account, id, tx)
        if mailbox is not None:
            target = mailboxes.get(archived.account, mailbox, tx=tx)
        else:
            target = restoring.origin(archived, tx) or mailboxes.by_path(archived.account, "INBOX", tx=tx)
        return restoring.bring_back(
            archived,
            target,
            flags=archived.names if flags is None else flags,
            idate=idate,
            stays=stays,
            blobs=self._archiver.blobs,
            quota=self._archiver.quota,
            follower=self._follower(),
            now=self._clock(),
            tx=tx,
        )

    def restore_some(self, account: int, page: Iterable[Archived], tally: Tally, *, into: str | None, tx: Tx) -> Tally:
        """A step of a restore of many: each message that fits comes back without `\\Deleted`, into the mailbox with the
        path `into`, or where it was, a mailbox that is gone being made anew."""
        now = self._clock()
        quota = self._archiver.quota
        for listed in page:
            archived = ARCHIVED.find(tx, account, listed.id)
            if archived is None or archived.deleted != listed.deleted:
                continue  # restored or purged meanwhile
            room = quota.room(tx, account)
            fits = room is None or archived.size <= room
            tally = tally.with_one(archived.size, fits=fits)
            if not fits:
                continue
            target = restoring.origin(archived, tx) if into is None else None
            if target is None:
                path = archived.path if into is None else into
                target = restoring.make_path(account, path, most=self.most_mailboxes(), now=now, tx=tx)
            restoring.bring_back(
                archived,
                target,
                flags=set(archived.names) - {"\\Deleted"},
                blobs=self._archiver.blobs,
                quota=quota,
                follower=self._follower(),
                now=now,
                tx=tx,
            )
        return tally

    @writes
    def restore_later(self, account: AccountRef, start: int, end: int, *, into: str | None = None, tx: Tx = OWN) -> Id:
        """Has a job take back everything that was deleted from `start` up to and including `end` (UTC ms); see
        `restore_some`. Returns the job's id; its progress tells `messages`, `bytes`, `refused` and `refused_bytes`."""
        if start < 0 or end < start:
            raise Invalid.field("end", '"end" must not lie before "start"', kind="min")
        number = self._reading.number(account, tx=tx)
        into = None if into is None else normal_path(into, "into")
        args = {"account": number, "start": start, "end": end, "into": into}
        return self._jobs.schedule(tx, RESTORE, args, due=self._clock())

    def preview(self, account: AccountRef, start: int, end: int, *, into: str | None = None) -> Preview:
        """What `restore_later` would do if it ran now. Looks at every message of that time; changes nothing."""
        into = None if into is None else normal_path(into, "into")
        with self.store.snapshot() as tx:
            number = self._reading.number(account, tx=tx)
            room = self._archiver.quota.room(tx, number)
            known = {box.path for box in mailboxes.list_all(number, tx=tx)}
            known_ids = {box.id for box in mailboxes.list_all(number, tx=tx)}
        spare = max(0, self.most_mailboxes() - len(known))
        tally, after = Tally(), None
        made: dict[str, None] = {}
        while page := self.by_deletion(number, start=start, end=end, after=after, limit=_STEP):
            for row in page:
                fits = tally.fits(row.size, room)
                tally = tally.with_one(row.size, fits=fits)
                path = row.path if into is None else into
                lost = path not in known and (into is not None or row.mailbox not in known_ids)
                if fits and lost and (path in made or len(made) < spare):
                    made[path] = None
            after = (page[-1].deleted, page[-1].id)
        return Preview(tally, room, tuple(made))


def dated_path(word: str, now: int) -> str:
    """The mailbox that WildDuck's bulk restore fills: `Restored (2026-01-31)`, in UTC (W2.6)."""
    return f"{word} ({to_datetime(now):%Y-%m-%d})"
