"""What ties a message to its thread: reference tokens and the normalised subject (WildDuck's rules)."""

import re

from mailkit.mime.encoded_words import decode_header
from mailkit.mime.header_index import HeaderIndex
from mailkit.mime.message_ids import parse_message_ids

__all__ = ["REFERENCE_LIMIT", "normalize_subject", "reference_tokens"]

#: Distinct tokens of one message.
REFERENCE_LIMIT = 10

# Outlook's Thread-Index: the first 22 base64 characters name the conversation, the rest grows with every answer.
_THREAD_INDEX = 22
_PREFIX = re.compile(r"(?:re|fwd?)\s*:\s*", re.IGNORECASE)
_TAG = re.compile(r"\[[^\[\]]*\]\s*(?=\S)")
_SUFFIX = re.compile(r"\(fwd\)$", re.IGNORECASE)
_SUBJECT_LIMIT = 2_048


def reference_tokens(headers: HeaderIndex) -> tuple[str, ...]:
    """Message-ID, In-Reply-To, Thread-Index and References as tokens without brackets, each once."""
    tokens = [*_ids(headers, b"message-id")[:1], *_ids(headers, b"in-reply-to")]
    index = headers.get(b"thread-index")
    if index:
        tokens.append(index.decode("latin-1")[:_THREAD_INDEX])
    references = [token for token in _ids(headers, b"references") if token not in tokens]
    room = max(REFERENCE_LIMIT - len(dict.fromkeys(tokens)), 0)
    # The last references are the nearest ancestors; the first is the root of the thread.
    kept = references if len(references) <= room else references[:1] + references[len(references) - room + 1 :]
    return tuple(dict.fromkeys([*tokens, *kept[:room]]))[:REFERENCE_LIMIT]


def _ids(headers: HeaderIndex, name: bytes) -> tuple[str, ...]:
    value = headers.get(name)
    return parse_message_ids(decode_header(value)) if value else ()


def normalize_subject(subject: str) -> str:
    """The subject without reply and forward marks, list tags and a trailing "(fwd)"; white space folded."""
    subject = " ".join(subject[:_SUBJECT_LIMIT].split())
    while True:
        before = subject
        for pattern in (_PREFIX, _TAG):
            found = pattern.match(subject)
            subject = subject[found.end() :] if found else subject
        subject = _SUFFIX.sub("", subject).rstrip()
        if subject == before:
            return subject
