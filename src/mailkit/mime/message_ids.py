"""Message identifiers (RFC 5322 3.6.4), without their angle brackets."""

import re

__all__ = ["LIMIT", "parse_message_ids"]

#: Identifiers of one field that are read, the last ones: they are nearest in the thread.
LIMIT = 1_000

_BRACKETED = re.compile(r"<([^<>]*+)>")


def parse_message_ids(text: str) -> tuple[str, ...]:
    """The identifiers of Message-ID, In-Reply-To or References, in order, each once. Never raises.

    In brackets, whatever they hold; if there are no brackets at all, every word (RFC 822's phrases are gone).
    """
    if not text:
        return ()
    found = [inner.replace("\n", " ").strip() for inner in _BRACKETED.findall(text)]
    if not found and "<" not in text:
        found = text.replace(",", " ").split()
    return tuple(dict.fromkeys(inner for inner in found[-LIMIT:] if inner))
