"""Messages of a mailbox as a list (W2.5): flat, a scan for unread ones."""

from typing import Any

import msgspec

from mailkit.http.cursor import Cursor
from mailkit.http.declare import UNSET, UnsetType, answer, named, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read
from mailkit.http.paging import Position, number_page, position
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Paged
from mailkit.http.wildduck.message_parts import (
    AttachmentInfo,
    ContentType,
    Party,
    attachment_info,
    author,
    content_type,
    date_of,
    encrypted,
    message_id,
    parties,
    shown_address,
    stored_object,
)
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.service import Entry
from mailkit.mime.addresses import Group
from mailkit.mime.addresses import Mailbox as MimeMailbox
from mailkit.mime.header_values import header_value
from mailkit.mime.parameters import Parameterized
from mailkit.mime.parse import parse
from mailkit.principals.permits import Caller
from mailkit.types import Page

__all__ = ["MessageRow", "ShownMessage", "held_by_headers", "list_messages", "message_row"]


@request
class ListMessages(Paged):
    """Which messages, and what to show of them."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    unseen: bool = take.flag("Unread ones only")
    metaData: bool = take.flag("Show metaData")
    threadCounters: bool = take.flag("Show threadMessageCount")
    includeHeaders: str | None = take.text(1024, "Header fields to show, separated by commas", default=None)
    order: str = take.text(doc="`asc`: oldest first", default="desc")


@answer
class _Numbered:
    """What names a message in its mailbox."""

    id: int


@answer
class ShownMessage:
    """A message as lists show it, whatever it is named by."""

    mailbox: str
    thread: str
    threadMessageCount: int | UnsetType = UNSET
    from_: Party = named("from")
    to: tuple[Party, ...]
    cc: tuple[Party, ...]
    bcc: tuple[Party, ...]
    messageId: str
    subject: str
    date: str | None
    idate: str | None
    intro: str | UnsetType = UNSET
    attachments: bool
    attachmentsList: tuple[AttachmentInfo, ...]
    size: int
    seen: bool
    deleted: bool
    flagged: bool
    draft: bool
    answered: bool
    forwarded: bool
    references: tuple[str, ...]
    contentType: ContentType
    encrypted: bool | UnsetType = UNSET
    metaData: msgspec.Raw | UnsetType = UNSET
    headers: dict[str, Any] | UnsetType = UNSET


@answer
class MessageRow(ShownMessage, _Numbered):
    """A message, as lists show it."""


@answer
class Messages:
    """A page of messages by internal date."""

    total: int
    page: int
    previousCursor: str | bool
    nextCursor: str | bool
    specialUse: str | UnsetType = UNSET
    results: tuple[MessageRow, ...]


@read
def list_messages(kit: MailKit, ask: ListMessages, caller: Caller) -> Messages | OnThread[Messages]:
    """A mailbox's messages, the newest first."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
        box = kit.mailstore.mailbox(account, ask.mailbox, tx=tx)
    asked = position("getMessages", next=ask.next, previous=ask.previous, page=ask.page)
    if ask.unseen or ask.includeHeaders:  # a scan, or a look into every source
        return OnThread(lambda: _listing(kit, ask, account, box, asked), held_by_headers(ask.includeHeaders, ask.limit))
    return _listing(kit, ask, account, box, asked)


def _listing(kit: MailKit, ask: ListMessages, account: int, box: Mailbox, asked: Position) -> Messages:
    oldest_first = ask.order == "asc"
    place = asked.number_and_uid()
    if ask.unseen:
        page = _unseen(kit, account, box, place, asked.backwards, ask.limit, oldest_first)
    else:
        page = kit.mailstore.list(
            account, box.id, limit=ask.limit, after=place, backwards=asked.backwards, oldest_first=oldest_first
        )
    sizes = kit.mailstore.thread_sizes(account, (e.row.thread for e in page.items)) if ask.threadCounters else {}
    edges = [Cursor(entry.row.idate, entry.uid) for entry in page.items[:1] + page.items[-1:]]
    numbers = number_page(
        "getMessages", asked, ask.page, before=page.before, after=page.after,
        first=edges[0] if edges else None, last=edges[-1] if edges else None,
    )  # fmt: skip
    return Messages(
        total=page.total,
        page=numbers.page,
        previousCursor=numbers.previous,
        nextCursor=numbers.next,
        specialUse=box.special_use or UNSET,
        results=tuple(
            message_row(
                kit, entry, headers=ask.includeHeaders, meta=ask.metaData, siblings=sizes.get(entry.row.thread, UNSET)
            )
            for entry in page.items
        ),
    )


