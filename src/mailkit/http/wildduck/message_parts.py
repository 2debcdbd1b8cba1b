"""The parts of a message's JSON that lists and single messages share (W2.5, W3.6)."""

from collections.abc import Iterable

import msgspec

from mailkit.http.declare import UNSET, UnsetType, answer
from mailkit.http.wildduck.times import iso
from mailkit.mailstore.records import Attachment, Correspondent, Message
from mailkit.principals.normalise import normal_domain

__all__ = [
    "AttachmentInfo",
    "ContentType",
    "Party",
    "attachment_info",
    "author",
    "content_type",
    "date_of",
    "encrypted",
    "message_id",
    "parties",
    "shown_address",
    "stored_object",
]


@answer
class Party:
    """An address with its name, or a named group of them (RFC 5322 3.4)."""

    name: str
    address: str | UnsetType = UNSET
    group: "tuple[Party, ...] | UnsetType" = UNSET


@answer
class ContentType:
    """A parsed Content-Type field."""

    value: str
    params: dict[str, str] | UnsetType = UNSET


@answer
class AttachmentInfo:
    """An attachment; `size` counts encoded bytes, `sizeKb` estimates the decoded ones. `hash` names the blob that holds
    it; small ones lie in the message itself."""

    id: str
    hash: str | UnsetType = UNSET
    filename: str
    contentType: str
    disposition: str | bool
    transferEncoding: str
    cid: str | None
    related: bool
    sizeKb: int
    size: int


NO_DATA = msgspec.Raw(b"{}")


def parties(found: Iterable[Correspondent]) -> tuple[Party, ...]:
    """A header's addresses."""
    return tuple(
        Party(name=who.name, address=shown_address(who.address))
        if who.members is None
        else Party(name=who.name, group=parties(who.members))
        for who in found
    )


_LONGEST_DOMAIN = 255


def shown_address(address: str) -> str:
    """An address as people read it: A-labels in its domain are shown as what they stand for (W2.5)."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain.lower() or len(domain) > _LONGEST_DOMAIN:
        return address
    return f"{local}{at}{normal_domain(domain)}"


def author(row: Message) -> Party:
    """From, else Sender, else the envelope's sender: one address."""
    return parties(row.from_[:1])[0] if row.from_ else Party(name="", address=row.mail_from)


def content_type(row: Message) -> ContentType:
    """The message's own."""
    return ContentType(value=row.content_type, params=row.content_params or UNSET)


def message_id(row: Message) -> str:
    """The Message-ID with its angle brackets, or one made for a message that has none (W3.6)."""
    return f"<{row.message_id or f'{row.id}@mailkit.invalid'}>"


def encrypted(row: Message) -> bool:
    """True for PGP/MIME and S/MIME envelopes in multipart/encrypted (RFC 1847)."""
    return row.content_type == "multipart/encrypted"


def attachment_info(item: Attachment) -> AttachmentInfo:
    """One attachment."""
    decoded = item.size * 3 // 4 if item.encoding.lower() == "base64" else item.size
    return AttachmentInfo(
        id=item.id,
        hash=UNSET if item.digest is None else item.digest.hex(),
        filename=item.filename,
        contentType=item.content_type,
        disposition=item.disposition or False,
        transferEncoding=item.encoding,
        cid=item.cid,
        related=item.related,
        sizeKb=-(-decoded // 1024),
        size=item.size,
    )


def date_of(ms: int) -> str | None:
    """A time, or null when there is none."""
    return iso(ms) if ms else None


def stored_object(text: str | None) -> msgspec.Raw:
    """An object that is kept as JSON text."""
    return msgspec.Raw(text.encode()) if text else NO_DATA
