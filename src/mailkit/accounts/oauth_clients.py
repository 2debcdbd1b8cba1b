"""Dynamic client registration (RFC 7591): a client becomes a principal of type oauthClient."""

import secrets
import string
from collections.abc import Callable
from typing import Any, Final

from mailkit.clock import Clock
from mailkit.credentials import settings as keys
from mailkit.credentials.oauth.register import Refused, metadata
from mailkit.errors import Denied
from mailkit.ids import new_id
from mailkit.limits import Limit, Limits
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.settings.registry import Key
from mailkit.storage.api import Store, Tx
from mailkit.storage.calls import OWN, writes

__all__ = ["PERMISSION", "OAuthClients"]

PERMISSION: Final = "oauth-client-registration"
_OF_ONE: Final = Limit(10, 86_400_000)
_OF_ALL: Final = Limit(200, 86_400_000)


class OAuthClients:
    """The use case. `setting(key)` reads a setting."""

    def __init__(
        self, store: Store, principals: Principals, *, clock: Clock, setting: Callable[[Key[Any]], Any]
    ) -> None:
        self.store = store
        self._principals = principals
        self._limits = Limits()
        self._clock = clock
        self._setting = setting

    @writes
    def register(self, body: dict[str, Any], caller: Caller | None, *, network: str, tx: Tx = OWN) -> dict[str, Any]:
        """The answer to a registration (3.2.1). A caller needs the permission; nobody in particular may register when
        `oauth.registration_anonymous` is set: 10 clients a day from one network, 200 from all.

        Denied `token.invalid`, `permission.missing`, `oauth.<error word>`; RateLimited.
        """
        now = self._clock()
        anonymous = caller is None or PERMISSION not in caller.permissions
        if anonymous and not self._setting(keys.OAUTH_ANONYMOUS):
            if caller is None:
                raise Denied("token.invalid", "Registering a client needs credentials")
            raise Denied("permission.missing", "This account may not register clients", permission=PERMISSION)
        if caller is not None and caller.tenant is not None and not anonymous:
            raise Denied("permission.missing", "Clients belong to no tenant", permission=PERMISSION)
        found = metadata(body)
        if isinstance(found, Refused):
            raise Denied(f"oauth.{found.error}", found.reason)
        if anonymous:
            self._limits.take(tx, f"oauth-register:{network}", "client registrations", 1, _OF_ONE, now=now)
            self._limits.take(tx, "oauth-register", "client registrations", 1, _OF_ALL, now=now)
        name = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(20))
        row = Principal(
            number=0,
            id=new_id(now),
            kind="oauthClient",
            name=name,
            display=found.name or None,
            created=now,
            urls=found.redirects,
            implicit=anonymous,
        )
        self._principals.create(row, tx=tx)
        told: dict[str, Any] = {
            "client_id": name,
            "client_id_issued_at": now // 1000,
            "redirect_uris": list(found.redirects),
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }
        return {**told, "client_name": found.name} if found.name else told
