"""Search in a user's messages, and search-and-update (W2.5, W3.8)."""

from collections.abc import Callable
from typing import Any

from mailkit.http.cursor import Cursor
from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.later import OnThread
from mailkit.http.operation import prepared, read
from mailkit.http.paging import Position, number_page, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.messages import MessageRow, held_by_headers, message_row
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.principals.permits import Caller
from mailkit.search.api import Order
from mailkit.search.apply import APPLY, apply_args
from mailkit.search.query import Query
from mailkit.search.simple import Simple, simple_query
from mailkit.storage.api import Tx

__all__ = ["search_apply", "search_messages"]


@request
class Either:
    """Conditions of which one is enough; `query` counts only without the one outside."""

    query: str | None = take.text(255, "Full text", default=None)
    from_: str | None = take.text(255, "Part of the From field", default=None, name="from")
    to: str | None = take.text(255, "Part of the To or Cc field", default=None)
    subject: str | None = take.text(255, "Part of the subject", default=None)


@request
class _Asked(Logged):
    """What is searched for. With `q` all else but paging and order is ignored."""

    user: Id = take.id24("The user, or `me`")
    q: str | None = take.text(1024, "A query in the search language", default=None)
    mailbox: Id | None = take.id24("In this mailbox only", default=None)
    id: str | None = take.text(1 << 16, "An id, a list (1,5,9) or a range (3:10, 3:*)", default=None)
    thread: Id | None = take.id24("In this thread only", default=None)
    or_: Either | None = take.nested(Either, "At least one of these holds", default=None)
    query: str | None = take.text(255, "Full text: any of the words, all quoted phrases, no `-word`", default=None)
    datestart: int | None = take.date("Received then or later", default=None)
    dateend: int | None = take.date("Received then or earlier", default=None)
    from_: str | None = take.text(255, "Part of the From field", default=None, name="from")
    to: str | None = take.text(255, "Part of the To or Cc field", default=None)
    subject: str | None = take.text(255, "Part of the subject", default=None)
    minSize: int | None = take.number("Bytes at least", default=None)
    maxSize: int | None = take.number("Bytes at most", default=None)
    attachments: bool = take.flag("With attachments only")
    flagged: bool = take.flag("Flagged ones only")
    unseen: bool = take.flag("Unread ones only")
    searchable: bool = take.flag("Not in Junk or Trash")


def _simple(ask: _Asked) -> Simple:
    one = ask.or_ or Either()
    either = {"query": one.query, "from": one.from_, "to": one.to, "subject": one.subject}
    return Simple(
        mailbox=ask.mailbox,
        id=ask.id or "",
        thread=ask.thread,
        query=ask.query or "",
        datestart=ask.datestart,
        dateend=ask.dateend,
        from_=ask.from_ or "",
        to=ask.to or "",
        subject=ask.subject or "",
        minSize=ask.minSize,
        maxSize=ask.maxSize,
        attachments=ask.attachments,
        flagged=ask.flagged,
        unseen=ask.unseen,
        searchable=ask.searchable,
        either={name: text for name, text in either.items() if text},
    )


def _query(kit: MailKit, ask: _Asked, account: int) -> Query:
    if ask.q is not None:
        return kit.search.parse(account, ask.q)
    return simple_query(_simple(ask), kit.mailstore.mailboxes(account))


@request
class SearchMessages(_Asked):
    """What is searched for, and which page of it."""

    limit: int = take.number("Most rows on a page", least=1, most=250, default=20)
    next: str | None = take.cursor("Show what follows this cursor, an answer's `nextCursor`")
    previous: str | None = take.cursor("Show what precedes this cursor; needs `page` of 2 or more")
    page: int = take.number("The page's number, only echoed", default=1)
    threadCounters: bool = take.flag("Show threadMessageCount")
    order: str | None = take.text(doc="`asc` or `desc` by internal date; else the latest arrival first", default=None)
    includeHeaders: str | None = take.text(1024, "Header fields to show, separated by commas", default=None)


@answer
class SearchResults:
    """A page of what was found."""

    query: str | UnsetType = UNSET
    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    results: tuple[MessageRow, ...]


@read
def search_messages(kit: MailKit, ask: SearchMessages, caller: Caller) -> OnThread[SearchResults]:
    """Search in a user's messages."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    asked = position("searchMessages", next=ask.next, previous=ask.previous, page=ask.page)
    return OnThread(lambda: _results(kit, ask, account, asked), held_by_headers(ask.includeHeaders, ask.limit))


_ORDERS: dict[str | None, Order] = {"asc": "oldest", "desc": "newest"}


def _results(kit: MailKit, ask: SearchMessages, account: int, asked: Position) -> SearchResults:
    page = kit.search.find(
        account,
        _query(kit, ask, account),
        order=_ORDERS.get(ask.order, "arrival"),
        limit=ask.limit,
        after=asked.number_and_uid(),
        backwards=asked.backwards,
    )
    edges = [Cursor(*result.at) for result in page.items[:1] + page.items[-1:]]
    numbers = number_page(
        "searchMessages", asked, ask.page, before=page.before, after=page.after,
        first=edges[0] if edges else None, last=edges[-1] if edges else None,
    )  # fmt: skip
    sizes = kit.mailstore.thread_sizes(account, (one.row.thread for one in page.items)) if ask.threadCounters else {}
    return SearchResults(
        query=ask.q or ask.query or UNSET,
        total=page.total,
        page=numbers.page,
        previousCursor=numbers.previous,
        nextCursor=numbers.next,
        results=tuple(
            message_row(kit, one, headers=ask.includeHeaders, listed=False, siblings=sizes.get(one.row.thread, UNSET))
            for one in page.items
        ),
    )


@request
class Action:
    """What becomes of every message that is found."""

    moveTo: Id | None = take.id24("The mailbox to move them to", default=None)
    seen: bool | None = take.flag("Read", default=None)
    flagged: bool | None = take.flag("Flagged", default=None)


@request
class SearchApply(_Asked):
    """What is searched for, and what is to become of it."""

    action: Action = take.nested(Action, "What to do")


@answer
class ApplyScheduled:
    """The job that does it; there is always a new one."""

    existing: bool
    scheduled: str


@prepared
def search_apply(kit: MailKit, ask: SearchApply, caller: Caller) -> Callable[[Tx], ApplyScheduled]:
    """Flag or move all messages that a search finds, in the background."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    _query(kit, ask, account)  # what is wrong with it is told now
    action = ask.action
    wanted: dict[str, Any] = {"move_to": action.moveTo, "seen": action.seen, "flagged": action.flagged}
    args = apply_args(account, _simple(ask) if ask.q is None else ask.q, **wanted)

    def schedule(tx: Tx) -> ApplyScheduled:
        job = kit.jobs.schedule(tx, APPLY, args, due=kit.clock())
        return ApplyScheduled(existing=False, scheduled=str(job))

    return schedule
