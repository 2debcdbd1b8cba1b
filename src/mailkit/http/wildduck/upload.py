"""Messages uploaded to a mailbox: as they are, or made of what is said about them (W2.5, POST message)."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from mailkit.accounts.limits import UPLOAD
from mailkit.errors import Denied, Invalid, NotFound
from mailkit.http.declare import UNSET, Rule, Schema, UnsetType, answer, request, takes
from mailkit.http.later import OnThread
from mailkit.http.operation import prepared
from mailkit.http.structure import ListOf
from mailkit.http.wildduck import composing
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.composing import refuse_large
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.rules import HexId, Text
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.selection import Selection
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal
from mailkit.storage.api import ReadTx, Tx

__all__ = ["upload_message"]

_LARGEST = 64 << 20

_HELD_PER_BYTE = 5
"""Bytes of memory per byte of a source that is encrypted: itself, what goes inside, ciphertext, a message of that."""


@request
class Addressee:
    """An address for a header."""

    name: str = take.text(255, "The person", default="")
    address: str = take.email("The address")


@request
class HeaderField:
    """A header field of the client's own."""

    key: str = take.field_name("Name")
    value: str = take.text(102_400, "Value")


@request
class NewAttachment:
    """A file to attach."""

    filename: str | None = take.file_name("File name", default=None)
    contentType: str | None = take.media_type("Media type", default=None)
    encoding: str = take.text(255, "How `content` is encoded", default="base64")
    contentTransferEncoding: str | None = take.text(255, "How the part is to be encoded", default=None)
    contentDisposition: str | None = take.any_of("inline attachment", "Where it is shown", default=None)
    content: str = take.text(doc="The content", empty="kept")
    cid: str | None = take.content_id("Content-ID for links in the HTML", default=None)


class _AllOrSome(Rule):
    """True or false, or a list of attachment ids."""

    _ids = ListOf(Text(most=255), single=True)

    def read(self, value: object) -> Any:
        return value if isinstance(value, bool) else self._ids.read(value)

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "boolean"}, self._ids.schema()]}


@request
class Reference:
    """The message that this one answers or forwards."""

    mailbox: Id = take.id24("Its mailbox")
    id: int = take.number("Its id there", least=1)
    action: str = take.any_of("reply replyAll forward", "What this message does with it")
    attachments: bool | tuple[str, ...] = takes(
        _AllOrSome(), default=False, doc="Which of its attachments to copy: all, or those with these ids"
    )


@request
class Bimi:
    """A brand's logo to show."""

    domain: str = take.text(255, "The brand's domain")
    selector: str | None = take.text(255, "The record's selector", default=None)


@request
class Replaced:
    """The message that this one replaces."""

    mailbox: Id | None = take.id24("Its mailbox, by default the same", default=None)
    id: int = take.number("Its id there", least=1)


