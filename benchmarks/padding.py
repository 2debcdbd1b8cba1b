"""Spam bent by "good words": text of the reader's own ham, put where a reader would or would not see it.

The hardest case on purpose: the spammer has the very mail that the filter was trained on, and copies whole
paragraphs of it, so that pairs of words are good too. `padded` is a pure function of its arguments.
"""

import base64
import email
import email.policy
import random
import re
from collections.abc import Callable, Sequence
from email.message import Message
from html import escape
from typing import Final

from mailkit.mime.scan import scan

__all__ = ["PLACES", "padded", "passages"]


def passages(ham: Sequence[bytes]) -> list[str]:
    """The plain text of each message, without quoted lines; those without any are left out."""
    texts = []
    for raw in ham:
        for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk():
            if part.get_content_type() == "text/plain":
                lines = [line for line in _decoded(part).splitlines() if not line.startswith(">")]
                texts.append("\n".join(lines))
                break
    return [text for text in texts if len(text) > 200]


def padded(raw: bytes, place: str, size: int, good: Sequence[str], pick: random.Random) -> bytes:
    """`raw` with `size` bytes of good text at a place named in `PLACES`."""
    text = ""
    while len(text) < size:
        text += pick.choice(good) + "\n\n"
    return _PLACE[place](raw, text[:size])


def _decoded(part: Message) -> str:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    try:
        return data.decode(part.get_content_charset("latin-1"), "replace")
    except LookupError:
        return data.decode("latin-1")


def _each_text(raw: bytes, change: Callable[[str, bool], str]) -> bytes:
    """`change(text, is_html)` on every text part that is shown."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    for part in message.walk():
        if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            kind = part.get_content_subtype()
            text = change(_decoded(part), kind == "html")
            for name in ("Content-Transfer-Encoding", "Content-Type"):
                del part[name]
            part["Content-Type"] = f'text/{kind}; charset="utf-8"'
            part["Content-Transfer-Encoding"] = "base64"
            part.set_payload(base64.encodebytes(text.encode("utf-8", "replace")).decode())
    return message.as_bytes()


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(piece)}</p>\n" for piece in text.split("\n\n"))


_OPENING = re.compile(r"<body[^>]*>", re.IGNORECASE)
_CLOSING = re.compile(r"</body", re.IGNORECASE)


def _behind(raw: bytes, good: str) -> bytes:
    def change(text: str, is_html: bool) -> str:
        if not is_html:
            return f"{text}\n{good}"
        at = _CLOSING.search(text)
        end = at.start() if at else len(text)
        return text[:end] + _paragraphs(good) + text[end:]

    return _each_text(raw, change)


def _before(raw: bytes, good: str) -> bytes:
    def change(text: str, is_html: bool) -> str:
        if not is_html:
            return f"{good}\n{text}"
        at = _OPENING.search(text)
        start = at.end() if at else 0
        return text[:start] + _paragraphs(good) + text[start:]

    return _each_text(raw, change)


def _hidden(raw: bytes, good: str) -> bytes:
    def change(text: str, is_html: bool) -> str:
        at = _OPENING.search(text)
        start = at.end() if at else 0
        return f'{text[:start]}<div style="display:none">{_paragraphs(good)}</div>{text[start:]}'

    return _each_text(_as_html(raw), change)


def _as_html(raw: bytes) -> bytes:
    """A message of plain text alone as one of HTML alone."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    if any(part.get_content_type() == "text/html" for part in message.walk()):
        return raw
    for part in message.walk():
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            text = f"<html><body><pre>{escape(_decoded(part))}</pre></body></html>"
            for name in ("Content-Transfer-Encoding", "Content-Type"):
                del part[name]
            part["Content-Type"] = 'text/html; charset="utf-8"'
            part["Content-Transfer-Encoding"] = "base64"
            part.set_payload(base64.encodebytes(text.encode("utf-8", "replace")).decode())
            break
    return message.as_bytes()


_BODY_FIELDS = re.compile(rb"^(?:content-[a-z-]+|mime-version):.*\n(?:[ \t].*\n)*", re.MULTILINE | re.IGNORECASE)


def _alternative(raw: bytes, good: str) -> bytes:
    """The good text as the plain alternative, which nobody sees, of what was there."""
    raw = _as_html(raw.replace(b"\r\n", b"\n"))
    found = scan(raw)
    head, body = raw[: found.root.header_end].rstrip(b"\n") + b"\n", raw[found.root.body_start :]
    kept = b"".join(_BODY_FIELDS.findall(head))
    head = _BODY_FIELDS.sub(b"", head)
    plain = base64.encodebytes(good.encode("utf-8", "replace"))
    return (
        head
        + b'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="good-words"\n\n--good-words\n'
        + b'Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n'
        + plain
        + b"\n--good-words\n"
        + kept.replace(b"MIME-Version: 1.0\n", b"")
        + b"\n"
        + body
        + b"\n--good-words--\n"
    )


_PLACE: Final = {"behind": _behind, "before": _before, "display:none": _hidden, "alternative": _alternative}

PLACES: Final = tuple(_PLACE)
"""Where the text goes: behind or before what the reader sees; in an element that is not shown; as the plain text of a
multipart/alternative whose HTML is shown."""
