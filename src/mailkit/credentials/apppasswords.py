"""Application passwords: 16 lower-case letters (75 bits), so that a keyed hash is enough to keep them by. Pure."""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["API", "EVERYWHERE", "SCOPES", "covers", "digest", "generate", "shown", "spellings", "stored_scopes"]

SCOPES: Final = ("imap", "pop3", "smtp")
"""The services an application password can be for."""

EVERYWHERE: Final = "*"
API: Final = "api"
"""A further scope, of those that were made through Stalwart's API: they log in to that API too."""

_FORM = re.compile(r"[a-z]{16}")


def generate(choice: Callable[[str], str]) -> str:
    """A new one; `choice` picks a letter (`secrets.choice`)."""
    return "".join(choice("abcdefghijklmnopqrstuvwxyz") for _ in range(16))


def spellings(password: str) -> tuple[str, ...]:
    """What a typed-in one may be kept as: itself, and without blanks and in lower case if that makes 16 letters."""
    plain = "".join(password.split()).lower()
    return (password,) if plain == password or not _FORM.fullmatch(plain) else (password, plain)


def digest(key: bytes, account: int, password: str) -> bytes:
    """What it is kept and found by."""
    return hmac.digest(key, account.to_bytes(4, "big") + password.encode("utf-8", "surrogatepass"), hashlib.sha256)


def stored_scopes(chosen: Sequence[str]) -> tuple[str, ...]:
    """As they are kept: all three are `*` (W2.10)."""
    unique = tuple(dict.fromkeys(chosen))
    return (EVERYWHERE,) if EVERYWHERE in unique or set(unique) >= set(SCOPES) or not unique else unique


def shown(scopes: Sequence[str]) -> tuple[str, ...]:
    """As they are shown: `*` is the full list (W2.10)."""
    return SCOPES if EVERYWHERE in scopes else tuple(scope for scope in scopes if scope in SCOPES)


def covers(scopes: Sequence[str], wanted: str) -> bool:
    """Whether a password with these scopes may be used for a service."""
    return wanted in scopes or (wanted != API and EVERYWHERE in scopes)
