"""A message -> its tokens by family: what the learner counts, and what an explanation shows."""

from typing import Final

from attrs import frozen

from mailkit.mime.scan import scan
from mailkit.spam.bodies import body_tokens
from mailkit.spam.headers import header_tokens

__all__ = ["VERSION", "Tokens", "read"]

VERSION: Final = 1
"""Raised when the same message would give other tokens. What was learnt with another version is rebuilt."""

_READ_LIMIT: Final = 600_000
"""Bytes of a message that are looked at. Text comes first; what lies behind are attachments."""
_HEADER_LIMIT: Final = 400
"""Header fields that are looked at."""


@frozen
class Tokens:
    """The tokens of one message. `families[n]` holds those of family n, in no particular order, repeats included.

    The first of `families[BODY]` are `body_words` words in the order of the text, and likewise for the subject:
    neighbours among them are the pairs.
    """

    families: list[list[bytes]]
    body_words: int
    subject_words: int


def read(raw: bytes, *, forged: bool = False) -> Tokens:
    """The tokens of a message as it came in. Never raises; bounded time on any input.

    `forged`: authentication has shown that the address in From is not the sender's (DMARC fail, or neither SPF nor
    DKIM aligned where the domain asks for it). Its words then count as those of an unknown sender.
    """
    scanned = scan(raw[:_READ_LIMIT])
    families: list[list[bytes]] = [[] for _ in range(16)]
    subject = header_tokens(scanned.headers.items()[:_HEADER_LIMIT], families, forged=forged)
    body = body_tokens(scanned, families)
    return Tokens(families, len(body), len(subject))
