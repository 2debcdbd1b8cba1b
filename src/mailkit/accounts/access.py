"""Everything about access, built from the ground and wired together; `kit.py` shows its parts under their names.

It decides nothing. `diagram`: docs/access.md.
"""

from mailkit.accounts.app_passwords import AccountAppPasswords
from mailkit.accounts.callers import Callers
from mailkit.accounts.login import Login
from mailkit.accounts.oauth import OAuth
from mailkit.accounts.oauth_clients import OAuthClients
from mailkit.accounts.profiles import Profiles
from mailkit.accounts.secrets import Secrets as SecretList
from mailkit.accounts.tries import Tries
from mailkit.accounts.twofactor import TwoFactor
from mailkit.clock import Clock
from mailkit.credentials import onetime
from mailkit.credentials import settings as keys
from mailkit.credentials.appservice import AppPasswords
from mailkit.credentials.attempts import Policy
from mailkit.credentials.authenticators import Authenticators
from mailkit.credentials.authlog import Authlog
from mailkit.credentials.expiry import expire
from mailkit.credentials.onetime import OneTimeCodes
from mailkit.credentials.records import Secrets
from mailkit.credentials.service import Credentials
from mailkit.limits import Limit
from mailkit.limits.settings import APP_PASSWORDS
from mailkit.principals.addresses import Addresses
from mailkit.principals.grants import Grants
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.sealing.rotate import Reseal
from mailkit.settings import Settings, kernel
from mailkit.storage.api import Store, Tx

__all__ = ["Access"]


class Access:
    """The services of access over one store."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        grants: Grants,
        credentials: Credentials,
        settings: Settings,
        *,
        clock: Clock,
    ) -> None:
        get = settings.get
        sealing = credentials.sealing
        self._settings = settings
        self._credentials = credentials
        self._apps = AppPasswords(store, sealing)
        codes = self._codes = OneTimeCodes(sealing, window=get(keys.TOTP_WINDOW))
        self.authlog = Authlog(store, lambda: get(kernel.AUTHLOG_KEEP))
        self.login = Login(
            store,
            principals,
            addresses,
            grants,
            credentials,
            self._apps,
            codes,
            self.authlog,
            Tries(store, self.authlog, policy=self._policy, exempt=lambda: get(keys.LOGIN_EXEMPT)),
            clock=clock,
        )
        self.oauth = OAuth(
            store, principals, addresses, sealing, clock=clock, setting=settings.get, issuer=self.public_url
        )
        self.oauth_clients = OAuthClients(store, principals, clock=clock, setting=settings.get)
        self.callers = Callers(store, principals, grants, credentials, self.login, self.oauth, clock=clock)
        self.two_factor = TwoFactor(
            store,
            principals,
            addresses,
            credentials,
            codes,
            Authenticators(store),
            self.authlog,
            clock=clock,
            origins=self._origins,
        )
        self.app_passwords = AccountAppPasswords(
            store, principals, addresses, self._apps, self.authlog, clock=clock, limit=self._app_limit
        )
        self.profiles = Profiles(settings.get, lambda: settings.get(kernel.MAIL_HOSTNAME) or "localhost")
        self.secrets = SecretList(
            store, principals, credentials, self._apps, codes, self.authlog, clock=clock, limit=self._app_limit
        )

    def public_url(self) -> str:
        """The URL that clients use, as configured; else the one that is listened on. Never the Host header."""
        configured = self._settings.get(kernel.HTTP_PUBLIC_URL)
        return configured or f"http://{self._settings.get(kernel.HTTP_LISTEN) or 'localhost'}"

    def expire(self, tx: Tx, *, now: int) -> bool:
        """Forgets what is over; True when there may be more."""
        more = [
            expire(self._credentials, self._apps, tx, now=now),
            self.authlog.expire(now=now, tx=tx),
            self.oauth.expire(now=now, tx=tx),
        ]
        return any(more)

    def sealed(self) -> tuple[tuple[str, Reseal], ...]:
        """The walks of a key rotation."""
        return (("credentials", onetime.reseal(self._credentials.sealing)),)

    def unseal(self, number: int, secrets: Secrets) -> None:
        """Opens every TOTP seed of a principal; Corrupt, Unavailable, Invalid when one does not open."""
        for each in secrets.otp:
            self._codes.open(number, each)
        if secrets.pending is not None:
            self._codes.open_pending(number, secrets.pending)

    def _policy(self) -> Policy:
        get = self._settings.get
        default = Policy()
        return Policy(
            Limit(get(keys.LOGIN_FAILURES), default.own.length),
            Limit(get(keys.LOGIN_FAILURES_ACCOUNT), default.account.length),
            Limit(get(keys.LOGIN_FAILURES_NETWORK), default.network.length),
        )

    def _origins(self) -> tuple[str, ...]:
        return self._settings.get(keys.WEBAUTHN_ORIGINS) or (self.public_url(),)

    def _app_limit(self, row: Principal) -> int:
        own = row.profile.limits.get("app_passwords", 0) if row.profile else 0
        return own or self._settings.get(APP_PASSWORDS)
