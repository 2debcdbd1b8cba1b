"""A message -> its tokens by family: what the learner counts, and what an explanation shows."""

import re
from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from mailkit.mime.scan import scan
from mailkit.spam.bodies import MOST_WORDS, Body, body_tokens, text_tokens
from mailkit.spam.families import BODY
from mailkit.spam.headers import header_tokens
from mailkit.spam.many_words import shouted_in_each, spaced, word_hashes
from mailkit.spam.words import shouted, words

__all__ = ["VERSION", "Tokens", "read", "read_many"]

VERSION: Final = 3
"""Raised when the same message would give other tokens. What was learnt with another version is rebuilt."""

_READ_LIMIT: Final = 600_000
"""Bytes of a message that are looked at. Text comes first; what lies behind are attachments."""
_HEADER_LIMIT: Final = 60_000
"""Bytes of header: of a message whose header is longer, no body is read."""
_LINE_LIMIT: Final = 1_500
"""Lines of header: of one that has more, only the beginning is read."""
_FIELD_LIMIT: Final = 400
"""Header fields that are looked at."""
# Twice as fast as the header index of `mime`, which also says where everything is.
_FIELD: Final = re.compile(rb"^([^\x00-\x20:\x7f]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)


@frozen
class Tokens:
    """The tokens of one message. `families[n]` holds those of family n, in no particular order, repeats included.

    `families[BODY]` are the `body_words` words in the order of the text. The first of `families[SUBJECT]` are
    `subject_words` words in order. Neighbours among them are the pairs.
    """

    families: list[list[bytes]]
    body_words: int
    subject_words: int


def read(raw: bytes, *, forged: bool = False) -> Tokens:
    """The tokens of a message as it came in. Never raises; bounded time on any input.

    `forged`: authentication has shown that the address in From is not the sender's (DMARC fail, or neither SPF nor
    DKIM aligned where the domain asks for it). Its words then count as those of an unknown sender.
    """
    families, body, subject_words = _read_to_the_text(raw, forged)
    found = words(body.text)
    if len(found) > MOST_WORDS:
        del found[MOST_WORDS - MOST_WORDS // 8 : len(found) - MOST_WORDS // 8]
    families[BODY] += found
    text_tokens(body, len(found), *shouted(body.text), families)
    return Tokens(families, len(found), subject_words)


def read_many(raws: Sequence[bytes], *, forged: bool = False) -> tuple[list[Tokens], Any]:
    """`read` each, but the words of the bodies are left out of the families: the CRC-32 of all of them, in order, are
    the other result (numpy only). The words of the bodies are most of all tokens: this takes half the time.
    """
    opened = [_read_to_the_text(raw, forged) for raw in raws]
    texts = [body.text for _, body, _ in opened]
    hashes, counts = word_hashes([spaced(text) for text in texts], MOST_WORDS)
    out: list[Tokens] = []
    for (families, body, subject_words), count, loud in zip(opened, counts, shouted_in_each(texts), strict=True):
        text_tokens(body, count, *loud, families)
        out.append(Tokens(families, count, subject_words))
    return out, hashes


def _read_to_the_text(raw: bytes, forged: bool) -> tuple[list[list[bytes]], Body, int]:
    """The families but for what the text of the body gives; the body; how many words the subject has."""
    raw = raw[:_READ_LIMIT]
    if len(raw) > _HEADER_LIMIT:
        ends = (raw.find(end, 0, _HEADER_LIMIT) for end in (b"\n\n", b"\r\n\r\n"))
        end = min((end for end in ends if end >= 0), default=-1)
        if raw.count(b"\n", 0, end if end >= 0 else _HEADER_LIMIT) > _LINE_LIMIT:
            raw = raw[: 10 * _LINE_LIMIT]
        elif end < 0:
            raw = raw[:_HEADER_LIMIT]
    if 0x0A not in raw:  # line ends of the old Macintosh
        raw = raw.replace(b"\r", b"\n")
    scanned = scan(raw)
    families: list[list[bytes]] = [[] for _ in range(16)]
    root = scanned.root
    fields = _FIELD.findall(raw, root.header_start, root.header_end)
    # Of repeated fields the topmost counts.
    first = {name.lower(): value for name, value in reversed(fields[:_FIELD_LIMIT])}
    subject, sender = header_tokens(first, families, forged=forged)
    body = body_tokens(scanned, families, first if len(fields) <= _FIELD_LIMIT else root.headers, sender)
    return families, body, len(subject)
