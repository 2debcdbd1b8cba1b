"""Messages as they are read: pages, single ones, their bytes. Half of the mail store's service (see `service`)."""

import builtins
from collections.abc import Callable, Iterable, Iterator

from attrs import field, frozen

from mailkit.errors import NotFound
from mailkit.ids import Id
from mailkit.mailstore import mailboxes, parts
from mailkit.mailstore.records import Attachment, BlobRef, Mailbox, Message, State
from mailkit.mailstore.resync import Changes, changes_since
from mailkit.mailstore.select import MOST_HELD
from mailkit.mailstore.tables import MESSAGES, STATES
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store
from mailkit.storage.blobs import Blobs
from mailkit.storage.calls import OWN, reads
from mailkit.types import Page

__all__ = ["AccountRef", "Entry", "Reading"]

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
    weight: int = field(default=0, kw_only=True)
    """Bytes that the row is kept in."""


class Reading:
    """`number_of(tx, id)` is an account's number by its principal's id."""

    def __init__(self, store: Store, blobs: Blobs, number_of: Callable[[ReadTx, Id], int]) -> None:
        self.store = store
        self.blobs = blobs
        self._number_of = number_of

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
        """A page by internal date, newest first. Flat: its cost doesn't grow with the mailbox. It is shorter than
        `limit` when its rows come to 16 MiB.

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
        items: builtins.list[Entry] = []
        held = 0
        for _, uid in keys[:limit]:
            if held >= MOST_HELD:
                more = True
                break
            items.append(self._entry(number, box, uid, tx))
            held += items[-1].weight
        if backwards:
            items.reverse()
        before, beyond = (more, after is not None) if backwards else (after is not None, more)
        return Page(tuple(items), box.total, before, beyond)

    def _entry(self, number: int, box: Mailbox, uid: int, tx: ReadTx) -> Entry:
        row, weight = MESSAGES.measured(tx, number, box.id, uid)
        return Entry(box, uid, row, STATES.get(tx, number, box.id, uid), weight=weight)

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

    @reads
    def changes(
        self, account: AccountRef, mailbox: Id | str, since: int, *, limit: int = 1000, tx: ReadTx = OWN
    ) -> Changes:
        """What became of a mailbox after the modseq `since` (RFC 7162): changed and vanished UIDs, oldest first.

        `resync` in the answer: what vanished since then is not known any more.
        """
        number = self._number(account, tx)
        return changes_since(number, mailboxes.get(number, mailbox, tx=tx), since, limit=limit, tx=tx)

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
