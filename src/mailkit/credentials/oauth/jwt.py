"""ID tokens (OpenID Connect Core 1.0 section 2): JSON Web Tokens (RFC 7519) signed with ES256 (RFC 7518 3.4)."""

import base64
import hashlib
from typing import Any

import msgspec

__all__ = ["jwk", "sign"]


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _private(key: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    # a key of 32 random bytes as the scalar; reduced to be in range (FIPS 186-5 A.2.1)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return ec.derive_private_key(int.from_bytes(key) % (order - 1) + 1, ec.SECP256R1())


def jwk(key: bytes) -> dict[str, str]:
    """The public key (RFC 7517), named by its thumbprint (RFC 7638)."""
    numbers = _private(key).public_key().public_numbers()
    public = {
        "crv": "P-256",
        "kty": "EC",
        "x": _b64(numbers.x.to_bytes(32)),
        "y": _b64(numbers.y.to_bytes(32)),
    }
    thumbprint = _b64(hashlib.sha256(msgspec.json.encode(public)).digest())
    return {**public, "use": "sig", "alg": "ES256", "kid": thumbprint}


def sign(key: bytes, claims: dict[str, Any]) -> str:
    """The token."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    head = _b64(msgspec.json.encode({"alg": "ES256", "typ": "JWT", "kid": jwk(key)["kid"]}))
    signed = f"{head}.{_b64(msgspec.json.encode(claims))}"
    r, s = decode_dss_signature(_private(key).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_b64(r.to_bytes(32) + s.to_bytes(32))}"
