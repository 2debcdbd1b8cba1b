"""May this client have a code sent there? Pure (RFC 6749 3.1.2, RFC 9700 2.1, RFC 8252 7).

    a registered client        exactly one of its redirect URIs; PKCE is its choice, unless it registered itself
    webadmin                   stalwart://auth, the administration page that Stalwart's clients are built like
    any other client           PKCE, and a private-use scheme or this machine's loopback; a caller that is handed the
                               code itself may name any redirect URI but a plain http one
    registration is demanded   registered clients only

A redirect URI is compared as text: nothing is normalised, so nothing can be confused.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

__all__ = ["WEBADMIN", "Asked", "Client", "Refusal", "authorize", "is_local"]

WEBADMIN: Final = "webadmin"
_WEBADMIN_REDIRECT: Final = "stalwart://auth"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_DANGEROUS: Final = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ws", "wss", "ftp"})


@frozen
class Client:
    """A registered client."""

    id: str
    name: str
    redirects: tuple[str, ...]
    vouched: bool = True
    """False for one that registered itself: whoever it says it is, nobody has looked."""


@frozen
class Asked:
    """What a client asks for. `redirect` may be empty: the code is then handed to the caller itself."""

    client: str
    redirect: str
    challenge: str | None = None
    method: str | None = None


@frozen
class Refusal:
    """Why not: an error word of RFC 6749 and a sentence."""

    error: str
    reason: str


def authorize(asked: Asked, client: Client | None, *, registration: bool, direct: bool) -> Refusal | None:
    """None when the code may be made. `direct`: whoever asks is signed in and gets the code in the answer (S1.3); else
    a browser is sent to `asked.redirect` with it."""
    if not asked.client:
        return Refusal("invalid_request", "client_id is missing")
    if asked.challenge is not None and (asked.method or "plain") != "S256":
        return Refusal("invalid_request", "code_challenge_method must be S256")
    if asked.challenge is not None and not _CHALLENGE.fullmatch(asked.challenge):
        return Refusal("invalid_request", "code_challenge is not 43 characters of base64url")
    if asked.method is not None and asked.challenge is None:
        return Refusal("invalid_request", "code_challenge is missing")
    if client is not None:
        if not client.vouched and asked.challenge is None:
            return Refusal("invalid_request", "a client that registered itself must use PKCE (S256)")
        if asked.redirect in client.redirects or (direct and not asked.redirect):
            return None
        return Refusal("invalid_client", "redirect_uri is not registered for this client")
    if asked.client == WEBADMIN:
        if asked.redirect == _WEBADMIN_REDIRECT or (direct and not asked.redirect):
            return None
        return Refusal("invalid_client", f"the redirect_uri of webadmin is {_WEBADMIN_REDIRECT}")
    if registration:
        return Refusal("invalid_request", "the client is not registered")
    if asked.challenge is None:
        return Refusal("invalid_request", "a client that is not registered must use PKCE (S256)")
    if is_local(asked.redirect) or (direct and not asked.redirect.lower().startswith("http:")):
        return None
    return Refusal("invalid_client", "a client that is not registered may redirect to this machine only")


def is_local(redirect: str) -> bool:
    """A private-use scheme (RFC 8252 7.1) or a loopback address (7.3)."""
    try:
        parts = urlsplit(redirect)
        host = parts.hostname
    except ValueError:
        return False
    if parts.fragment or not parts.scheme or re.search(r"[\x00-\x20\\]", redirect) or parts.username is not None:
        return False
    if parts.scheme in ("http", "https"):
        return parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")
    return parts.scheme.lower() not in _DANGEROUS
