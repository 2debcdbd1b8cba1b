"""Deleted messages: listed, restored (W2.6, W3.18)."""

from mailkit.errors import NotFound
from mailkit.http.cursor import Cursor
from mailkit.http.declare import answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read, write
from mailkit.http.paging import Position, number_page, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged, Paged
from mailkit.http.wildduck.messages import ShownMessage, held_by_headers, message_row
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.archive import ArchivedMessage, dated_path
from mailkit.mailstore.reading import Entry
from mailkit.mailstore.records import Mailbox, State
from mailkit.principals.permits import Caller
from mailkit.storage.api import Tx

__all__ = ["list_archived", "restore_message", "restore_messages"]

_LIST = "getArchivedMessages"


@request
class ListArchived(Paged):
    """Whose deleted messages, and what to show of them."""

    user: Id = take.id24("The user, or `me`")
    includeHeaders: str | None = take.text(1024, "Header fields to show, separated by commas", default=None)
    order: str = take.text(doc="`asc`: in order of their ids", default="desc")


@answer
class _Named:
    id: str


@answer
class ArchivedRow(ShownMessage, _Named):
    """A deleted message; `mailbox` is where it was deleted from."""


@answer
class ArchivedMessages:
    """A page of deleted messages by id."""

    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    results: tuple[ArchivedRow, ...]


@read
def list_archived(kit: MailKit, ask: ListArchived, caller: Caller) -> ArchivedMessages | OnThread[ArchivedMessages]:
    """A user's deleted messages, as long as they can be restored."""
    asked = position(_LIST, next=ask.next, previous=ask.previous, page=ask.page)
    after = asked.id()
    try:
        with kit.store.snapshot() as tx:
            account = user_within(kit, ask.user, caller, tx=tx).number
    except NotFound:  # nobody's archive is empty (W2.6)
        return ArchivedMessages(total=0, page=1, previousCursor=False, nextCursor=False, results=())
    if ask.includeHeaders:  # a look into every source
        held = held_by_headers(ask.includeHeaders, ask.limit)
        return OnThread(lambda: _listing(kit, ask, account, asked, after), held)
    return _listing(kit, ask, account, asked, after)


def _listing(kit: MailKit, ask: ListArchived, account: int, asked: Position, after: Id | None) -> ArchivedMessages:
    page = kit.mailstore.archive.list(
        account, limit=ask.limit, after=after, backwards=asked.backwards, oldest_first=ask.order == "asc"
    )
    edges = [Cursor(None, str(item.archived.id)) for item in page.items[:1] + page.items[-1:]]
    numbers = number_page(
        _LIST, asked, ask.page, before=page.before, after=page.after,
        first=edges[0] if edges else None, last=edges[-1] if edges else None,
    )  # fmt: skip
    return ArchivedMessages(
        total=page.total,
        page=numbers.page,
        previousCursor=numbers.previous,
        nextCursor=numbers.next,
        results=tuple(_row(kit, item, ask.includeHeaders) for item in page.items),
    )


def _row(kit: MailKit, item: ArchivedMessage, headers: str | None) -> ArchivedRow:
    old = item.archived
    box = Mailbox(id=old.mailbox, path=old.path, uid_validity=0, created=0, special_use=old.special_use)
    state = State(modseq=0, flags=old.flags, keywords=old.keywords)
    shown = message_row(kit, Entry(box, old.uid, item.row, state), headers=headers)
    return ArchivedRow(**{**vars(shown), "id": str(old.id)})


@request
class RestoreMessages(Logged):
    """Whose messages, and when they were deleted."""

    user: Id = take.id24("The user, or `me`")
    start: int = take.date("Deleted then or later")
    end: int = take.date("Deleted then or earlier")


@answer
class RestoringScheduled:
    """The task that restores them."""

    task: str


_RESTORED = {"et": "Taastatud"}
"""The word in the mailbox's name; English for other languages (W6.2)."""


@write
def restore_messages(kit: MailKit, ask: RestoreMessages, caller: Caller, tx: Tx) -> RestoringScheduled:
    """Restore everything that was deleted in some time, in the background, to a mailbox named after today."""
    owner = user_within(kit, ask.user, caller, tx=tx)
    language = owner.profile.language.lower().partition("_")[0] if owner.profile else ""
    into = dated_path(_RESTORED.get(language, "Restored"), kit.clock())
    job = kit.mailstore.archive.restore_later(owner.number, max(0, ask.start), ask.end, into=into, tx=tx)
    return RestoringScheduled(task=str(job))


@request
class RestoreMessage(Logged):
    """Which message, and where to."""

    user: Id = take.id24("The user, or `me`")
    message: Id = take.id24("The message's id in the archive")
    mailbox: Id | None = take.id24("The mailbox to restore it to; by default the old one", default=None)


@answer
class RestoredMessage:
    """Where it is again."""

    mailbox: str
    id: int


@write
def restore_message(kit: MailKit, ask: RestoreMessage, caller: Caller, tx: Tx) -> RestoredMessage:
    """Restore a deleted message with its flags: to its old mailbox, or to INBOX when that is gone."""
    owner = user_within(kit, ask.user, caller, tx=tx)
    done = kit.mailstore.archive.restore(owner.number, ask.message, mailbox=ask.mailbox, tx=tx)
    return RestoredMessage(mailbox=str(done.mailbox), id=done.uid)
