"""Messages out of their parts (RFC 5322, 2045-2049, 6532): a pure function of the draft.

Ids and the time come with the draft; boundaries are made from the content, so the same draft gives the same bytes.

The shape, as far as the draft asks for it (RFC 2046 5.1, 2387):

    multipart/mixed
        multipart/alternative
            text/plain
            multipart/related
                text/html
                inline files that the HTML names
        attachments
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime

from attrs import field, frozen

from mailkit.errors import FieldError, Invalid
from mailkit.mime.addresses import Address, parse_addresses
from mailkit.mime.html_text import html_to_text
from mailkit.mime.parameters import Parameterized, parse_parameters
from mailkit.mime.write_body import encode_file, encode_text
from mailkit.mime.write_header import (
    FIELD_NAME,
    address_field,
    identifier_field,
    parameter_field,
    raw_field,
    text_field,
)

__all__ = ["CONTENT_TYPE", "Draft", "File", "check_field_name", "check_media_type", "compose"]

#: What may be written as a content type.
CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PARAMETER = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}")
_OURS = frozenset(("mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id"))
_ADDRESS_FIELDS = frozenset(
    ("from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-to", "resent-cc",
     "disposition-notification-to", "mail-followup-to", "errors-to", "return-receipt-to"),
)  # fmt: skip
_IDENTIFIER_FIELDS = frozenset(("message-id", "in-reply-to", "references", "resent-message-id"))
_TEXT_FIELDS = frozenset(("subject", "comments", "keywords", "organization", "thread-topic"))


@frozen
class File:
    """A file to go with a message. With a `content_id` that the HTML names as `cid:` it is shown inside it."""

    content: bytes = field(repr=False)
    filename: str = ""
    content_type: str = "application/octet-stream"  #: may have parameters
    content_id: str = ""  #: with or without angle brackets
    disposition: str = ""  #: "attachment" or "inline"; empty: inline if the HTML names it
    encoding: str = "base64"  #: a wish, kept if the content allows


@frozen
class Draft:
    """A message to be written. What is empty is left out."""

    from_: tuple[Address, ...] = ()
    sender: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()  #: written if given: leaving it out of what is sent is the sender's task
    subject: str = ""
    date: datetime | None = None  #: aware
    message_id: str = ""  #: with or without angle brackets
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    text: str = ""
    html: str = ""  #: alone, a plain alternative is made from it
    files: tuple[File, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  #: further fields, written in this order


def compose(draft: Draft) -> bytes:
    """Write the message, with CRLF line ends. Raises Invalid naming the field that cannot be written."""
    return b"".join(_header(draft)) + b"MIME-Version: 1.0\r\n" + _content(draft)


def _header(draft: Draft) -> list[bytes]:
    given = {name.lower() for name, _ in draft.headers}
    fields: list[bytes] = []
    for name, addresses in (
        ("From", draft.from_), ("Sender", draft.sender), ("Reply-To", draft.reply_to),
        ("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc),
    ):  # fmt: skip
        if addresses:
            fields.append(address_field(name, addresses))
            if name.lower() in given:
                raise Invalid.field("headers", f"{name} is given twice", code="header.repeated")
    if draft.subject:
        fields.append(text_field("Subject", draft.subject))
    if draft.date is not None:
        if draft.date.tzinfo is None:
            raise Invalid.field("date", "has no time zone", code="date.naive")
        fields.append(f"Date: {format_datetime(draft.date)}\r\n".encode("ascii"))
    if draft.message_id:
        fields.append(identifier_field("Message-ID", [draft.message_id]))
    if draft.in_reply_to:
        fields.append(identifier_field("In-Reply-To", draft.in_reply_to))
    if draft.references:
        fields.append(identifier_field("References", draft.references))
    fields += _further(draft.headers)
    return fields


def _further(headers: Iterable[tuple[str, str]]) -> Iterable[bytes]:
    """Fields that the caller names; Invalid says which one cannot be written."""
    for position, (name, value) in enumerate(headers):
        try:
            yield _named_field(name, value)
        except Invalid as error:
            reason = f'"headers.{position}" is {error.errors[0].message}'
            raise Invalid(error.code, errors=(FieldError(("headers", position), reason),)) from None


def check_field_name(name: str) -> str:
    """The name of a further header field as it is; ValueError for what is none, or follows from the content."""
    if not FIELD_NAME.fullmatch(name):
        raise ValueError("must be the name of a header field")
    if name.lower() in _OURS:
        raise ValueError("must not be a field that follows from the content")
    return name


def check_media_type(text: str) -> str:
    """A content type, with or without parameters, as it is; ValueError for what is none (RFC 2045 5.1)."""
    _media_type(text)
    return text


def _media_type(text: str) -> Parameterized:
    parsed = parse_parameters(text, words=False)
    if _CONTROL.search(text) or not CONTENT_TYPE.fullmatch(parsed.value):
        raise ValueError("must be a media type, such as text/plain")
    if not all(_PARAMETER.fullmatch(name) for name in parsed.parameters):
        raise ValueError("must have parameters with ASCII names")
    return parsed


def _named_field(name: str, value: str) -> bytes:
    """A field that the caller names: addresses and texts are encoded by their own rules."""
    key = name.lower()
    if key in _OURS:
        raise Invalid.field("headers", f"no field to give: {name} follows from the content", code="header.reserved")
    if key in _ADDRESS_FIELDS:
        return address_field(name, parse_addresses(value))
    if key in _IDENTIFIER_FIELDS:
        return identifier_field(name, value.split())
    return text_field(name, value) if key in _TEXT_FIELDS or not value.isascii() else raw_field(name, value)


def _content(draft: Draft) -> bytes:
    """The content fields and the body."""
    html = draft.html
    shown = [file for file in draft.files if html and file.disposition != "attachment" and _named(file, html)]
    loose = [file for file in draft.files if not any(file is other for other in shown)]
    text = draft.text or (html_to_text(html) if html else "")
    body = b""
    if html:
        body = _text_part("text/html", html)
        if shown:
            body = _multipart("related", [body, *(_file_part(file, "inline") for file in shown)])
        body = _multipart("alternative", [_text_part("text/plain", text), body])
    elif text or not loose:
        body = _text_part("text/plain", text)
    if not loose:
        return body
    files = [_file_part(file, file.disposition or "attachment") for file in loose]
    return _multipart("mixed", [body, *files] if body else files)


def _named(file: File, html: str) -> bool:
    return bool(file.content_id) and f"cid:{_bare(file.content_id)}" in html


def _bare(content_id: str) -> str:
    return content_id.strip().removeprefix("<").removesuffix(">")


def _text_part(content_type: str, text: str) -> bytes:
    encoding, body = encode_text(text)
    head = parameter_field("Content-Type", content_type, [("charset", "utf-8")])
    return head + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii") + body


def _file_part(file: File, disposition: str) -> bytes:
    try:
        parsed = _media_type(file.content_type)
    except ValueError:
        reason = f"not a content type: {file.content_type[:64]!r}"
        raise Invalid.field("files", reason, code="content_type.invalid") from None
    if disposition not in ("attachment", "inline"):
        raise Invalid.field("files", "disposition is neither attachment nor inline", code="disposition.invalid")
    kind, parameters = parsed.value.lower(), parsed.parameters
    # A message is carried as it is (RFC 2046 5.2.1) if its lines allow, else as what it is to transport: bytes.
    encoding, body = encode_file(file.content, "8bit" if kind == "message/rfc822" else file.encoding)
    if encoding == "base64" and kind.startswith(("message/", "multipart/")):
        kind, parameters = "application/octet-stream", {}
    names = [("name", file.filename)] if file.filename else []
    others = [(name, value) for name, value in parameters.items() if not (names and name == "name")]
    fields = [
        parameter_field("Content-Type", kind, [*others, *names]),
        parameter_field("Content-Disposition", disposition, [("filename", name) for _, name in names]),
        f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii"),
    ]
    if file.content_id:
        fields.append(identifier_field("Content-ID", [_bare(file.content_id)]))
    return b"".join(fields) + b"\r\n" + body


def _multipart(subtype: str, parts: Sequence[bytes]) -> bytes:
    boundary = _boundary(subtype, parts)
    mark = boundary.encode("ascii")
    # RFC 2387 3.1: related names its root's type.
    extra = [("type", "text/html")] if subtype == "related" else []
    head = parameter_field("Content-Type", f"multipart/{subtype}", [("boundary", boundary), *extra])
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return head + b"\r\n" + body + b"--" + mark + b"--\r\n"


def _boundary(subtype: str, parts: Sequence[bytes]) -> str:
    """A boundary that occurs in no part. "=_" cannot come out of quoted-printable or base64 (RFC 2045 6.7)."""
    digest = hashlib.sha256(subtype.encode("ascii"))
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    while True:
        boundary = f"=_{digest.hexdigest()[:32]}"
        if not any(boundary.encode("ascii") in part for part in parts):
            return boundary
        digest.update(b"once more")
