"""The second stage: what a message says. Everything is computed on demand from the scan, and once.

`parse(raw)` never raises, and none of the attributes does. The rules for `text`, `html`, `preview` and `attachments`
are those of the WildDuck API, which shows them as they are; `bodies` gives RFC 8621's view of the same parts.
"""

from collections import Counter
from datetime import datetime
from functools import cached_property

from attrs import frozen

from mailkit.mime.addresses import Address
from mailkit.mime.attachments import Attachment, attachments_of, is_inline_text
from mailkit.mime.bodies import BodyParts, body_parts
from mailkit.mime.content_ids import link_attachments
from mailkit.mime.dates import parse_date
from mailkit.mime.defects import Defect, Kind
from mailkit.mime.encoded_words import decode_header
from mailkit.mime.envelope import Envelope, parse_envelope
from mailkit.mime.header_index import HeaderIndex
from mailkit.mime.html_text import html_to_text, text_to_html
from mailkit.mime.list_headers import ListHeaders, parse_list_headers
from mailkit.mime.part_text import PartText, text_of
from mailkit.mime.preview import preview
from mailkit.mime.received import Received, parse_received
from mailkit.mime.scan import Part, Scan, scan
from mailkit.mime.threads import normalize_subject, reference_tokens
from mailkit.mime.transfer import decode_transfer
from mailkit.mime.uuencode import UuFile, find_uuencoded

__all__ = ["HTML_TEXT_LIMIT", "Message", "parse"]

#: Characters of HTML beyond which no text is made of it.
HTML_TEXT_LIMIT = 2 * 1024 * 1024

# Fields that RFC 5322 3.6 allows once at most.
_ONCE = (b"date", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"message-id", b"in-reply-to", b"references",
         b"subject", b"content-type", b"content-transfer-encoding", b"mime-version")  # fmt: skip
# Received fields that are read; no way is longer.
_HOPS = 200


@frozen
class _Shown:
    """A text or HTML part that is shown, with its decoded text."""

    part: Part
    content: PartText
    alternative: bool  # below a multipart/alternative: another part says the same in the other form


