"""The text of a text part: transfer encoding and charset undone, line ends LF, format=flowed joined."""

import re

from attrs import frozen

from mailkit.mime.charsets import codec_name, decode_charset, decode_raw_header
from mailkit.mime.defects import Kind
from mailkit.mime.encoded_words import decode_words
from mailkit.mime.flowed import unflow
from mailkit.mime.parameters import Parameterized, parse_parameters
from mailkit.mime.scan import Part
from mailkit.mime.transfer import decode_transfer

__all__ = ["PartText", "content_type_of", "disposition_of", "filename_of", "text_of"]

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_PATH = re.compile(r"[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@frozen
class PartText:
    """The text of a part; `charset` as declared (empty if it isn't), `defects` what was wrong with the decoding."""

    text: str
    charset: str
    defects: tuple[Kind, ...]


def content_type_of(part: Part) -> Parameterized:
    """The Content-Type with its parameters; the part's default type if there is none (RFC 2045 5.2)."""
    value = part.headers.get(b"content-type")
    parsed = parse_parameters(decode_raw_header(value)) if value else Parameterized("")
    return Parameterized(part.content_type.decode("utf-8", "replace"), parsed.parameters, parsed.languages)


def disposition_of(part: Part) -> Parameterized:
    """The Content-Disposition (RFC 2183) with its value in lower case; empty if there is none."""
    value = part.headers.get(b"content-disposition")
    if not value:
        return Parameterized("")
    parsed = parse_parameters(decode_raw_header(value))
    return Parameterized(parsed.value.lower(), parsed.parameters, parsed.languages)


def filename_of(part: Part) -> str:
    """The last path component of the suggested file name (RFC 2183 2.3), else of Content-Type's name; may be empty."""
    name = disposition_of(part).get("filename") or content_type_of(part).get("name")
    name = _CONTROL.sub(" ", decode_words(name))
    return _PATH.split(name)[-1].strip() if name else ""


def text_of(part: Part) -> PartText:
    """Decode a text part. Never raises."""
    data, damaged = decode_transfer(part.raw_body, part.encoding)
    kinds: list[Kind] = []
    if damaged:
        kinds.append(Kind.BASE64_DAMAGED if part.encoding == b"base64" else Kind.QUOTED_PRINTABLE_DAMAGED)
    parameters = content_type_of(part)
    charset = parameters.get("charset")
    label = charset
    if not charset and part.content_type == b"text/html":
        meta = _META.search(data, 0, 4_096)
        label = meta[1].decode("ascii") if meta and codec_name(meta[1].decode("ascii")) else ""
    text, kind = decode_charset(data, label)
    if kind:
        kinds.append(kind)
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        text = text.replace("\x00", "")
    if parameters.get("format").lower() == "flowed" and part.content_type == b"text/plain":
        text = unflow(text, delsp=parameters.get("delsp").lower() == "yes")
    return PartText(text, charset, tuple(kinds))
