"""OAuth over accounts: who may get a code, what a code is worth, whose token it is (S1.3, RFC 6749, 7636, 8628, 7009).

Errors are Denied with the code `oauth.<error word of the RFC>`.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from attrs import field, frozen

from mailkit.clock import Clock
from mailkit.credentials import settings as keys
from mailkit.credentials.oauth import jwt
from mailkit.credentials.oauth.authorize import Asked, Client, authorize
from mailkit.credentials.oauth.bearer import ACCESS, REFRESH, Claims, open_token, seal_token
from mailkit.credentials.oauth.grants import Grants
from mailkit.credentials.oauth.pkce import proves
from mailkit.credentials.records import Grant
from mailkit.errors import Denied, RateLimited
from mailkit.ids import Id
from mailkit.limits import Limit, Limits
from mailkit.principals.addresses import Addresses
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.sealing import Sealing
from mailkit.settings.registry import Key
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["DEVICE_GRANT", "INTERVAL", "Device", "OAuth", "Tokens"]

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL: Final = 5
"""Seconds that a device waits between two questions."""

_TRIES = Limit(5, 1_800_000)
_KEY = "oauth"
_ID_KEY = "oauth-id-tokens"


@frozen
class Device:
    """What a device shows and keeps; `expires_in` in seconds."""

    device_code: str = field(repr=False)
    user_code: str
    expires_in: int


@frozen
class Tokens:
    """What a code is exchanged for; `expires_in` in seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)


