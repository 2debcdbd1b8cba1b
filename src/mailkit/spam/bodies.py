"""Parts -> features: words of the texts, links, and what the parts are."""

import re
from binascii import a2b_qp
from typing import Final

from attrs import frozen

from mailkit.mime.charsets import codec_name
from mailkit.mime.encoded_words import decode_header
from mailkit.mime.header_index import HeaderIndex, unfold
from mailkit.mime.scan import Part, Scan
from mailkit.mime.transfer import decode_transfer
from mailkit.spam import families as f
from mailkit.spam.hidden import part_hidden
from mailkit.spam.html import MOST_TAGS, both_ends, html_text, html_tokens
from mailkit.spam.shapes import organisation, step
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
_UNSEEN_LIMIT: Final = 500
"""Bytes of text that no reader sees (hidden in a page, or beside it) that are read: more of it is there for filters."""
MOST_WORDS: Final = 2_500
"""Words of the text that count: the first, and an eighth of them from its end."""

_CHARSET: Final = re.compile(rb"charset\s{0,3}=[\s\"']{0,3}([a-z0-9_.:+-]{1,40})")
_NAME: Final = re.compile(rb"name\*?\d?\*?\s{0,3}=\s{0,3}(?:\"([^\"\n]{1,200})\"|([^\s;]{1,200}))", re.IGNORECASE)
_TWO_ENDINGS: Final = re.compile(rb"\.(?:pdf|docx?|xlsx?|pptx?|txt|jpe?g|png|gif|mp[34]|html?)\s*\.[a-z0-9]{2,5}$")
_DATA_URI: Final = re.compile(rb"data:(\w{1,20})/[\w.+-]{1,60};base64,[\w+/=\s]*+")
_METHOD: Final = re.compile(rb"method\s{0,3}=[\s\"]{0,3}([a-z]{1,20})")
# RFC 5545 3.8.1: what a person reads of an event.
_TOLD: Final = re.compile(rb"^(?:SUMMARY|DESCRIPTION|LOCATION|COMMENT)\b[^:\n]{0,200}:([^\n]*)", re.MULTILINE)
_ASCII: Final = bytes(range(128))
_NO_SIGNS: Final = bytes(c for c in range(256) if c not in b"!$?")


@frozen
class Body:
    """The text of a message, of all its text parts, as UTF-8; how many such parts, parts and links there are."""

    text: bytes
    texts: int
    parts: int
    links: int


def body_tokens(scan: Scan, tokens: list[list[bytes]], fields: dict[bytes, bytes] | HeaderIndex, sender: bytes) -> Body:
    """Adds the features of all parts to `tokens`, but for those of their text (`text_tokens`).

    `fields` are the topmost header fields of the message itself by lower-case name: they have been read already.
    """
    kinds = tokens[f.CONTENT_TYPE]
    texts: list[bytes] = []
    unseen: list[bytes] = []
    urls: dict[bytes, int] = {}
    said: set[bytes] = set()
    count = 0
    room, source, most_tags = _TEXT_LIMIT, _SOURCE_LIMIT, MOST_TAGS
    parts = scan.parts[:_MOST_PARTS]
    beside = _beside_a_page(parts) if len(parts) > 1 else set()
    for part in sorted(parts, key=lambda part: part.index in beside) if beside else parts:
        kinds.append(part.content_type[:60])
        headers = part.headers if part.depth else fields
        given = unfold(headers.get(b"content-type") or b"")[:1000]
        declared = given.lower()
        charset = _CHARSET.search(declared)
        if charset:
            kinds.append(b"charset " + charset[1])
        if part.encoding:
            kinds.append(b"encoding " + part.encoding[:20])
        disposed = unfold(headers.get(b"content-disposition") or b"")[:1000]
        disposition = disposed.lower()
        name = _NAME.search(given) if declared.find(b"name") >= 0 else None
        name = name or (_NAME.search(disposed) if disposition.find(b"name") >= 0 else None)
        if name:
            kinds += _file_tokens(name[1] or name[2])
        if part.content_type == b"text/calendar":
            calendar = _METHOD.search(declared)
            kinds.append(b"calendar " + (calendar[1] if calendar else b"none"))
        if (
            part.children
            or room <= 0
            or source <= 0
            or part.content_type[:5] != b"text/"
            or disposition[:10] == b"attachment"
        ):
            continue
        shown = part.index not in beside
        data = _utf8(part, charset[1] if charset else b"", _PART_LIMIT if shown else 4 * _UNSEEN_LIMIT)[:source]
        source -= len(data)
        is_page = part.content_type == b"text/html" or data[:1000].lower().find(b"<html") >= 0
        if shown:
            urls.update(find_urls(data))
        if is_page:
            lower = data.lower()
            page, hidden, marks = part_hidden(data, lower)
            text, tags = html_text(page, lower if page is data else page.lower(), room, most_tags)
            most_tags = max(most_tags - tags.total(), 1)
            made, named = html_tokens(lower, text, tags)
            tokens[f.HTML] += made
            said |= named
            tokens[f.HTML] += marks
            if hidden:
                unseen.append(html_text(hidden, hidden.lower(), _UNSEEN_LIMIT, most_tags)[0])
        elif part.content_type == b"text/calendar":
            text = b"\n".join(_TOLD.findall(data.replace(b"\r\n ", b"").replace(b"\n ", b"")[:_TEXT_LIMIT]))
        else:
            text = data
        count += 1
        if not shown:
            unseen.append(both_ends(text, _UNSEEN_LIMIT))
            continue
        text = both_ends(text, room)
        room -= len(text)
        texts.append(text)
    if unseen:
        texts.append(both_ends(b"\n".join(unseen), _UNSEEN_LIMIT))
    marks, hosts = url_tokens(urls, said)
    tokens[f.URL] += marks
    if hosts and sender:
        home = organisation(sender)
        ours = sum([host.endswith(home) and host[-len(home) - 1 : -len(home)] in (b"", b".") for host in hosts])
        tokens[f.SHAPE].append(b"links home " + (b"all" if ours == len(hosts) else b"some" if ours else b"none"))
    return Body(b"\n".join(texts), count, len(scan.parts), sum(urls.values()))


