"""One message, shown (W2.5)."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from mailkit.http.declare import UNSET, UnsetType, answer, named, request
from mailkit.http.later import OnThread
from mailkit.http.operation import read
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
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
    stored_object,
)
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.flags import Change
from mailkit.mailstore.selection import Selection
from mailkit.mailstore.service import Entry
from mailkit.mime.list_headers import ListHeaders
from mailkit.mime.parse import parse
from mailkit.mime.sanitize import sanitize_html
from mailkit.principals.permits import Caller

__all__ = ["get_message"]

_MOST_TEXT = 102_400
"""Characters of text that are shown (W6.3); all of it is in the source."""

_MOST_HTML = 655_360
"""Bytes of HTML that are shown (W6.3)."""

_HELD_PER_BYTE = 8
"""Bytes of memory per byte of message while it is read: its source, what is decoded of it, text and HTML of that."""


@request
class GetMessage(Logged):
    """Which message."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    message: int = take.number("The message's id in its mailbox", least=1)
    replaceCidLinks: bool = take.flag("Make links to attachments links of this API")
    markAsSeen: bool = take.flag("The message is read now")


@answer
class Recipient:
    """An envelope's recipient: as it was given, and without label and dots."""

    value: str
    formatted: str


@answer
class Envelope:
    """The SMTP envelope."""

    from_: str = named("from")
    rcpt: tuple[Recipient, ...]


@answer
class ListInfo:
    """What a mailing list says of itself."""

    id: Party | UnsetType = UNSET
    unsubscribe: tuple[Party, ...] | UnsetType = UNSET


@answer
class AttachedFileInfo:
    """A stored file that was attached when the message was written."""

    id: str
    filename: str
    contentType: str
    size: int
    cid: str | UnsetType = UNSET


@answer
class ReferenceInfo:
    """The message that this one is about."""

    action: str
    mailbox: str
    id: int


@answer
class MessageDetails:
    """One message."""

    id: int
    mailbox: str
    user: str
    thread: str
    envelope: Envelope
    from_: Party = named("from")
    replyTo: tuple[Party, ...] | UnsetType = UNSET
    to: tuple[Party, ...] | UnsetType = UNSET
    cc: tuple[Party, ...] | UnsetType = UNSET
    bcc: tuple[Party, ...] | UnsetType = UNSET
    subject: str
    messageId: str
    date: str | None
    idate: str | None
    list: ListInfo | UnsetType = UNSET
    size: int
    seen: bool
    deleted: bool
    flagged: bool
    draft: bool
    answered: bool
    forwarded: bool
    html: tuple[str, ...] | UnsetType = UNSET
    text: str
    attachments: tuple[AttachmentInfo, ...]
    contentType: ContentType
    encrypted: bool | UnsetType = UNSET
    references: tuple[str, ...]
    metaData: msgspec.Raw
    expires: str | UnsetType = UNSET
    files: tuple[AttachedFileInfo, ...] | UnsetType = UNSET
    reference: ReferenceInfo | UnsetType = UNSET


@read
def get_message(kit: MailKit, ask: GetMessage, caller: Caller) -> OnThread[MessageDetails]:
    """One message with its text and attachments."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
        entry = kit.mailstore.get(account, ask.mailbox, ask.message, tx=tx)
    return OnThread(lambda: _details(kit, ask, account, entry), weight=_HELD_PER_BYTE * entry.row.size)


def _details(kit: MailKit, ask: GetMessage, account: int, entry: Entry) -> MessageDetails:
    if ask.markAsSeen and not entry.state.has("\\Seen"):
        kit.mailstore.update(account, ask.mailbox, Selection.of([entry.uid]), Change(add=["\\Seen"]))
        entry = kit.mailstore.get(account, ask.mailbox, ask.message)
    row, state = entry.row, entry.state
    parsed = parse(b"".join(kit.mailstore.stream(row)))
    listed = parsed.list_headers
    # Stored raw, made safe whenever it is read: the reference leaves that to its clients.
    html = tuple(map(sanitize_html, _first(parsed.html, _MOST_HTML)))
    plain = parsed.text[:_MOST_TEXT]
    if ask.replaceCidLinks:
        base = f"/users/{ask.user}/mailboxes/{ask.mailbox}/messages/{ask.message}/attachments/"
        html, plain = tuple(_link(part, base) for part in html), _link(plain, base)
    forwarded = state.has("$Forwarded")
    return MessageDetails(
        id=entry.uid,
        mailbox=str(entry.mailbox.id),
        user=str(ask.user),
        thread=str(row.thread),
        envelope=Envelope(
            from_=row.mail_from,
            rcpt=tuple(Recipient(value=text, formatted=_formatted(text)) for text in row.rcpt_to),
        ),
        from_=author(row),
        replyTo=parties(row.reply_to) or UNSET,
        to=parties(row.to) or UNSET,
        cc=parties(row.cc) or UNSET,
        bcc=parties(row.bcc) or UNSET,
        subject=row.subject,
        messageId=message_id(row),
        date=date_of(row.hdate),
        idate=date_of(row.idate),
        list=UNSET if listed is None else _list(listed),
        size=row.size,
        seen=state.has("\\Seen"),
        deleted=state.has("\\Deleted"),
        flagged=state.has("\\Flagged"),
        draft=state.has("\\Draft"),
        answered=state.has("\\Answered") and not forwarded,
        forwarded=forwarded,
        html=html or UNSET,
        text=plain,
        attachments=tuple(attachment_info(item) for item in row.attachments),
        contentType=content_type(row),
        encrypted=encrypted(row) or UNSET,
        references=row.references,
        metaData=stored_object(row.meta),
        expires=date_of(state.expires) or UNSET,
        files=tuple(
            AttachedFileInfo(
                id=str(file.id),
                filename=file.filename,
                contentType=file.content_type,
                size=file.size,
                cid=file.cid or UNSET,
            )
            for file in row.files
        )
        or UNSET,
        reference=UNSET
        if row.about is None
        else ReferenceInfo(action=row.about.action, mailbox=str(row.about.mailbox), id=row.about.uid),
    )


def _list(said: ListHeaders) -> ListInfo | UnsetType:
    if not said.id and not said.unsubscribe:
        return UNSET
    return ListInfo(
        id=Party(name=said.name, address=said.id) if said.id else UNSET,
        unsubscribe=tuple(Party(name="", address=url) for url in said.unsubscribe) or UNSET,
    )


def _first(pieces: Iterable[str], most: int) -> Iterator[str]:
    """The beginning of all pieces together, of at most so many bytes. It may end within a tag."""
    for piece in pieces:
        data = piece[:most].encode("utf-8", "replace")[:most]
        if not data:
            return
        most -= len(data)
        yield data.decode("utf-8", "ignore")


def _link(source: str, base: str) -> str:
    # Both forms of the link: with and without the message's id before the attachment's (quirk 27).
    return re.sub(r"attachment:(?:[0-9a-f]{24}/)?(ATT\d{5})", lambda found: base + found[1], source)


def _formatted(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0].replace('.', '').lower()}{at}{domain.lower()}"
