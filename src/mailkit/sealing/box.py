"""One sealed value: AES-256-GCM (NIST SP 800-38D). Pure: the nonce is an argument.

version (1 byte) | key id (4) | nonce (12) | ciphertext and tag
"""

import hashlib
import hmac
from typing import Final

from attrs import field, frozen

from mailkit.errors import Corrupt

__all__ = ["KEY_SIZE", "NONCE_SIZE", "Key", "key_id_of", "open_box", "seal_box"]

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
_VERSION: Final = b"\x01"
_HEAD: Final = 1 + 4 + NONCE_SIZE


@frozen
class Key:
    """A key and the four bytes it goes by."""

    id: bytes
    secret: bytes = field(repr=False)

    @property
    def check(self) -> bytes:
        """Tells this key from any other, and tells nothing about it."""
        return hmac.digest(self.secret, b"mailkit: is this the right secret.key?", hashlib.sha256)[:16]


def seal_box(key: Key, plain: bytes, *, owner: str, nonce: bytes) -> bytes:
    """Encrypts. A nonce must never come twice under one key: 12 random bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = _VERSION + key.id + nonce
    return head + AESGCM(key.secret).encrypt(nonce, plain, head + owner.encode())


def open_box(key: Key, sealed: bytes, *, owner: str) -> bytes:
    """Decrypts; Corrupt `sealed.corrupt` when the bytes, the key or the owner are not those of sealing."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) < _HEAD + 16 or sealed[:1] != _VERSION:
        raise Corrupt("sealed.corrupt", "A sealed value has no known form")
    head, rest = sealed[:_HEAD], sealed[_HEAD:]
    try:
        return AESGCM(key.secret).decrypt(head[5:], rest, head + owner.encode())
    except InvalidTag:
        raise Corrupt("sealed.corrupt", "A sealed value was changed, or sealed for something else") from None


def key_id_of(sealed: bytes) -> bytes:
    """Which key a value lies under."""
    return sealed[1:5]
