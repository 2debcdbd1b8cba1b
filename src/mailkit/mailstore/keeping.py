"""How long things are kept: the archive, holds, and the answer to "until when, and why". A part of the mail store's
service (see `service`)."""

from collections.abc import Callable

from mailkit.clock import Clock
from mailkit.ids import Id
from mailkit.jobs import Jobs
from mailkit.mailstore import lapse, mailboxes
from mailkit.mailstore.archive import Archive
from mailkit.mailstore.archiving import Archiver, holds_on
from mailkit.mailstore.follower import Follower
from mailkit.mailstore.held import covering
from mailkit.mailstore.holds import Holds
from mailkit.mailstore.reading import AccountRef, Reading
from mailkit.mailstore.records import Hold
from mailkit.mailstore.retain import Kept, retain_archived, retain_live
from mailkit.quota import QuotaService
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.blobs import Blobs
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["SWEEP", "Fate", "Keeping", "job_key"]

SWEEP = "mailbox.sweep"

Fate = tuple[int, int | None]
"""An account's retention (ms, 0 for ever), and when its data goes (UTC ms), if it is deleted."""


def job_key(account: int, mailbox: bytes) -> str:
    """At most one job of a kind waits for a mailbox."""
    return f"{account}:{mailbox.hex()}"


class Keeping(Reading):
    """`archive` and `holds` are services of their own; `fate(tx, account)` tells what only `kit.py` can know."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        quota: QuotaService,
        jobs: Jobs,
        *,
        clock: Clock,
        number_of: Callable[[ReadTx, Id], int],
        follower: Follower,
        most_mailboxes: Callable[[], int],
        archive_keep: Callable[[], int],
        fate: Callable[[ReadTx, int], Fate],
    ) -> None:
        super().__init__(store, blobs, number_of)
        self.quota = quota
        self.jobs = jobs
        self.clock = clock
        self.follower = follower
        self._fate = fate
        self.archiver = Archiver(blobs, quota, jobs, keep=archive_keep)
        self.holds = Holds(store, self._number, clock=clock)
        self.archive = Archive(
            self, self.archiver, jobs, clock=clock, follower=lambda: self.follower, most_mailboxes=most_mailboxes
        )

    def hold(
        self,
        account: AccountRef,
        *,
        reason: str,
        by: str,
        mailbox: Id | str | None = None,
        until: int | None = None,
        tx: Tx | None = None,
    ) -> Hold:
        """Stops whatever would remove an account's mail, or a mailbox's, for good; see `holds`."""
        return self.holds.place(account, reason=reason, by=by, mailbox=mailbox, until=until, tx=tx or OWN)

    @writes
    def upkeep(self, account: AccountRef, *, tx: Tx = OWN) -> None:
        """Has jobs remove, of one account and soon, what others would in a quarter of an hour: messages and archived
        messages whose time is over, and outdated index entries however few."""
        number, now = self._number(account, tx), self.clock()
        self.jobs.schedule(tx, lapse.UPKEEP, {"account": number}, due=now, key=str(number))
        for box in mailboxes.list_all(number, tx=tx):
            if box.stale:
                args = {"account": number, "mailbox": box.id}
                self.jobs.schedule(tx, SWEEP, args, due=now, key=job_key(number, box.id))

    @reads
    def kept(self, account: AccountRef, mailbox: Id | str, uid: int, *, tx: ReadTx = OWN) -> Kept:
        """Until when a message is kept, and why (`retain`). NotFound `mailbox.not_found`, `message.not_found`."""
        number = self._number(account, tx)
        entry = self.get(number, mailbox, uid, tx=tx)
        retention, ends = self._fate(tx, number)
        return retain_live(
            expires=entry.state.expires,
            chosen=entry.state.chosen,
            draft=entry.state.has("\\Draft"),
            mailbox_retention=entry.mailbox.retention,
            account_retention=retention,
            keep=self.archiver.keep(),
            holds=covering(holds_on(number, tx), entry.mailbox.id, self.clock()),
            account_ends=ends,
        )

    @reads
    def kept_archived(self, account: AccountRef, id: Id, *, tx: ReadTx = OWN) -> Kept:
        """The same of a message in the archive, by its id. NotFound `message.not_found`."""
        number = self._number(account, tx)
        archived = self.archive.get(number, id, tx=tx).archived
        holds = covering(holds_on(number, tx), archived.mailbox, self.clock())
        return retain_archived(until=archived.until, holds=holds, account_ends=self._fate(tx, number)[1])
