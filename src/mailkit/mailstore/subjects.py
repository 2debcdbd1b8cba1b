"""What makes messages a conversation: a shared reference and the same subject, prefixes aside (WildDuck 3.6). Pure."""

import re

__all__ = ["MAX_TOKENS", "thread_subject", "thread_tokens"]

MAX_TOKENS = 10

_PREFIX = re.compile(r"\s*(?:re|fwd?)\s*:", re.IGNORECASE)
_TAG = re.compile(r"\s*\[[^\]]*\](?=\s*\S)")
_SUFFIX = re.compile(r"\s*\(fwd\)\s*$", re.IGNORECASE)


def thread_subject(subject: str) -> str:
    """The subject without reply and forward prefixes, list tags and `(fwd)`; what is left is compared exactly."""
    subject = " ".join(subject.split())[:4096]
    at, end = 0, len(subject)
    while True:
        found = _PREFIX.match(subject, at) or _TAG.match(subject, at, end)
        if not found:
            break
        at = found.end()
    while found := _SUFFIX.search(subject, at, end):
        end = found.start()
    return subject[at:end].strip()


def thread_tokens(
    message_id: str | None, in_reply_to: tuple[str, ...], references: tuple[str, ...], thread_index: str | None = None
) -> tuple[str, ...]:
    """At most ten distinct references of a message, angle brackets removed: its own id first, then its parents."""
    found = [message_id or "", *in_reply_to, (thread_index or "")[:22], *reversed(references)]
    clean = (token.strip().strip("<>").strip() for token in found)
    return tuple(dict.fromkeys(token for token in clean if token))[:MAX_TOKENS]
