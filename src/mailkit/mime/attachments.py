"""The attachments of a message, with ids that stay the same as long as the message does.

The ids are WildDuck's: `ATT00001` for the first leaf that is not shown inline, then on in tree order, through
message/rfc822 parts too. A text part larger than `LARGE_TEXT` takes a number but is not listed.
"""

import zlib

from attrs import frozen

from mailkit.mime.file_extensions import extension_for
from mailkit.mime.part_text import disposition_of, filename_of
from mailkit.mime.scan import Part, Scan

__all__ = ["LARGE_TEXT", "Attachment", "attachments_of", "is_inline_text"]

LARGE_TEXT = 300 * 1024

_INLINE = (b"text/plain", b"text/html", b"text/rfc822-headers", b"message/delivery-status")


@frozen
class Attachment:
    """One attachment. `part` indexes `Scan.parts`; sizes are bytes."""

    id: str
    part: int
    filename: str  #: as the sender named it, without folders; empty if unnamed
    content_type: str
    disposition: str  #: "attachment", "inline", or empty if the part has none
    encoding: str
    content_id: str  #: with its angle brackets; empty if there is none
    related: bool  #: below a multipart/related: an image of the HTML, not a file of its own
    size: int  #: as encoded in the source
    decoded_size: int  #: estimated from the encoding
    body_start: int  #: offsets into the source
    body_end: int

    @property
    def shown_name(self) -> str:
        """The file name, or one made from the content: eight hex digits and the type's extension."""
        if self.filename:
            return self.filename
        seed = f"{self.id} {self.content_type} {self.size} {self.body_start}".encode()
        return f"{zlib.crc32(seed):08x}{extension_for(self.content_type)}"


def is_inline_text(part: Part) -> bool:
    """Whether a leaf is text to be shown with the message. So is a multipart in which no part was found."""
    if part.content_type.startswith(b"multipart/"):
        return True
    return part.content_type in _INLINE and disposition_of(part).value in ("", "inline")


def attachments_of(scan: Scan) -> tuple[Attachment, ...]:
    """All attachments, in tree order."""
    found: list[Attachment] = []
    number = 0
    below: list[bool] = []  # per part: whether a multipart/related is above it
    for part in scan.parts:
        parent = scan.parts[part.parent] if part.parent >= 0 else None
        related = parent is not None and (below[parent.index] or parent.content_type == b"multipart/related")
        below.append(related)
        if part.children:
            continue
        size = part.body_end - part.body_start
        inline = is_inline_text(part)
        if inline and size <= LARGE_TEXT:
            continue
        number += 1
        if not inline:
            found.append(_attachment(part, f"ATT{number:05d}", related, size))
    return tuple(found)


def _attachment(part: Part, identifier: str, related: bool, size: int) -> Attachment:
    content_id = (part.headers.get(b"content-id") or b"").decode("utf-8", "replace").strip()
    if content_id and not content_id.startswith("<"):
        content_id = f"<{content_id}>"
    return Attachment(
        id=identifier,
        part=part.index,
        filename=filename_of(part),
        content_type=part.content_type.decode("utf-8", "replace"),
        disposition=disposition_of(part).value,
        encoding=part.encoding.decode("latin-1") or "7bit",
        content_id=content_id,
        related=related,
        size=size,
        # Four digits carry three bytes; 78 bytes of a line carry 76 digits (RFC 2045 6.8).
        decoded_size=size * 76 * 3 // (78 * 4) if part.encoding == b"base64" else size,
        body_start=part.body_start,
        body_end=part.body_end,
    )