def _unseen(
    kit: MailKit, account: int, box: Mailbox, after: tuple[int, int] | None, backwards: bool, limit: int, oldest: bool
) -> Page[Entry]:
    """Walks the mailbox in batches until the page is full; the total is a counter's."""
    found: list[Entry] = []
    place, more = after, True
    while more and len(found) <= limit:
        page = kit.mailstore.list(account, box.id, limit=_BATCH, after=place, backwards=backwards, oldest_first=oldest)
        batch = page.items[::-1] if backwards else page.items
        found += [entry for entry in batch if not entry.state.has("\\Seen")]
        more = page.before if backwards else page.after
        if batch:
            place = batch[-1].row.idate, batch[-1].uid
        if more and found and len(batch) < _BATCH:
            break  # their rows are large: what was found is a page
    beyond = more or len(found) > limit
    found = found[:limit]
    if backwards:
        return Page(tuple(found[::-1]), box.unseen, beyond, after is not None)
    return Page(tuple(found), box.unseen, after is not None, beyond)


def message_row(
    kit: MailKit,
    entry: Entry,
    *,
    headers: str | None = None,
    meta: bool = False,
    listed: bool = True,
    siblings: int | UnsetType = UNSET,
) -> MessageRow:
    """A message as lists show it; its attachments are listed in a mailbox only (W2.5)."""
    row, state = entry.row, entry.state
    forwarded = state.has("$Forwarded")
    return MessageRow(
        id=entry.uid,
        mailbox=str(entry.mailbox.id),
        thread=str(row.thread),
        threadMessageCount=siblings,
        from_=author(row),
        to=parties(row.to),
        cc=parties(row.cc),
        bcc=parties(row.bcc),
        messageId=message_id(row),
        subject=row.subject,
        date=date_of(row.hdate),
        idate=date_of(row.idate),
        intro=row.intro or UNSET,
        attachments=row.attached,
        attachmentsList=tuple(attachment_info(item) for item in row.attachments if listed),
        size=row.size,
        seen=state.has("\\Seen"),
        deleted=state.has("\\Deleted"),
        flagged=state.has("\\Flagged"),
        draft=state.has("\\Draft"),
        answered=state.has("\\Answered") and not forwarded,
        forwarded=forwarded,
        references=row.references,
        contentType=content_type(row),
        encrypted=encrypted(row) or UNSET,
        metaData=stored_object(row.meta) if meta and row.meta is not None else UNSET,
        headers=_headers(kit, entry, headers) if headers else UNSET,
    )


_BATCH = 250
_MOST_HEADER = 256 << 10


def held_by_headers(wanted: str | None, limit: int) -> int:
    """Bytes that the header fields of a page may hold."""
    return limit * _MOST_HEADER if wanted else 0


def _headers(kit: MailKit, entry: Entry, wanted: str) -> dict[str, Any]:
    """The wanted header fields by lower-case name: a value, or a list of them where the field is repeated."""
    head = b""
    for piece in kit.mailstore.stream(entry.row):
        head += piece
        if b"\r\n\r\n" in head or len(head) > _MOST_HEADER:
            break
    headers = parse(head[:_MOST_HEADER].partition(b"\r\n\r\n")[0] + b"\r\n\r\n").headers
    found: dict[str, Any] = {}
    for name in dict.fromkeys(part.strip().lower() for part in wanted.split(",")):
        key = name.encode()
        values = [_header(key, value) for value in headers.all(key)] if name else []
        if values:
            found[name] = values[0] if len(values) == 1 else values
    return found


def _header(name: bytes, raw: bytes) -> Any:
    match header_value(name, raw):
        case str(plain):
            return plain
        case Parameterized() as parsed:
            return {"value": parsed.value, "params": dict(parsed.parameters)}
        case tuple(several) if all(isinstance(item, (MimeMailbox, Group)) for item in several):
            return [_address(item) for item in several]
        case tuple(texts):
            return " ".join(f"<{text}>" for text in texts)
        case _:
            return " ".join(raw.decode("utf-8", "replace").split())


def _address(item: Any) -> dict[str, Any]:
    if isinstance(item, Group):
        return {"name": item.name, "group": [_address(member) for member in item.members]}
    return {"name": item.name, "address": shown_address(item.address)}
