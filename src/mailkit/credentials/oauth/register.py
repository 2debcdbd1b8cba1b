"""What a client says of itself when it registers (RFC 7591 section 2). Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

from mailkit.credentials.oauth.authorize import is_local

__all__ = ["Metadata", "Refused", "metadata"]

_MOST_REDIRECTS: Final = 10
_LONGEST: Final = 2048


@frozen
class Metadata:
    """A client that can be registered."""

    name: str
    redirects: tuple[str, ...]


@frozen
class Refused:
    """Why not: an error word of RFC 7591 3.2.2 and a sentence."""

    error: str
    reason: str


def metadata(body: Mapping[str, Any]) -> Metadata | Refused:
    """The client, or why it cannot be registered. What it does not ask for by name is not refused: an answer tells a
    client what it got (3.2.1)."""
    uris = body.get("redirect_uris")
    if not isinstance(uris, list) or not 0 < len(uris) <= _MOST_REDIRECTS:
        return Refused("invalid_redirect_uri", f"redirect_uris must be a list of 1 to {_MOST_REDIRECTS}")
    for uri in uris:
        if not isinstance(uri, str) or len(uri) > _LONGEST or not (is_local(uri) or _is_https(uri)):
            return Refused("invalid_redirect_uri", "a redirect_uri is https, of this machine or of a private scheme")
    if body.get("token_endpoint_auth_method", "none") != "none":
        return Refused(
            "invalid_client_metadata", "token_endpoint_auth_method must be none: there are no client secrets"
        )
    name = body.get("client_name", "")
    if not isinstance(name, str) or len(name) > 100 or not name.isprintable():
        return Refused("invalid_client_metadata", "client_name must be a text of up to 100 characters")
    return Metadata(name, tuple(uris))


def _is_https(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    plain = not parts.fragment and parts.username is None and not re.search(r"[\x00-\x20\\]", uri)
    return parts.scheme == "https" and bool(host) and plain
