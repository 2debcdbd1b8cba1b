"""Sealed tokens: what a token says, encrypted and authenticated, so that it need not be stored. Pure.

base64url(nonce | AES-256-GCM(JSON)), with the token's use as associated data: a refresh token is no access token
"""

import base64
import binascii
from typing import Final

import msgspec

__all__ = ["ACCESS", "REFRESH", "Claims", "open_token", "seal_token"]

ACCESS: Final = "access"
REFRESH: Final = "refresh"
_NONCE: Final = 12
_LONGEST: Final = 2048


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says. `grant` is the authorization that it came of, in hex; times are UTC milliseconds."""

    account: int = msgspec.field(name="a")
    auth_version: int = msgspec.field(name="v")
    client: str = msgspec.field(name="c")
    grant: str = msgspec.field(name="g", default="")
    issued: int = msgspec.field(name="i")
    expires: int = msgspec.field(name="e")
    permissions: tuple[str, ...] = msgspec.field(name="p", default=())


def seal_token(key: bytes, use: str, claims: Claims, *, nonce: bytes) -> str:
    """The token as text. `nonce`: 12 random bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(claims), use.encode())
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_token(key: bytes, use: str, text: str, *, now: int) -> Claims | None:
    """What it says; None for one that was changed, is for something else, or has expired."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(text) > _LONGEST:
        return None
    try:
        sealed = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], use.encode())
        claims = msgspec.json.decode(plain, type=Claims)
    except (binascii.Error, ValueError, InvalidTag, msgspec.MsgspecError):
        return None
    return claims if now < claims.expires else None
