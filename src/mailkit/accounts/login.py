"""Logging in with a name and a password (W3.3, S1.2), the same for every protocol. Over 400 lines: one decision.

    look up -> one slow verification, while the attempt is counted -> succeed or fail, in one transaction

Nobody hears of an outcome before the attempt is counted, durably: a thousand guesses sent at once are a thousand
attempts. Nothing slow happens in a transaction. Every failure costs one default verification; only a refusal for too
many failures costs none, and says so to anybody. (Of guesses that are under way at once, those that turn out to be too
many have cost one.)
"""

from typing import Final

from attrs import field, frozen

from mailkit.accounts.by import By
from mailkit.accounts.tries import Tries
from mailkit.clock import Clock
from mailkit.credentials.apppasswords import API, covers
from mailkit.credentials.appservice import AppPasswords, Use
from mailkit.credentials.attempts import Counters
from mailkit.credentials.authlog import Authlog, Event
from mailkit.credentials.factors import MASTER, TOTP, enabled, still_needed
from mailkit.credentials.onetime import OneTimeCodes
from mailkit.credentials.records import AppPassword, Secrets
from mailkit.credentials.service import TEMPORARY_LIFE, Credentials
from mailkit.credentials.tokens import DEFAULT_TTL
from mailkit.credentials.totp import split_code
from mailkit.errors import Denied, MailKitError, RateLimited
from mailkit.ids import Id
from mailkit.principals.addresses import Addresses
from mailkit.principals.grants import Grants
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads

__all__ = ["Attempt", "LoggedIn", "Login", "Preauth"]

ACTION: Final = "authentication"
CHANGE: Final = "password change"


@frozen
class Attempt:
    """Somebody wants in. `scope` is `master` for the account itself, or one service."""

    name: str
    password: str = field(repr=False)
    scope: str = MASTER
    protocol: str = "API"
    ip: str | None = None
    """The client's address; None when whoever asks for the client does not tell."""
    session: str | None = None
    app_id: str | None = None
    token: bool = False
    """A token is wanted."""


@frozen
class Preauth:
    """An account that could log in, and with which second factors."""

    principal: Principal
    address: str | None
    factors: tuple[str, ...]


@frozen
class LoggedIn:
    """A success. `source` is what proved it: master, temporary or asp."""

    principal: Principal
    source: str
    factors: tuple[str, ...] = ()
    """Second factors that are still to be shown, any one of them."""
    change: bool = False
    """A new password must be set."""
    address: str | None = None
    token: str | None = field(default=None, repr=False)
    app: AppPassword | None = None


@frozen
class _Facts:
    """What the slow part needs, read at once."""

    tries: Counters
    row: Principal | None = None
    secrets: Secrets = field(factory=Secrets)
    app: AppPassword | None = None
    hashed: tuple[AppPassword, ...] = ()
    is_temporary: bool = False
    permitted: bool = True
    """May log in at all. Stalwart's way asks later: there it is an answer of its own."""


@frozen
class _Proof:
    source: str
    app: AppPassword | None = None
    stale: tuple[str, str] | None = None
    """A hash to be replaced, and with what."""
    code: str | None = None


