"""Who asks: a token, an API key, or a name and a password, becomes a `Caller` that permissions are decided on."""

import base64
import binascii
from functools import lru_cache

from attrs import frozen

from mailkit.accounts.login import Attempt, Login
from mailkit.accounts.oauth import OAuth
from mailkit.accounts.verified import Verified
from mailkit.clock import Clock
from mailkit.credentials.service import Credentials
from mailkit.errors import Denied
from mailkit.principals.grants import Grants
from mailkit.principals.permits import Caller, TokenKind
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Store
from mailkit.storage.calls import OWN, reads

__all__ = ["API_KEY", "Callers", "Checked"]

API_KEY = "api_"
"""What an API key begins with: the rest is base64 of `name:secret` (S1.2)."""


@frozen
class Checked:
    """A caller, and the key of the token that should be renewed once the request is served, if any."""

    caller: Caller
    renew: bytes | None = None


class Callers:
    """The use case."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        grants: Grants,
        credentials: Credentials,
        login: Login,
        oauth: OAuth,
        *,
        clock: Clock,
    ) -> None:
        self.store = store
        self._principals = principals
        self._grants = grants
        self._credentials = credentials
        self._login = login
        self._oauth = oauth
        self._clock = clock
        self._verified = Verified()

    @reads
    def of_token(self, token: str, *, tx: ReadTx = OWN) -> Checked:
        """The caller behind an access token; Denied `token.invalid`.

        A token of an account dies with the account, when it is switched off, and when its auth version moves on.
        """
        checked = self._credentials.check_token(token, now=self._clock(), tx=tx)
        row = checked.row
        renew = checked.key if checked.renew else None
        granted = self._grants.of_role(row.role, tx=tx)
        if granted is None:  # a role that is no more (W1.6)
            raise Denied("token.invalid", "Invalid access token")
        if row.owner is None:
            return Checked(_of_role(row.role, granted), renew)
        owner = self._principals.find(row.owner, tx=tx)
        if owner is None or owner.auth_version > row.auth_version or owner.suspended or not owner.active:
            raise Denied("token.invalid", "Invalid access token")
        roles = (row.role,) if row.role.startswith("wd/") else (*owner.roles, row.role)
        return Checked(self._caller(owner, roles, TokenKind.TOKEN, tx), renew)

    @reads
    def of_bearer(self, token: str, *, tx: ReadTx = OWN) -> Caller:
        """The caller behind an OAuth access token; Denied `token.invalid`. A token is void when its account is
        switched off or its auth version has moved on, and when its grant was revoked."""
        claims = self._oauth.check_access(token, now=self._clock(), tx=tx)
        owner = self._principals.find(claims.account, tx=tx)
        if owner is None:
            raise Denied("token.invalid", "Invalid access token")
        return self._caller(owner, owner.roles, TokenKind.OAUTH, tx)

    def of_api_key(self, text: str, *, ip: str | None = None) -> Caller:
        """The caller behind `api_<base64>`: a principal of type apiKey. Denied `login.failed`. Slow unless it was
        verified a minute ago."""
        try:
            name, colon, secret = base64.b64decode(text.removeprefix(API_KEY), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise Denied("login.failed", "Not an API key") from None
        if not colon:
            raise Denied("login.failed", "Not an API key")
        return self._of_secret(name, secret, TokenKind.API_KEY, ip)

    def of_password(self, name: str, password: str, *, ip: str | None = None) -> Caller:
        """The caller who logs in with a name and a password; Denied `login.failed`, `totp.missing`, or
        `permission.missing` without the permission to. Slow unless it was verified a minute ago."""
        return self._of_secret(name, password, TokenKind.BASIC, ip)

    def find_verified(self, name: str, secret: str, kind: TokenKind) -> Caller | None:
        """The caller, if this very secret was verified a minute ago and nothing changed since; quick."""
        number = self._verified.find(kind, name, secret, now=self._clock())
        if number is None:
            return None
        with self.store.snapshot() as tx:
            row = self._principals.find(number[0], tx=tx)
            if row is None or row.revision != number[1] or not row.active or row.suspended:
                return None
            return self._caller(row, row.roles, number[2], tx)

    def _of_secret(self, name: str, secret: str, kind: TokenKind, ip: str | None) -> Caller:
        name = name.strip().lower()
        known = self.find_verified(name, secret, kind)
        if known is not None:
            return known
        done = self._login.basic(Attempt(name, secret, protocol="HTTP", ip=ip))
        if kind is TokenKind.API_KEY and done.principal.kind != "apiKey":
            raise Denied("login.failed", "Not an API key")
        proved = TokenKind.APP_PASSWORD if done.app is not None else kind
        with self.store.snapshot() as tx:
            row = self._principals.find(done.principal.number, tx=tx)
            if row is None or row.revision != done.principal.revision:
                raise Denied("login.failed", "Wrong name or password")
            caller = self._caller(row, row.roles, proved, tx)
        if "authenticate" not in caller.permissions:
            raise Denied("permission.missing", permission="authenticate")
        self._verified.keep(kind, name, secret, (row.number, row.revision, proved), now=self._clock())
        return caller

    @reads
    def of_principal(self, number: int, kind: TokenKind, *, tx: ReadTx = OWN) -> Caller:
        """The caller that a principal is; Denied `token.invalid` when it is gone or switched off."""
        row = self._principals.find(number, tx=tx)
        if row is None or not row.active or row.suspended:
            raise Denied("token.invalid", "Invalid access token")
        return self._caller(row, row.roles, kind, tx)

    def _caller(self, row: Principal, roles: tuple[str, ...], kind: TokenKind, tx: ReadTx) -> Caller:
        tenant = None if row.tenant is None else self._principals.find(row.tenant, tx=tx)
        return Caller(
            principal=row.id,
            number=row.number,
            name=row.name,
            roles=roles,
            permissions=self._grants.of(row, roles=roles, tx=tx),
            kind=kind,
            tenant=tenant.id if tenant else None,
        )


@lru_cache(maxsize=64)
def _of_role(role: str, permissions: frozenset[str]) -> Caller:
    """The holder of a token that is nobody's own."""
    return Caller(name=role, roles=(role,), permissions=permissions, kind=TokenKind.TOKEN)
