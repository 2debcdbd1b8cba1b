"""Parts -> features: words of the texts, links, and what the parts are."""

import re
from binascii import a2b_qp
from typing import Final

from attrs import frozen

from mailkit.mime.charsets import codec_name
from mailkit.mime.header_index import HeaderIndex, unfold
from mailkit.mime.scan import Part, Scan
from mailkit.mime.transfer import decode_transfer
from mailkit.spam import families as f
from mailkit.spam.html import MOST_TAGS, html_text, html_tokens
from mailkit.spam.shapes import step
from mailkit.spam.urls import find_urls, url_tokens
from mailkit.spam.words import scripts

__all__ = ["MOST_WORDS", "Body", "body_tokens", "text_tokens"]

_MOST_PARTS: Final = 40
_PART_LIMIT: Final = 100_000
"""Bytes of one encoded text part that are read."""
_SOURCE_LIMIT: Final = 200_000
"""Bytes of text parts, tags included, that are read, all parts together."""
_TEXT_LIMIT: Final = 16_000
"""Bytes of text that are cut into words, all parts together."""
MOST_WORDS: Final = 2_500

_CHARSET: Final = re.compile(rb"charset\s{0,3}=[\s\"']{0,3}([a-z0-9_.:+-]{1,40})")
_NAME: Final = re.compile(rb"name\*?\d?\*?\s{0,3}=\s{0,3}(?:\"([^\"\n]{1,200})\"|([^\s;]{1,200}))")
_ASCII: Final = bytes(range(128))
_NO_SIGNS: Final = bytes(c for c in range(256) if c not in b"!$?")


@frozen
class Body:
    """The text of a message, of all its text parts, as UTF-8; how many such parts, parts and links there are."""

    text: bytes
    texts: int
    parts: int
    links: int


def body_tokens(scan: Scan, tokens: list[list[bytes]], fields: dict[bytes, bytes] | HeaderIndex) -> Body:
    """Adds the features of all parts to `tokens`, but for those of their text (`text_tokens`).

    `fields` are the topmost header fields of the message itself by lower-case name: they have been read already.
    """
    kinds = tokens[f.CONTENT_TYPE]
    texts: list[bytes] = []
    urls: dict[bytes, int] = {}
    room, source, most_tags = _TEXT_LIMIT, _SOURCE_LIMIT, MOST_TAGS
    for part in scan.parts[:_MOST_PARTS]:
        kinds.append(part.content_type[:60])
        headers = part.headers if part.depth else fields
        declared = unfold(headers.get(b"content-type") or b"")[:1000].lower()
        charset = _CHARSET.search(declared)
        if charset:
            kinds.append(b"charset " + charset[1])
        if part.encoding:
            kinds.append(b"encoding " + part.encoding[:20])
        disposition = unfold(headers.get(b"content-disposition") or b"")[:1000].lower()
        name = _NAME.search(declared) if declared.find(b"name") >= 0 else None
        name = name or (_NAME.search(disposition) if disposition.find(b"name") >= 0 else None)
        if name:
            kinds.append(b"file ." + (name[1] or name[2]).rpartition(b".")[2][:8])
        if (
            part.children
            or room <= 0
            or source <= 0
            or part.content_type[:5] != b"text/"
            or disposition[:10] == b"attachment"
        ):
            continue
        data = _utf8(part, charset[1] if charset else b"")[:source]
        source -= len(data)
        urls.update(find_urls(data))
        if part.content_type == b"text/html" or data[:1000].lower().find(b"<html") >= 0:
            lower = data.lower()
            text, tags = html_text(data, lower, room, most_tags)
            most_tags = max(most_tags - tags.total(), 1)
            tokens[f.HTML] += html_tokens(lower, text, tags)
        else:
            text = data
        text = text[:room]
        room -= len(text)
        texts.append(text)
    tokens[f.URL] += url_tokens(urls)
    return Body(b"\n".join(texts), len(texts), len(scan.parts), sum(urls.values()))


def text_tokens(body: Body, words: int, loud: list[bytes], capitals: int, tokens: list[list[bytes]]) -> None:
    """Adds the features of the text, but for its words, to `tokens`. It has so many words, shouted ones, capitals."""
    text = body.text
    size = len(text) + 1
    tokens[f.BODY] += loud
    shape = tokens[f.SHAPE]
    shape.append(b"words " + step(words // 8))
    shape.append(b"links " + step(body.links))
    shape.append(b"text parts " + step(body.texts))
    shape.append(b"parts " + step(body.parts))
    shape.append(b"capitals " + step(40 * (capitals + 1) // size))
    shape.append(b"quoted lines " + step(text.count(b"\n>") // 2 if 0x3E in text else 0))
    signs = text.translate(None, _NO_SIGNS)  # one pass instead of three
    shape.append(b"! " + step(signs.count(b"!")))
    shape.append(b"$ " + step(signs.count(b"$")))
    shape.append(b"? " + step(signs.count(b"?")))
    if not text.isascii():
        shape.append(b"8-bit " + step(20 * len(text.translate(None, _ASCII)) // size))
        shape += [b"script " + script for script in scripts(text)]


def _utf8(part: Part, label: bytes) -> bytes:
    """The beginning of a text part as UTF-8."""
    raw = part.raw_body[:_PART_LIMIT]
    # Soft errors don't matter here, and looking for them would cost more than decoding.
    data = a2b_qp(raw) if part.encoding == b"quoted-printable" else decode_transfer(raw, part.encoding)[0]
    if data.isascii() and 0x1B not in data:  # escape: ISO-2022
        return data
    codec = codec_name(label.decode("ascii")) if label else None
    if codec is None or codec in ("ascii", "utf-8"):
        try:
            # The cut may have split the last character.
            return data.decode("utf-8", "ignore" if codec == "utf-8" else "strict").encode()
        except UnicodeDecodeError:
            codec = "cp1252"
    try:
        return data.decode(codec, "replace").encode("utf-8", "replace")
    except (UnicodeError, ValueError):
        return data.decode("latin-1").encode()
