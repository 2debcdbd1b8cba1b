"""What a client says of a message, turned into one that is ready to be stored (W2.5, POST message)."""

import base64
import binascii
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from mailkit.delivery.written import Referred, Written, whitelisted, write
from mailkit.encryption.keys import Keys
from mailkit.errors import Invalid, NotFound
from mailkit.ids import new_id
from mailkit.kit import MailKit
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.records import AttachedFile, Reference
from mailkit.mime.addresses import Mailbox
from mailkit.mime.compose import File
from mailkit.mime.parse import Message, parse
from mailkit.principals.records import Principal
from mailkit.settings.kernel import LIMITS_MESSAGE_SIZE
from mailkit.storage.api import ReadTx

if TYPE_CHECKING:
    from mailkit.http.wildduck.upload import Addressee, NewAttachment, UploadMessage

__all__ = ["Composed", "compose_upload", "held", "keys_for", "refuse_large"]

_MOST_FILES = 64 << 20

_HELD_PER_BYTE = 6
"""Bytes of memory per byte that is attached: the content, encoded, in a part, in the message."""


@frozen
class Composed:
    """A message that waits for its transaction, and whether it is a draft."""

    ready: Ready
    draft: bool


def compose_upload(kit: MailKit, owner: Principal, ask: "UploadMessage") -> Composed:
    """Composes; raises Invalid naming what cannot be written."""
    now = kit.clock()
    about = _referred(kit, owner, ask)
    draft = ask.draft or about is not None
    with kit.store.snapshot() as tx:
        own = frozenset(row.value for row in kit.addresses.listed(owner, tx=tx))
        sender = _sender(kit, owner, ask.from_, draft, tx)
    kept, files = _stored_files(kit, owner, ask)
    said = Written(
        from_=sender,
        reply_to=_people((ask.replyTo,) if ask.replyTo else ()),
        to=_people(ask.to),
        cc=_people(ask.cc),
        bcc=_people(ask.bcc),
        subject=ask.subject,
        text=ask.text or "",
        html=ask.html or "",
        files=(*files, *(_file(number, item) for number, item in enumerate(ask.attachments))),
        headers=tuple((item.key, item.value) for item in ask.headers),
    )
    message_id = f"{new_id(now)}@{sender.domain or kit.domain()}"
    date = now if ask.date is None else ask.date
    source = write(said, message_id=message_id, date=date, own=own, about=about)
    refuse_large(kit, source, "attachments")
    ready = kit.mailstore.prepare(source, idate=ask.date, keys=keys_for(kit, owner, ask, draft))
    fields = {**ready.fields, "files": kept}
    if about is not None and ask.reference is not None:
        fields["about"] = Reference(ask.reference.action, ask.reference.mailbox, ask.reference.id)
    return Composed(evolve(ready, fields=fields), draft)


def keys_for(kit: MailKit, owner: Principal, ask: "UploadMessage", draft: bool) -> Keys | None:
    """For whom the message is encrypted, as it looks now: the transaction that stores it decides."""
    return kit.mailstore.demand(owner.number, ask.mailbox, ("\\Draft",) if draft else ()).keys


def held(kit: MailKit, owner: Principal, ask: "UploadMessage", tx: ReadTx) -> int:
    """Bytes of memory that it takes to read what is stored already and goes into the message, by estimate."""
    size = 0
    with suppress(NotFound):
        if ask.reference is not None:
            size += kit.mailstore.get(owner.number, ask.reference.mailbox, ask.reference.id, tx=tx).row.size
    for id in dict.fromkeys(ask.files):
        with suppress(NotFound):
            size += kit.files.get(owner.number, id, tx=tx).size
    return _HELD_PER_BYTE * size


def refuse_large(kit: MailKit, source: bytes, field: str) -> None:
    """Raises Invalid naming `field` when a message is larger than any may be."""
    most = kit.settings.get(LIMITS_MESSAGE_SIZE)
    if len(source) > most:
        raise Invalid.field(field, f'"{field}" makes the message larger than {most} bytes', kind="max")


def _sender(kit: MailKit, owner: Principal, given: "Addressee | None", draft: bool, tx: ReadTx) -> Mailbox:
    """From: what was given, in a draft only if it is the owner's to use; else the name and the main address."""
    if given is not None:
        found = kit.addresses.resolve(given.address, tx=tx) if draft else None
        allowed = owner.profile.from_whitelist if owner.profile else ()
        if not draft or whitelisted(given.address, allowed) or (found is not None and found[1].number == owner.number):
            return Mailbox(given.name, given.address)
    main = kit.addresses.main_of(owner, tx=tx)
    return Mailbox((given.name if given else "") or owner.display or "", "" if main is None else main.value)


def _referred(kit: MailKit, owner: Principal, ask: "UploadMessage") -> Referred | None:
    """The message that is answered or passed on; one that is not there is passed over."""
    if ask.reference is None:
        return None
    try:
        entry = kit.mailstore.get(owner.number, ask.reference.mailbox, ask.reference.id)
    except NotFound:
        return None
    message: Message = parse(b"".join(kit.mailstore.stream(entry.row)))
    return Referred(message, ask.reference.action, ask.reference.attachments)


def _stored_files(
    kit: MailKit, owner: Principal, ask: "UploadMessage"
) -> tuple[tuple[AttachedFile, ...], tuple[File, ...]]:
    """The named ones of the stored files; unknown ids are passed over."""
    rows = []
    for id in dict.fromkeys(ask.files):
        try:
            rows.append(kit.files.get(owner.number, id))
        except NotFound:
            continue
    if sum(row.size for row in rows) > _MOST_FILES:
        raise Invalid.field("files", '"files" are too large for one message', kind="max")
    kept = tuple(AttachedFile(row.id, row.filename, row.content_type, row.size, row.cid) for row in rows)
    files = tuple(File(kit.files.content(row), row.filename, row.content_type, row.cid or "") for row in rows)
    return kept, files


def _people(given: "tuple[Addressee, ...]") -> tuple[Mailbox, ...]:
    return tuple(Mailbox(who.name, who.address) for who in given)


def _file(number: int, item: "NewAttachment") -> File:
    where = f"attachments.{number}.content"
    try:
        if item.encoding == "base64":
            content = base64.b64decode("".join(item.content.split()), validate=True)
        elif item.encoding == "hex":
            content = bytes.fromhex(item.content)
        else:
            content = item.content.encode()
    except (binascii.Error, ValueError):
        raise Invalid.field(where, f'"{where}" is not {item.encoding}', kind="encoding") from None
    return File(
        content=content,
        filename=item.filename or "",
        content_type=item.contentType or "application/octet-stream",
        content_id=item.cid or "",
        disposition=item.contentDisposition or "",
        encoding=item.contentTransferEncoding or "base64",
    )