def text_tokens(body: Body, words: int, loud: list[bytes], capitals: int, tokens: list[list[bytes]]) -> None:
    """Adds the features of the text, but for its words, to `tokens`. It has so many words, shouted ones, capitals."""
    text = body.text
    size = len(text) + 1
    tokens[f.CAPITALS] += loud
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


def _file_tokens(name: bytes) -> list[bytes]:
    """What the name of a file says of it."""
    if b"=?" in name:
        name = decode_header(name).encode("utf-8", "replace")
    name = name.lower()
    out = [b"file ." + name.rpartition(b".")[2][:8]]
    if _TWO_ENDINGS.search(name):
        out.append(b"file with two endings")
    return out


def _beside_a_page(parts: list[Part]) -> set[int]:
    """Which parts stand beside an HTML page in a multipart/alternative: programs show the page (RFC 2046 5.1.4), and of
    an invitation both.
    """
    beside: set[int] = set()
    for part in parts:
        if part.content_type == b"multipart/alternative" and len(part.children) > 1:
            shown = [child.index for child in part.children if _is_page(child)]
            if shown:
                shown += [child.index for child in part.children if child.content_type == b"text/calendar"]
                beside.update(child.index for child in part.children if child.index not in shown)
    return beside


def _is_page(part: Part) -> bool:
    """Whether it is an HTML page that is shown, by itself or with its pictures."""
    return any(one.content_type == b"text/html" and not _attached(one) for one in (part, *part.children[:3]))


def _attached(part: Part) -> bool:
    return unfold(part.headers.get(b"content-disposition") or b"")[:10].lower() == b"attachment"


def _decoded(raw: bytes, encoding: bytes) -> bytes:
    # Soft errors don't matter here, and looking for them would cost more than decoding.
    return a2b_qp(raw) if encoding == b"quoted-printable" else decode_transfer(raw, encoding)[0]


def _utf8(part: Part, label: bytes, most: int) -> bytes:
    """The beginning of a text part, of so many encoded bytes, as UTF-8."""
    raw = part.raw_body[:most]
    data = _decoded(raw, part.encoding)
    if data.find(b";base64,") >= 0:  # pictures within the page: they must not use up the room of its text
        if len(raw) == _PART_LIMIT:
            data = _decoded(part.raw_body[: 4 * _PART_LIMIT], part.encoding)
        data = _DATA_URI.sub(rb"data:\1", data)[:_PART_LIMIT]
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
