"""Credentials that were verified a moment ago: a client that sends its password with every request pays once.

Kept under a keyed hash, in memory only, for a minute, and bound to the principal's revision: any change of it ends
this.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from typing import Final

from mailkit.principals.permits import TokenKind

__all__ = ["Verified"]

_LIFE: Final = 60_000
_MOST: Final = 10_000

Entry = tuple[int, int, TokenKind]
"""The principal's number and revision, and what it proved itself with."""


class Verified:
    """One of a process; threads share it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, tuple[int, Entry]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, kind: TokenKind, name: str, secret: str, *, now: int) -> Entry | None:
        """What was verified, unless it is too long ago."""
        found = self._kept.get(self._digest(kind, name, secret))
        return found[1] if found is not None and now < found[0] else None

    def keep(self, kind: TokenKind, name: str, secret: str, entry: Entry, *, now: int) -> None:
        """Remembers a success."""
        with self._lock:
            self._kept[self._digest(kind, name, secret)] = (now + _LIFE, entry)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def _digest(self, kind: TokenKind, name: str, secret: str) -> bytes:
        text = f"{kind}\0{len(name)}\0{name}\0{secret}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
