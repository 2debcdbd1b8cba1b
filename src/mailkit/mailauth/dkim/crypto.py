"""Signing and verifying octets: RSA PKCS #1 v1.5 with SHA-256, Ed25519 over a SHA-256 digest (RFC 8463 section 3)."""

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from mailkit.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from mailkit.mailauth.dkim.key import PublicKey

    PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey

__all__ = ["load_private_key", "public_record", "sign_octets", "signs_octets"]


@lru_cache(maxsize=1)
def _rsa_scheme() -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return PKCS1v15(), SHA256()


@lru_cache(maxsize=1)
def _invalid_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature


def signs_octets(public: "PublicKey", kind: str, signature: bytes, octets: bytes) -> bool:
    """Whether `signature` over `octets` was made with the private half of `public` (`kind`: `rsa` or `ed25519`)."""
    key: Any = public
    try:
        if kind == "rsa":
            key.verify(signature, octets, *_rsa_scheme())
        else:
            key.verify(signature, hashlib.sha256(octets).digest())
    except _invalid_signature():
        return False
    return True


def sign_octets(private: "PrivateKey", octets: bytes) -> bytes:
    """The signature of `octets` by an RSA or Ed25519 private key."""
    key: Any = private
    if hasattr(key, "key_size"):
        signature: bytes = key.sign(octets, *_rsa_scheme())
    else:
        signature = key.sign(hashlib.sha256(octets).digest())
    return signature


@lru_cache(maxsize=256)
def load_private_key(key: bytes) -> "PrivateKey":
    """An RSA or Ed25519 private key from PEM, from DER, or from the 32 octets of an Ed25519 seed.

    Raises Invalid (`dkim.key`) for anything else, and for RSA keys under 1024 bits (RFC 8301 section 3.2).
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    if len(key) == 32:
        return Ed25519PrivateKey.from_private_bytes(key)
    load = load_pem_private_key if b"-----BEGIN" in key else load_der_private_key
    try:
        private = load(key, password=None)
    except (ValueError, TypeError):
        raise Invalid("dkim.key", "this is no private key that can be read") from None
    if isinstance(private, RSAPrivateKey):
        if private.key_size < 1024:
            raise Invalid("dkim.key", f"the RSA key has {private.key_size} bits, fewer than 1024")
        return private
    if isinstance(private, Ed25519PrivateKey):
        return private
    raise Invalid("dkim.key", "the key is neither RSA nor Ed25519")


def public_record(private: "PrivateKey") -> str:
    """The TXT record to publish for this key (RFC 6376 section 3.6.1, RFC 8463 section 4)."""
    from base64 import b64encode

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = private.public_key()
    if hasattr(private, "key_size"):
        data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={b64encode(data).decode()}"
    data = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={b64encode(data).decode()}"
