"""What others call: mailboxes and messages of accounts."""

from collections.abc import Callable, Iterable, Iterator

from attrs import frozen

from mailkit.clock import Clock
from mailkit.errors import NotFound
from mailkit.ids import Id
from mailkit.mailstore import mailboxes
from mailkit.mailstore.append import Stored, append
from mailkit.mailstore.changes import Follower, Nobody
from mailkit.mailstore.prepare import Ready, prepare
from mailkit.mailstore.records import BlobRef, Mailbox, Message, State
from mailkit.mailstore.tables import MESSAGES, STATES
from mailkit.quota import QuotaService
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.blobs import Blobs
from mailkit.storage.calls import OWN, reads
from mailkit.types import Page

__all__ = ["AccountRef", "Entry", "MailStore"]

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
    """The service. `kit.py` passes in `number_of(tx, id)`, an account's number by its id, and who follows changes."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        quota: QuotaService,
        *,
        clock: Clock,
        number_of: Callable[[ReadTx, Id], int],
        follower: Follower | None = None,
    ) -> None:
        self.store = store
        self.blobs = blobs
        self.quota = quota
        self.clock = clock
        self._number_of = number_of
        self._follower = follower or Nobody()

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

    def prepare(self, raw: bytes, *, idate: int | None = None) -> Ready:
        """Parses, hashes, compresses and, for large pieces, writes files: all that need not happen in a transaction."""
        moment = self.clock() if idate is None else max(0, idate)
        return prepare(raw, self.blobs, idate=moment, describe_for=self._follower.describe)

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
            return append(
                number,
                mailboxes.get(number, mailbox, tx=tx),
                ready,
                blobs=self.blobs,
                quota=self.quota,
                now=self.clock(),
                prefix=prefix,
                flags=given,
                mail_from=mail_from,
                rcpt_to=rcpt_to,
                meta=meta,
                follower=self._follower,
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
    def source(self, account: AccountRef, mailbox: Id | str, uid: int, *, tx: ReadTx = OWN) -> bytes:
        """The exact bytes of a message; for large ones see `stream`."""
        return b"".join(self.stream(self.get(account, mailbox, uid, tx=tx).row))

    def stream(self, row: Message) -> Iterator[bytes]:
        """The exact bytes of a message, piece by piece, each opened in a snapshot of its own."""
        for segment in row.segments:
            if not isinstance(segment, BlobRef):
                yield segment
                continue
            with self.store.snapshot() as tx:
                content = self.blobs.open(tx, segment.digest)
            with content:
                while chunk := content.read(_CHUNK):
                    yield chunk
