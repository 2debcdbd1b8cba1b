"""Proof Key for Code Exchange (RFC 7636): who redeems a code shows what it hid when asking. Pure."""

import base64
import hashlib
import hmac
import re

__all__ = ["challenge_of", "proves"]

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def proves(challenge: str | None, verifier: str | None) -> bool:
    """Whether a verifier fits (4.6). A code asked for without a challenge must be redeemed without a verifier, else a
    stolen code could be redeemed with anybody's (RFC 9700 4.8.2)."""
    if challenge is None:
        return verifier is None
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(challenge_of(verifier).encode(), challenge.encode())