class Login:
    """The use case."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        grants: Grants,
        credentials: Credentials,
        apps: AppPasswords,
        codes: OneTimeCodes,
        authlog: Authlog,
        tries: Tries,
        *,
        clock: Clock,
    ) -> None:
        self.store = store
        self._principals = principals
        self._addresses = addresses
        self._grants = grants
        self._credentials = credentials
        self._apps = apps
        self._codes = codes
        self._authlog = authlog
        self._tries = tries
        self._clock = clock

    # WildDuck's way: scopes, tokens, second factors afterwards

    @reads
    def preauth(self, name: str, *, scope: str = MASTER, tx: ReadTx = OWN) -> Preauth:
        """Whether this account could log in. Denied `login.failed`, `login.scope`. Looks at no password."""
        row = self._resolve(tx, name)
        if row is None or not row.active or row.suspended or not self._permitted(row, tx):
            raise Denied("login.failed", "Authentication failed")
        if _closed(row, scope):
            raise Denied("login.scope", "Access to requested service disabled")
        main = self._addresses.main_of(row, tx=tx)
        secrets = self._credentials.secrets(row.number, tx=tx)
        return Preauth(row, main.value if main else None, enabled(secrets) if scope == MASTER else ())

    def authenticate(self, attempt: Attempt) -> LoggedIn:
        """Logs in. Denied `login.failed` (with `id` when there is such an account), `login.scope`,
        `login.not_yet_valid`; RateLimited `login.limited`. Slow."""
        now = self._clock()
        facts = self._look(attempt, now, by_name_only=False)
        row = facts.row
        refusal: Denied | None = None
        with self._tries.counting(facts.tries, now=now):
            if row is None or not row.active or row.suspended or not facts.permitted or not attempt.password:
                self._credentials.verify(None, attempt.password)
                proof = None
            elif _closed(row, attempt.scope):
                self._credentials.verify(None, attempt.password)
                proof, refusal = None, _wrong_scope("Access to requested service disabled")
            else:
                try:
                    proof = self._prove(attempt, facts, now)
                except Denied as error:
                    proof, refusal = None, error
        if refusal is not None:
            raise self._failed(attempt, facts, now, "fail", refusal)
        if row is not None and (not row.active or row.suspended):
            raise self._failed(attempt, facts, now, _state(row), Denied("login.failed", "Authentication failed"))
        if proof is None:
            raise self._failed(attempt, facts, now, "fail", Denied("login.failed", "Authentication failed"))
        return self.store.transact(lambda tx: self._succeed(tx, attempt, facts, proof, now))

    # Stalwart's way: names only, the second factor with the password

    def basic(self, attempt: Attempt) -> LoggedIn:
        """Logs in with `password`, or `password$code` where a TOTP seed is set; or with an application password of the
        API. Denied `login.failed`, `totp.missing`; RateLimited. Slow."""
        now = self._clock()
        facts = self._look(attempt, now, by_name_only=True)
        row = facts.row
        failed = Denied("login.failed", "Wrong name or password")
        with self._tries.counting(facts.tries, now=now):
            if row is None or not row.active or row.suspended or not attempt.password:
                self._credentials.verify(None, attempt.password)
                proof = None
            else:
                proof = self._prove_basic(attempt, facts)
        if proof is None:
            raise self._failed(attempt, facts, now, "fail" if row is None else _state(row), failed)
        if proof.source == "master" and facts.secrets.otp:
            if proof.code is None:
                raise self._failed(attempt, facts, now, "fail", Denied("totp.missing", "The TOTP code is missing"))
            try:
                return self.store.transact(lambda tx: self._succeed(tx, attempt, facts, proof, now))
            except (Denied, RateLimited) as error:
                if not error.code.startswith("totp."):
                    raise
                raise self._failed(attempt, facts, now, "fail", failed) from error
        return self.store.transact(lambda tx: self._succeed(tx, attempt, facts, proof, now))

    # somebody who is logged in already

    def confirm(self, row: Principal, password: str, *, ip: str | None, by: By) -> None:
        """Checks the permanent password of an account; one that has none has nothing to be checked. Slow.

        Denied `password.wrong`; RateLimited `login.limited`, for it is one attempt more. `ip` is the client's address
        where it is told by somebody who may log others in, else None.
        """
        now = self._clock()
        with self.store.snapshot() as tx:
            stored = self._credentials.password_hash(row.number, tx=tx)
            if stored is None:
                return
            tries = self._tries.begin(row.number, row.name, ip, now=now, tx=tx)
        with self._tries.counting(tries, now=now):
            right = self._credentials.verify(stored, password).right

        def note(tx: Tx) -> None:
            if right:
                self._tries.succeeded(tries, tx=tx)
            elif self._principals.find(row.number, tx=tx) is not None:
                self._tries.failed(tries, now=now, tx=tx)
                self._authlog.add(row.number, by.event(CHANGE, "fail"), now=now, tx=tx)

        self.store.transact(note)
        if not right:
            raise Denied("password.wrong", "Password not correct")

    # the steps

    def _resolve(self, tx: ReadTx, name: str) -> Principal | None:
        """An individual by address or user name (W3.3, 2): labels and dots aside, no wildcards, no forwards."""
        if "@" in name:
            found = self._addresses.resolve(name, wildcards=False, tx=tx)
            if found is not None:
                return found[1] if found[1].kind == "individual" else None
        return self._principals.find_login(name, tx=tx)

    @reads
    def _look(self, attempt: Attempt, now: int, *, by_name_only: bool, tx: ReadTx = OWN) -> _Facts:
        """What the slow part needs. RateLimited when there were too many failures already."""
        if by_name_only:
            row = self._principals.find_name(attempt.name.strip().lower(), tx=tx)
        else:
            row = self._resolve(tx, attempt.name)
        tries = self._tries.begin(None if row is None else row.number, attempt.name, attempt.ip, now=now, tx=tx)
        if row is None:
            return _Facts(tries)
        secrets = self._credentials.secrets(row.number, tx=tx)
        apps = by_name_only or attempt.scope != MASTER
        return _Facts(
            tries,
            row,
            secrets,
            self._apps.find(row.number, attempt.password, now=now, tx=tx) if apps else None,
            self._apps.hashed(row.number, now=now, tx=tx) if apps else (),
            self._credentials.is_generated_temporary(secrets, row.number, attempt.password, tx=tx),
            by_name_only or self._permitted(row, tx),
        )

    def _permitted(self, row: Principal, tx: ReadTx) -> bool:
        return "authenticate" in self._grants.of(row, tx=tx)

    def _prove(self, attempt: Attempt, facts: _Facts, now: int) -> _Proof | None:
        """W3.3, steps 7 to 9. Denied when it is a proof, but none for this scope or time."""
        temporary = facts.secrets.temporary
        fresh = temporary is not None and now - temporary.created < TEMPORARY_LIFE
        if attempt.scope == MASTER and fresh and temporary is not None:
            right = facts.is_temporary
            if right:
                self._credentials.verify(None, attempt.password)  # what it would cost to be wrong
            elif temporary.hash is not None:
                right = self._credentials.verify(temporary.hash, attempt.password).right
            if right and now < temporary.valid_after:
                raise Denied("login.not_yet_valid", "Temporary password is not yet activated")
            if right:
                return _Proof("temporary")
            if temporary.hash is not None and facts.secrets.password is None:
                return None
        if attempt.scope != MASTER and facts.app is not None and covers(facts.app.scopes, attempt.scope):
            return _Proof("asp", facts.app)  # found by its keyed hash: nothing slow is needed
        proof = self._password(facts, attempt.password)
        if proof is not None and attempt.scope != MASTER and enabled(facts.secrets):
            raise _wrong_scope("Authentication failed. Invalid scope")  # 2FA: services need application passwords
        if proof is None and attempt.scope != MASTER:
            proof = self._app(facts, attempt.password)
            if proof is not None and proof.app is not None and not covers(proof.app.scopes, attempt.scope):
                raise _wrong_scope("Authentication failed. Invalid scope")
        return proof

    def _prove_basic(self, attempt: Attempt, facts: _Facts) -> _Proof | None:
        if facts.app is not None and covers(facts.app.scopes, API):
            return _Proof("asp", facts.app)
        password, code = split_code(attempt.password) if facts.secrets.otp else (attempt.password, None)
        proof = self._password(facts, password)
        if proof is not None:
            return _Proof("master", stale=proof.stale, code=code)
        proof = self._app(facts, attempt.password)
        return proof if proof and proof.app and covers(proof.app.scopes, API) else None

    def _password(self, facts: _Facts, password: str) -> _Proof | None:
        """One of the passwords of the account; with none set, one verification is spent."""
        for stored in (facts.secrets.password, *facts.secrets.more):
            if stored is None and facts.secrets.more:
                continue
            verdict = self._credentials.verify(stored, password)
            if verdict.right and stored is not None:
                stale = (stored, self._credentials.hash(password)) if verdict.outdated else None
                return _Proof("master", stale=stale)
        return None

    def _app(self, facts: _Facts, password: str) -> _Proof | None:
        if facts.app is not None:
            return _Proof("asp", facts.app)
        for app in facts.hashed:
            if self._credentials.verify(app.hash, password).right:
                return _Proof("asp", app)
        return None

    def _succeed(self, tx: Tx, attempt: Attempt, facts: _Facts, proof: _Proof, now: int) -> LoggedIn:
        assert facts.row is not None
        number = facts.row.number
        row = self._principals.find(number, tx=tx)
        unchanged = self._credentials.secrets(number, tx=tx).changed == facts.secrets.changed
        if row is None or not row.active or row.suspended or not unchanged:
            raise Denied("login.failed", "Authentication failed")  # changed while the password was being verified
        if proof.code is not None and proof.source == "master":
            self._codes.use(tx, number, proof.code, now=now)
        self._tries.succeeded(facts.tries, tx=tx)
        if proof.stale is not None:
            self._credentials.upgrade(number, *proof.stale, tx=tx)
        factors = still_needed(facts.secrets, scope=attempt.scope, source=proof.source)
        if proof.code is not None:
            factors = tuple(each for each in factors if each != TOTP)
        details = {"source": proof.source, "appId": attempt.app_id or "", "require2fa": ",".join(factors)}
        if proof.app is not None:
            details |= {"asp": str(proof.app.id), "aname": proof.app.name}
        event = self._log(tx, number, attempt, "success", details, now)
        if proof.app is not None:
            use = Use(now, event, attempt.ip)
            self._apps.used(number, proof.app.id, use, password=attempt.password, tx=tx)
        self._authlog.logged_in(number, event=event, ip=attempt.ip, now=now, tx=tx)
        token = None
        if attempt.token and attempt.scope == MASTER:
            token = self._credentials.issue_token(
                "wd/user", now=now, owner=number, auth_version=row.auth_version, ttl=DEFAULT_TTL, tx=tx
            )
        main = self._addresses.main_of(row, tx=tx)
        return LoggedIn(
            row,
            proof.source,
            factors,
            change=proof.source == "temporary",
            address=main.value if main else None,
            token=token,
            app=proof.app,
        )

    def _failed(self, attempt: Attempt, facts: _Facts, now: int, result: str, error: MailKitError) -> MailKitError:
        """Counts and logs a failure; the error to raise, with the account's id if there is one."""

        def note(tx: Tx) -> None:
            self._tries.failed(facts.tries, now=now, tx=tx)
            if facts.row is not None and self._principals.find(facts.row.number, tx=tx) is not None:
                details = {"appId": attempt.app_id or ""}
                if error.code == "login.scope":
                    details["requiredScope"] = attempt.scope
                self._log(tx, facts.row.number, attempt, result, details, now)

        self.store.transact(note)
        if facts.row is None:
            return error
        return type(error)(error.code, error.message, **error.fields, id=str(facts.row.id))

    def _log(self, tx: Tx, number: int, attempt: Attempt, result: str, details: dict[str, str], now: int) -> Id | None:
        event = Event(
            ACTION,
            result,
            attempt.protocol,
            attempt.ip,
            attempt.session,
            {name: value for name, value in details.items() if value},
        )
        return self._authlog.add(number, event, now=now, tx=tx)


def _closed(row: Principal, scope: str) -> bool:
    return row.profile is not None and scope in row.profile.disabled_scopes


def _state(row: Principal) -> str:
    if not row.active:
        return "disabled"
    return "suspended" if row.suspended else "fail"


def _wrong_scope(message: str) -> Denied:
    return Denied("login.scope", message)
