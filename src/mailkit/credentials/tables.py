"""Where credentials are kept, and every way to find them."""

import hashlib

from mailkit.credentials.records import (
    SECRETS_CODEC,
    TOKEN_CODEC,
    AppPassword,
    AuthEvent,
    Challenge,
    Grant,
    Known,
    LastLogin,
    Revoked,
    Secrets,
    Token,
    UsedCodes,
    WebAuthnCredential,
)
from mailkit.storage import keyspace
from mailkit.storage.codec import Codec
from mailkit.storage.tables import Counter, Table

__all__ = [
    "ASPS",
    "ASP_COUNT",
    "AUTHLOG",
    "AUTHLOG_COUNT",
    "CHALLENGES",
    "GRANTS",
    "KNOWN",
    "LAST_LOGIN",
    "REVOKED",
    "SECRETS",
    "TOKENS",
    "USED_CODES",
    "WEBAUTHN",
    "raw_digest",
]

SECRETS = Table[Secrets](keyspace.SECRETS, SECRETS_CODEC)
TOKENS = Table[Token](keyspace.TOKEN, TOKEN_CODEC)

ASPS = Table[AppPassword](keyspace.ASP, Codec(AppPassword), missing="asp.not_found")
ASP_COUNT = Counter(keyspace.ASP_COUNT)

WEBAUTHN = Table[WebAuthnCredential](
    keyspace.WEBAUTHN, Codec(WebAuthnCredential), missing="webauthn.credential_not_found"
)
CHALLENGES = Table[Challenge](keyspace.CHALLENGE, Codec(Challenge), missing="webauthn.challenge_not_found")

AUTHLOG = Table[AuthEvent](keyspace.AUTHLOG, Codec(AuthEvent), missing="event.not_found")
AUTHLOG_COUNT = Counter(keyspace.AUTHLOG_COUNT)

LAST_LOGIN = Table[LastLogin](keyspace.LAST_LOGIN, Codec(LastLogin))
KNOWN = Table[Known](keyspace.KNOWN_ADDRESS, Codec(Known))
USED_CODES = Table[UsedCodes](keyspace.USED_CODE, Codec(UsedCodes))

GRANTS = Table[Grant](keyspace.GRANT, Codec(Grant))
REVOKED = Table[Revoked](keyspace.REVOKED, Codec(Revoked))


def raw_digest(raw_id: bytes) -> bytes:
    """What a WebAuthn credential is found by."""
    return hashlib.sha256(raw_id).digest()