class OAuth:
    """The use case. `setting(key)` reads a setting; `issuer()` is the URL that clients know this server by."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        sealing: Sealing,
        *,
        clock: Clock,
        setting: Callable[[Key[Any]], Any],
        issuer: Callable[[], str],
    ) -> None:
        self.store = store
        self._principals = principals
        self._addresses = addresses
        self._sealing = sealing
        self._grants = Grants()
        self._limits = Limits()
        self._clock = clock
        self._setting = setting
        self.issuer = issuer

    # asking

    @reads
    def client(self, client_id: str, *, tx: ReadTx = OWN) -> Client | None:
        """A registered client: a principal of type oauthClient, by name."""
        row = self._principals.find_name(client_id.lower(), tx=tx) if client_id else None
        if row is None or row.kind != "oauthClient":
            return None
        return Client(row.name, row.display or row.name, row.urls, vouched=not row.implicit)

    @reads
    def check(self, asked: Asked, *, direct: bool, override: bool = False, tx: ReadTx = OWN) -> Client | None:
        """The client, if it is registered; Denied `oauth.invalid_client`, `oauth.invalid_request`."""
        client = self.client(asked.client, tx=tx)
        registration = self._setting(keys.OAUTH_REGISTRATION) and not override
        refusal = authorize(asked, client, registration=registration, direct=direct)
        if refusal is not None:
            raise Denied(f"oauth.{refusal.error}", refusal.reason)
        return client

    @writes
    def code(self, caller: Caller, asked: Asked, *, nonce: str | None = None, direct: bool, tx: Tx = OWN) -> str:
        """A code for the caller's account; Denied as `check`, and `oauth.access_denied` for one without an account."""
        row = self._account(caller, tx)
        self.check(asked, direct=direct, override="oauth-client-override" in caller.permissions, tx=tx)
        return self._grants.code(
            tx,
            client=asked.client,
            redirect=asked.redirect,
            challenge=asked.challenge,
            nonce=nonce,
            account=row.number,
            auth_version=row.auth_version,
            now=self._clock(),
            life=self._setting(keys.OAUTH_CODE),
        )

    @writes
    def device(self, client_id: str, *, nonce: str | None = None, tx: Tx = OWN) -> Device:
        """Begins a device's authorization (RFC 8628 3.1)."""
        if not client_id or len(client_id) > 512:
            raise Denied("oauth.invalid_request", "client_id is missing")
        if self._setting(keys.OAUTH_REGISTRATION) and self.client(client_id, tx=tx) is None:
            raise Denied("oauth.invalid_request", "the client is not registered")
        life = self._setting(keys.OAUTH_USER_CODE)
        code, user_code = self._grants.device(tx, client=client_id, nonce=nonce, now=self._clock(), life=life)
        return Device(code, user_code, life // 1000)

    @writes
    def approve(self, caller: Caller, typed: str, *, tx: Tx = OWN) -> bool:
        """Gives the device that shows this user code the caller's account; False when there is none. Its fifth wrong
        code in half an hour is an account's last: RateLimited `oauth.user_code`."""
        row = self._account(caller, tx)
        now = self._clock()
        who = f"oauth-user-code:{row.number}"
        grant = self._grants.by_user_code(tx, typed, now=now)
        if self._limits.status(tx, who, "user codes", _TRIES, now=now).used >= (_TRIES.allowed or 0):
            raise RateLimited("oauth.user_code", "Too many wrong codes")
        if grant is None:
            self._limits.count(tx, who, "user codes", 1, _TRIES, now=now)
            return False
        self._limits.reset(tx, who, "user codes")
        self._grants.approve(tx, grant, account=row.number, auth_version=row.auth_version)
        return True

    # redeeming

    def exchange(self, form: dict[str, str]) -> Tokens:
        """What a client's form at the token endpoint is worth; Denied `oauth.*`."""
        match form.get("grant_type", "").lower():
            case "authorization_code":
                redeem = self._redeem_code
            case grant if grant == DEVICE_GRANT:
                redeem = self._redeem_device
            case "refresh_token":
                redeem = self._refresh
            case _:
                raise Denied("oauth.invalid_grant", "grant_type is unknown")
        # a refusal uses the code up too: it is returned, for what is raised undoes the transaction
        outcome = self.store.transact(lambda tx: redeem(tx, form, self._clock()))
        if isinstance(outcome, Denied):
            raise outcome
        return outcome

    def _redeem_code(self, tx: Tx, form: dict[str, str], now: int) -> Tokens | Denied:
        code, client, redirect = form.get("code"), form.get("client_id"), form.get("redirect_uri")
        if not code or not client or redirect is None:
            return _error("invalid_client", "code, client_id and redirect_uri are needed")
        grant = self._grants.find(tx, code, "code", now=now)
        if grant is None:
            return _error("access_denied", "the code is unknown or has expired")
        if grant.used:  # RFC 6749 4.1.2: somebody has stolen it, and nobody knows who came first
            self._grants.revoke(tx, grant.id, until=now + self._setting(keys.OAUTH_REFRESH))
            return _error("access_denied", "the code was used before; its tokens are void")
        self._grants.use(tx, grant)
        if client != grant.client or redirect != grant.redirect:
            return _error("invalid_client", "the code was given to another client or redirect_uri")
        if not proves(grant.challenge, form.get("code_verifier")):
            return _error("invalid_grant", "code_verifier does not fit")
        return self._issue(tx, grant, now)

    def _redeem_device(self, tx: Tx, form: dict[str, str], now: int) -> Tokens | Denied:
        grant = self._grants.find(tx, form.get("device_code", ""), "device", now=now)
        if grant is None or grant.used:
            return _error("expired_token", "the device code is unknown, used or has expired")
        if form.get("client_id") != grant.client:
            return _error("invalid_client", "the device code was given to another client")
        if grant.account is None:
            early = grant.asked and now - grant.asked < (INTERVAL - 1) * 1000
            self._grants.asked(tx, grant, now=now)
            return _error("slow_down" if early else "authorization_pending", "not approved yet")
        self._grants.use(tx, grant)
        return self._issue(tx, grant, now)

    def _refresh(self, tx: Tx, form: dict[str, str], now: int) -> Tokens | Denied:
        text = form.get("refresh_token")
        if not text:
            return _error("invalid_request", "refresh_token is missing")
        claims = self._open(text, REFRESH, now, tx)
        client = form.get("client_id")
        if claims is None or (client is not None and client != claims.client):
            return _error("invalid_grant", "the refresh token is void")
        renew = claims.expires - now <= self._setting(keys.OAUTH_RENEW)
        return self._sealed(tx, claims, now, refresh=renew)

    def _issue(self, tx: Tx, grant: Grant, now: int) -> Tokens | Denied:
        row = None if grant.account is None else self._principals.find(grant.account, tx=tx)
        if row is None or not _alive(row, grant.auth_version):
            return _error("invalid_grant", "the account has changed")
        claims = Claims(
            account=row.number,
            auth_version=row.auth_version,
            client=grant.client,
            grant=str(grant.id),
            issued=now,
            expires=now,
        )
        return self._sealed(tx, claims, now, refresh=True, subject=row, nonce=grant.nonce)

    def _sealed(
        self,
        tx: Tx,
        of: Claims,
        now: int,
        *,
        refresh: bool,
        subject: Principal | None = None,
        nonce: str | None = None,
    ) -> Tokens:
        key = self._sealing.named_key(tx, _KEY)

        def token(use: str, life: int) -> str:
            claims = Claims(
                account=of.account,
                auth_version=of.auth_version,
                client=of.client,
                grant=of.grant,
                issued=now,
                expires=now + life,
            )
            return seal_token(key, use, claims, nonce=secrets.token_bytes(12))

        life = self._setting(keys.OAUTH_TOKEN)
        return Tokens(
            token(ACCESS, life),
            life // 1000,
            token(REFRESH, self._setting(keys.OAUTH_REFRESH)) if refresh else None,
            None if subject is None else self._id_token(tx, subject, of.client, nonce, now),
        )

    def _id_token(self, tx: Tx, row: Principal, client: str, nonce: str | None, now: int) -> str:
        claims: dict[str, Any] = {
            "iss": self.issuer(),
            "aud": client,
            "iat": now // 1000,
            "exp": (now + self._setting(keys.OAUTH_ID_TOKEN)) // 1000,
            **self._about(row, tx),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return jwt.sign(self._sealing.named_key(tx, _ID_KEY), claims)

    def _about(self, row: Principal, tx: ReadTx) -> dict[str, Any]:
        main = self._addresses.main_of(row, tx=tx)
        about: dict[str, Any] = {"sub": str(row.number), "preferred_username": row.name}
        if row.display:
            about["name"] = row.display
        if main is not None:
            about |= {"email": main.value, "email_verified": True}
        return about

    # using

    @reads
    def check_access(self, token: str, *, now: int, tx: ReadTx = OWN) -> Claims:
        """What an access token says; Denied `token.invalid` for one that is void."""
        claims = self._open(token, ACCESS, now, tx)
        if claims is None:
            raise Denied("token.invalid", "Invalid access token")
        return claims

    def _open(self, text: str, use: str, now: int, tx: ReadTx) -> Claims | None:
        key = self._sealing.find_named_key(tx, _KEY)
        claims = None if key is None else open_token(key, use, text.strip(), now=now)
        if claims is None or self._grants.is_revoked(tx, claims.grant):
            return None
        row = self._principals.find(claims.account, tx=tx)
        return claims if row is not None and _alive(row, claims.auth_version) else None

    @reads
    def introspect(self, token: str, *, tx: ReadTx = OWN) -> dict[str, Any]:
        """RFC 7662: `{"active": False}` and nothing else for a token that is void."""
        now = self._clock()
        for use in (ACCESS, REFRESH):
            claims = self._open(token, use, now, tx)
            if claims is not None:
                row = self._principals.get(claims.account, tx=tx)
                return {
                    "active": True,
                    "client_id": claims.client,
                    "username": row.name,
                    "token_type": "bearer" if use == ACCESS else "refresh_token",
                    "exp": claims.expires // 1000,
                    "iat": claims.issued // 1000,
                    "sub": str(row.number),
                    "iss": self.issuer(),
                }
        return {"active": False}

    @writes
    def revoke(self, token: str, *, client: str | None = None, tx: Tx = OWN) -> None:
        """RFC 7009: voids the token and all others of its grant. A token that is void already is no error."""
        now = self._clock()
        for use in (ACCESS, REFRESH):
            claims = self._open(token, use, now, tx)
            if claims is not None and claims.grant and client in (None, claims.client):
                until = max(claims.expires, now + self._setting(keys.OAUTH_REFRESH))
                self._grants.revoke(tx, Id.parse(claims.grant), until=until)

    @reads
    def userinfo(self, caller: Caller, *, tx: ReadTx = OWN) -> dict[str, Any]:
        """OpenID Connect Core 5.3."""
        return self._about(self._account(caller, tx), tx)

    @writes
    def jwks(self, *, tx: Tx = OWN) -> dict[str, Any]:
        """The public key of ID tokens, as a set (RFC 7517 5)."""
        return {"keys": [jwt.jwk(self._sealing.named_key(tx, _ID_KEY))]}

    @writes
    def expire(self, *, now: int, tx: Tx = OWN) -> bool:
        """Forgets what is over; True when there may be more."""
        return self._grants.expire(tx, now=now)

    @writes
    def forget_codes(self, *, tx: Tx = OWN) -> bool:
        """Forgets codes that wait to be used, whoever they are for; True when there may be more."""
        return self._grants.forget(tx)

    def _account(self, caller: Caller, tx: ReadTx) -> Principal:
        row = None if caller.number is None else self._principals.find(caller.number, tx=tx)
        if row is None:
            raise Denied("oauth.access_denied", "This caller has no account")
        return row


def _alive(row: Principal, auth_version: int) -> bool:
    return row.active and not row.suspended and row.auth_version == auth_version


def _error(word: str, reason: str) -> Denied:
    return Denied(f"oauth.{word}", reason)
