"""What browsers may do here: other sites' pages, and the rules of a server without credentials. Pure."""

import re
from collections.abc import Collection

__all__ = ["cors_headers", "foreign_site", "local_only"]

Headers = list[tuple[bytes, bytes]]

_LOCAL = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_EXPOSED = b"content-length, content-type, date, request-id"
_METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
_ALLOWED = b"accept, authorization, content-type, x-access-token, x-requested-with, last-event-id, idempotency-key"


def local_only(host: str, origin: str, fetch_site: str) -> str | None:
    """Why a server that asks for no credentials refuses a request; None when it is served.

    Any page that a browser on this machine shows can send requests here, and DNS can point any name at it: only Host
    localhost, 127.0.0.1 or [::1] is served, and nothing that a page of another site sent.
    """
    if not _LOCAL.fullmatch(host):
        return "this server asks for no credentials and answers to localhost only"
    if foreign_site(fetch_site) or (origin and origin.lower().partition("://")[2] != host.lower()):
        return "this server asks for no credentials and refuses other sites"
    return None


def cors_headers(origin: str, allowed: Collection[str], *, preflight: bool) -> Headers:
    """The headers that let a page of `origin` read the answer; none when it is not allowed.

    `*` allows every origin, but never with credentials.
    """
    if not origin or not allowed:
        return []
    headers: Headers = [(b"vary", b"origin")]
    if origin in allowed:
        headers += [(b"access-control-allow-origin", origin.encode()), (b"access-control-allow-credentials", b"true")]
    elif "*" in allowed:
        headers.append((b"access-control-allow-origin", b"*"))
    else:
        return headers
    if preflight:
        headers += [(b"access-control-allow-methods", _METHODS), (b"access-control-allow-headers", _ALLOWED)]
    else:
        headers.append((b"access-control-expose-headers", _EXPOSED))
    return headers


def foreign_site(fetch_site: str) -> bool:
    """True when a browser says that a page of another site sent this (Sec-Fetch-Site)."""
    return fetch_site in ("cross-site", "same-site")
