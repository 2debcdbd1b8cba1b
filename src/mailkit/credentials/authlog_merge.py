"""When two login events are one line of the log (W3.5). Pure."""

import hashlib
from typing import Final

from msgspec.structs import replace

from mailkit.credentials.records import AuthEvent

__all__ = ["WINDOW", "merge", "merge_key"]

WINDOW: Final = 6 * 3_600_000
"""How long after its first event a line takes up others like it, in ms."""


def merge_key(*, protocol: str | None, ip: str | None, action: str, result: str | None, target: str | None) -> bytes:
    """What makes two events alike: the same protocol, address, action, result and target."""
    text = "\0".join("" if part is None else "=" + part for part in (protocol, ip, action, result, target))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def merge(known: AuthEvent | None, new: AuthEvent) -> AuthEvent:
    """The line that `new` ends up in: the known one, with one event more, or a line of its own.

    A merged line keeps what it said first (session, source, ...) and expires when it would have.
    """
    if known is None or new.created - known.created >= WINDOW or new.created < known.created:
        return new
    return replace(known, events=known.events + 1, last=new.created)