@request
class UploadMessage(Logged):
    """A message: its source, or what it is to be made of."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    date: int | None = take.date("Internal date, by default now", default=None)
    unseen: bool = take.flag("The message is unread")
    flagged: bool = take.flag("The message is flagged")
    draft: bool = take.flag("The message is a draft")
    raw: bytes | None = take.raw_body("The source; wins over everything below", most=_LARGEST)
    from_: Addressee | None = take.nested(Addressee, "Author", default=None)
    replyTo: Addressee | None = take.nested(Addressee, "Where answers go", default=None)
    to: tuple[Addressee, ...] = take.each(Addressee, "Recipients", drop_refused=True)
    cc: tuple[Addressee, ...] = take.each(Addressee, "Recipients of copies")
    bcc: tuple[Addressee, ...] = take.each(Addressee, "Recipients of hidden copies")
    headers: tuple[HeaderField, ...] = take.each(HeaderField, "Further header fields")
    subject: str | None = take.text(2048, "Subject", default=None)
    text: str | None = take.text(1 << 20, "Plain text", default=None)
    html: str | None = take.text(1 << 20, "HTML", default=None)
    files: tuple[Id, ...] = take.items(HexId(), "Stored files to attach")
    attachments: tuple[NewAttachment, ...] = take.each(NewAttachment, "Files to attach")
    metaData: str | None = take.meta("Anything of the client's own")
    reference: Reference | None = take.nested(Reference, "The message this is about", default=None)
    replacePrevious: Replaced | None = take.nested(Replaced, "The message to remove", default=None)
    bimi: Bimi | None = take.nested(Bimi, "A logo to show; none is looked up yet", default=None)


@answer
class StoredMessage:
    """Where a message went."""

    id: int
    mailbox: str
    size: int


@answer
class Uploaded:
    """What was stored, and what became of the message that it replaces."""

    message: StoredMessage
    previousDeleted: bool | UnsetType = UNSET
    previousDeleteError: str | UnsetType = UNSET


@prepared
def upload_message(
    kit: MailKit, ask: UploadMessage, caller: Caller
) -> Callable[[Tx], Uploaded] | OnThread[Callable[[Tx], Uploaded]]:
    """Store a message in a mailbox: its source unchanged, or one made of its parts."""
    with kit.store.snapshot() as tx:
        owner = _owner(kit, ask, caller, tx)  # before the work, and again in the transaction
        demand = kit.mailstore.demand(owner.number, ask.mailbox, tx=tx)
        weight = composing.held(kit, owner, ask, tx) if ask.raw is None else 0
        if ask.raw is not None and demand.keys is not None:
            weight = _HELD_PER_BYTE * len(ask.raw)
    if not weight:
        return _prepare(kit, ask, caller, owner)
    return OnThread(lambda: _prepare(kit, ask, caller, owner), weight)


def _prepare(kit: MailKit, ask: UploadMessage, caller: Caller, owner: Principal) -> Callable[[Tx], Uploaded]:
    draft = ask.draft
    if ask.raw is not None:
        source = _source(ask.raw)
        if not source:
            raise Invalid("message.empty", "The message is empty")
        refuse_large(kit, source, "raw")
        keys = composing.keys_for(kit, owner, ask, draft)
        ready = kit.mailstore.prepare(source, idate=ask.date, keys=keys)
    else:
        composed = composing.compose_upload(kit, owner, ask)
        ready, draft = composed.ready, composed.draft
    chosen = {"\\Seen": not ask.unseen, "\\Flagged": ask.flagged, "\\Draft": draft}
    flags = [name for name, on in chosen.items() if on]

    def store(tx: Tx) -> Uploaded:
        row = _owner(kit, ask, caller, tx)
        kit.account_limits.take(row, UPLOAD, ready.size, tx=tx)
        stored = kit.mailstore.append(owner.number, ready, mailbox=ask.mailbox, flags=flags, meta=ask.metaData, tx=tx)
        message = StoredMessage(id=stored.uid, mailbox=str(stored.mailbox), size=stored.size)
        if ask.replacePrevious is None:
            return Uploaded(message=message)
        previous = ask.replacePrevious
        old = previous.mailbox or ask.mailbox
        if (old, previous.id) == (ask.mailbox, stored.uid):  # a guess: there was no such message
            return Uploaded(message=message, previousDeleted=False)
        try:
            removed = kit.mailstore.remove(owner.number, old, Selection.of([previous.id]), cause="replaced", tx=tx)
        except NotFound as error:
            return Uploaded(message=message, previousDeleteError=error.message)
        return Uploaded(message=message, previousDeleted=bool(removed))

    return store


def _owner(kit: MailKit, ask: UploadMessage, caller: Caller, tx: ReadTx) -> Principal:
    """Whose mailbox it is; Denied `user.disabled` while the account is switched off."""
    owner = user_within(kit, ask.user, caller, tx=tx)
    if owner.suspended or not owner.active:
        raise Denied("user.disabled", "This user is disabled")
    return owner


def _source(raw: bytes) -> bytes:
    """The source itself, or what it is as base64. No source can be taken for base64: a header has a colon in it."""
    if b":" in raw[:1000]:
        return raw
    try:
        return base64.b64decode(raw.translate(None, b" \t\r\n\v\f"), validate=True)
    except binascii.Error:
        return raw
