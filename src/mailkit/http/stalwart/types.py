"""Principal types and the permissions that guard them (S1.7, S3.1)."""

from collections.abc import Mapping
from typing import Final

__all__ = ["CREATABLE", "LISTED", "PERMISSION_PREFIXES"]

PERMISSION_PREFIXES: Final[Mapping[str, str]] = {
    "individual": "individual",
    "group": "group",
    "list": "mailing-list",
    "domain": "domain",
    "tenant": "tenant",
    "role": "role",
    "apiKey": "api-key",
    "oauthClient": "oauth-client",
    "resource": "principal",
    "location": "principal",
    "other": "principal",
}
"""Type -> the first part of its permissions' names."""

CREATABLE: Final = tuple(name for name in PERMISSION_PREFIXES if name != "other")
"""Types that can be created; also those that a list can be asked for."""

LISTED: Final = tuple(name for name in PERMISSION_PREFIXES if name not in ("resource", "location"))
"""Types whose permission a list without types demands, `other` included."""