@frozen(eq=False, slots=False)
class Message:
    """A parsed message."""

    scan: Scan

    @property
    def raw(self) -> bytes:
        """The source."""
        return self.scan.raw

    @property
    def headers(self) -> HeaderIndex:
        """The header fields as bytes."""
        return self.scan.headers

    def header(self, name: str) -> str:
        """The decoded text of the first field of this name, any case; empty if there is none."""
        value = self.headers.get(name.lower().encode("utf-8"))
        return decode_header(value) if value else ""

    @cached_property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """(name as written, decoded text) of every field, in order."""
        return tuple(
            (self.raw[f.start : f.start + len(f.name)].decode("utf-8", "replace"), decode_header(f.raw_value))
            for f in self.headers
        )

    @cached_property
    def envelope(self) -> Envelope:
        """Who, when and what about."""
        return parse_envelope(self.headers)

    @property
    def subject(self) -> str:
        """Decoded, white space folded, prefixes kept."""
        return self.envelope.subject

    @property
    def date(self) -> datetime | None:
        """The Date field; None if it names no point in time."""
        return self.envelope.date

    @property
    def message_id(self) -> str:
        """Without angle brackets; empty if there is none."""
        return self.envelope.message_id

    @property
    def from_(self) -> tuple[Address, ...]:
        """The authors."""
        return self.envelope.from_

    @cached_property
    def received(self) -> tuple[Received, ...]:
        """The way the message came, last hop first."""
        return tuple(parse_received(decode_header(value)) for value in self.headers.all(b"received")[:_HOPS])

    @cached_property
    def list_headers(self) -> ListHeaders | None:
        """What a mailing list says of itself."""
        return parse_list_headers(self.headers)

    @cached_property
    def thread_tokens(self) -> tuple[str, ...]:
        """Identifiers that tie the message to its thread."""
        return reference_tokens(self.headers)

    @property
    def thread_subject(self) -> str:
        """The normalised subject."""
        return normalize_subject(self.subject)

    @cached_property
    def bodies(self) -> BodyParts:
        """Text body, HTML body and attachments as RFC 8621 has them."""
        return body_parts(self.scan.root)

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """The attachments with their ids."""
        return attachments_of(self.scan)

    @property
    def has_attachments(self) -> bool:
        """Whether there is an attachment that is no image of the HTML."""
        return any(not attachment.related for attachment in self.attachments)

    def attachment_bytes(self, attachment: Attachment) -> bytes:
        """The decoded content of an attachment."""
        return self.scan.parts[attachment.part].decoded()

    @cached_property
    def _shown(self) -> tuple[_Shown, ...]:
        found: list[_Shown] = []
        alternative: list[bool] = []
        for part in self.scan.parts:
            parent = self.scan.parts[part.parent] if part.parent >= 0 else None
            # A message/rfc822 between is another message: an alternative outside says nothing about its parts.
            inside = parent is not None and (
                parent.content_type == b"multipart/alternative"
                or (alternative[parent.index] and not parent.content_type.startswith(b"message/"))
            )
            alternative.append(inside)
            if not part.children and is_inline_text(part):
                found.append(_Shown(part, text_of(part), inside))
        return tuple(found)

    @cached_property
    def _renderings(self) -> dict[int, str]:
        """Part index -> what a reader sees of the part, as text. HTML beyond the limit has none."""
        return {
            shown.part.index: shown.content.text
            if shown.part.content_type != b"text/html"
            else html_to_text(shown.content.text)
            for shown in self._shown
            if shown.part.content_type != b"text/html" or len(shown.content.text) <= HTML_TEXT_LIMIT
        }

    def _join(self, kind: bytes) -> str:
        """The renderings of the parts of this type, and of the others that have no alternative."""
        pieces = (
            self._renderings.get(shown.part.index, "").strip()
            for shown in self._shown
            if (shown.part.content_type == b"text/html") == (kind == b"text/html") or not shown.alternative
        )
        return "\n".join(piece for piece in pieces if piece)

    @cached_property
    def text(self) -> str:
        """The plain text: all plain parts, and HTML parts that have no plain alternative as text. Line ends are LF."""
        return link_attachments(self._join(b"text/plain") or self._join(b"text/html"), self.attachments)

    @property
    def has_html(self) -> bool:
        """Whether the sender wrote HTML."""
        return any(shown.part.content_type == b"text/html" for shown in self._shown)

    @cached_property
    def html(self) -> tuple[str, ...]:
        """The message as HTML, one document or fragment per part, not sanitised: see `mailkit.mime.sanitize`.

        Plain parts without an HTML alternative are rendered, whether there is HTML or not (`has_html`); `cid:` links
        name attachments.
        """
        pieces = [
            shown.content.text if shown.part.content_type == b"text/html" else text_to_html(shown.content.text)
            for shown in self._shown
            if shown.part.content_type == b"text/html" or not shown.alternative
        ]
        return tuple(link_attachments(piece, self.attachments) for piece in pieces if piece.strip())

    @cached_property
    def preview(self) -> str:
        """At most 128 characters of what the sender wrote, and an ellipsis if there is more."""
        return preview(self._join(b"text/html") or self.text)

    @cached_property
    def uuencoded(self) -> tuple[UuFile, ...]:
        """Files uuencoded in plain text parts; their offsets are into the part's decoded bytes."""
        plain = (part for part in self.scan.leaves if part.content_type == b"text/plain")
        return tuple(
            file for part in plain if b"begin " in part.raw_body for file in find_uuencoded(part.decoded())
        )  # fmt: skip

    @cached_property
    def defects(self) -> tuple[Defect, ...]:
        """All that is wrong with the message, in source order. Reads and decodes every part."""
        found = list(self.scan.defects)
        nul = self.raw.find(b"\x00")
        if nul >= 0:
            found.append(Defect(Kind.NUL, nul))
        counts = Counter(self.headers.names)
        repeated = {name for name in _ONCE if counts[name] > 1}
        end = self.scan.root.header_start
        for field in self.headers:
            end = field.end
            if field.name in repeated:
                repeated.discard(field.name)
                found.append(Defect(Kind.FIELD_REPEATED, field.start, 0, field.name.decode("ascii")))
            if field.name == b"date" and parse_date(decode_header(field.raw_value)) is None:
                found.append(Defect(Kind.DATE_INVALID, field.start))
        if len(self.headers) and end < self.scan.root.header_end:
            found.append(Defect(Kind.HEADERS_TOO_MANY, end))
        texts = {shown.part.index: shown.content for shown in self._shown}
        for part in self.scan.leaves:
            if part.index in texts:
                content = texts[part.index]
                found += [Defect(kind, part.body_start, part.index, content.charset[:64]) for kind in content.defects]
            elif decode_transfer(part.raw_body, part.encoding)[1]:
                damage = Kind.BASE64_DAMAGED if part.encoding == b"base64" else Kind.QUOTED_PRINTABLE_DAMAGED
                found.append(Defect(damage, part.body_start, part.index))
        return tuple(sorted(found, key=lambda defect: defect.offset))


def parse(raw: bytes) -> Message:
    """Parse a message. Never raises."""
    return Message(scan(raw))
