"""Access tokens: 20 random bytes in hex, idle time and lifetime as WildDuck has them (W1.6). Pure."""

import hashlib
import re
from typing import Literal

from mailkit.credentials.records import Token

__all__ = ["DEFAULT_TTL", "LIFETIME", "State", "key_of", "renewal_due", "state"]

DEFAULT_TTL = 14 * 86_400_000
"""Idle time after which a token is dead, in ms."""

LIFETIME = 180 * 86_400_000
"""Time after creation when a renewable token is dead whatever its use, in ms."""

_FORM = re.compile(r"[0-9a-f]{40}")

State = Literal["valid", "malformed", "unknown", "idle", "too old"]


def key_of(token: str) -> bytes | None:
    """The SHA-256 under which a token is kept; None for text that cannot be one."""
    token = token.strip().lower()
    return hashlib.sha256(token.encode()).digest() if _FORM.fullmatch(token) else None


def state(row: Token, now: int) -> State:
    """Whether a token still counts at `now`."""
    if row.ttl is None:
        return "valid"
    if now - row.created >= LIFETIME:
        return "too old"
    return "idle" if now - max(row.renewed, row.created) >= row.ttl else "valid"


def renewal_due(row: Token, now: int) -> bool:
    """True once a 24th of the idle time has passed since the last renewal: a GET is not a write."""
    return row.ttl is not None and now - max(row.renewed, row.created) >= row.ttl // 24
