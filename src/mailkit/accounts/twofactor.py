"""Second factors of accounts: TOTP, custom, WebAuthn (W2.11, W3.4).

The first factor that is set up ends all sessions of the account but the one that did it: who had stolen one is out.
"""

from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.accounts.by import By
from mailkit.clock import Clock
from mailkit.credentials import factors, totp, webauthn
from mailkit.credentials.authenticators import Authenticators
from mailkit.credentials.authlog import Authlog, Event
from mailkit.credentials.onetime import OneTimeCodes
from mailkit.credentials.records import Challenge, Secrets, WebAuthnCredential
from mailkit.credentials.service import Credentials
from mailkit.credentials.tokens import DEFAULT_TTL
from mailkit.errors import Denied, Invalid, RateLimited
from mailkit.ids import Id, new_id
from mailkit.limits import Limit, Limits
from mailkit.principals.addresses import Addresses
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["Asserted", "Ceremony", "TwoFactor"]

_TRIES = Limit(12, 120_000)
_WHAT = "TOTP checks"


@frozen
class Ceremony:
    """A WebAuthn ceremony that was begun: what the browser is to be told besides its kind's constants."""

    challenge: bytes
    rp_id: str
    attachment: str
    account: Principal
    address: str | None
    credentials: tuple[WebAuthnCredential, ...]
    """Those of this attachment."""


@frozen
class Asserted:
    """A WebAuthn login that proved itself."""

    credential: WebAuthnCredential
    token: str | None = field(default=None, repr=False)


class TwoFactor:
    """The use case. `origins()` are those whose pages may use WebAuthn."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        addresses: Addresses,
        credentials: Credentials,
        codes: OneTimeCodes,
        authenticators: Authenticators,
        authlog: Authlog,
        *,
        clock: Clock,
        origins: Callable[[], tuple[str, ...]],
    ) -> None:
        self.store = store
        self._principals = principals
        self._addresses = addresses
        self._credentials = credentials
        self._codes = codes
        self._authenticators = authenticators
        self._authlog = authlog
        self._limits = Limits()
        self._clock = clock
        self._origins = origins

    @reads
    def enabled(self, id: Id, *, tx: ReadTx = OWN) -> tuple[str, ...]:
        """The methods that are set up; NotFound `user.not_found`."""
        row = self._principals.user(id, tx=tx)
        return factors.enabled(self._credentials.secrets(row.number, tx=tx))

    # TOTP

    @writes
    def setup_totp(self, id: Id, *, issuer: str, label: str | None = None, tx: Tx = OWN) -> totp.Seed:
        """A new seed, to be enabled within 6 hours. Invalid `totp.enabled` when there is one in use."""
        row = self._principals.user(id, tx=tx)
        self._demand(
            not self._credentials.secrets(row.number, tx=tx).otp, "totp.enabled", "TOTP 2FA is already enabled"
        )
        return self._codes.setup(tx, row.number, label=label or row.name, issuer=issuer, now=self._clock())

    def enable_totp(self, id: Id, code: str, *, by: By) -> None:
        """Puts the seed that waits in force, on a code of it. Invalid `totp.enabled`, `totp.disabled` (none waits),
        `totp.wrong_code`."""

        def enable(tx: Tx) -> bool:
            now = self._clock()
            row = self._principals.user(id, tx=tx)
            secrets = self._credentials.secrets(row.number, tx=tx)
            self._demand(not secrets.otp, "totp.enabled", "TOTP 2FA is already enabled")
            seed = self._codes.pending(tx, row.number, now=now)
            self._demand(seed is not None, "totp.disabled", "TOTP 2FA is not initialized")
            assert seed is not None
            right = totp.matching_step(seed, code, now=now, window=self._codes.window) is not None
            self._log(tx, row, "enable 2fa totp", by, now, result="success" if right else "fail")
            if right:
                otp = self._codes.seal(tx, row.number, seed)
                self._change(tx, row, secrets, replace(secrets, otp=(otp,), pending=None), by)
                self._tell(tx, row, "mfa.totp.enabled", now)
            return right

        if not self.store.transact(enable):
            raise Invalid("totp.wrong_code", "Invalid authentication token")

    def check_totp(self, id: Id, code: str, *, by: By) -> None:
        """Checks a code and uses it up. Denied `totp.wrong`; RateLimited `totp.used`, `totp.limited` after 12 failures
        in two minutes; Invalid `totp.disabled`."""
        now = self._clock()

        def check(tx: Tx) -> Denied | RateLimited | None:
            row = self._principals.user(id, tx=tx)
            secrets = self._credentials.secrets(row.number, tx=tx)
            self._demand(bool(secrets.otp), "totp.disabled", "2FA is not enabled for this user")
            who = f"totp:{row.number}"
            try:
                self._limits.take(tx, who, _WHAT, 1, _TRIES, now=now)
            except RateLimited as error:
                message = "Authentication was rate limited. Check again later"
                raise RateLimited("totp.limited", message, **error.fields) from None
            try:
                self._codes.use(tx, row.number, code, now=now)
            except (Denied, RateLimited) as error:
                self._log(tx, row, "check 2fa totp", by, now, result="fail")
                return error
            self._limits.reset(tx, who, _WHAT)
            self._log(tx, row, "check 2fa totp", by, now, result="success")
            return None

        refused = self.store.transact(check)
        if refused is not None:
            raise refused

    @writes
    def disable_totp(self, id: Id, *, by: By, tx: Tx = OWN) -> None:
        """Discards the seed. Invalid `totp.disabled`."""
        row, secrets, now = self._loaded(tx, id)
        self._demand(bool(secrets.otp), "totp.disabled", "2FA is not enabled for this user")
        self._change(tx, row, secrets, replace(secrets, otp=(), pending=None), by)
        self._log(tx, row, "disable 2fa totp", by, now)
        self._tell(tx, row, "mfa.totp.disabled", now)

    # custom, and all

    @writes
    def enable_custom(self, id: Id, *, by: By, tx: Tx = OWN) -> None:
        """Marks that an application of the operator asks for a second factor. Invalid `custom.enabled`."""
        row, secrets, now = self._loaded(tx, id)
        self._demand(not secrets.custom, "custom.enabled", "Custom 2FA is already enabled")
        self._change(tx, row, secrets, replace(secrets, custom=True), by)
        self._log(tx, row, "enable 2fa custom", by, now)
        self._tell(tx, row, "mfa.custom.enabled", now)

    @writes
    def disable_custom(self, id: Id, *, by: By, tx: Tx = OWN) -> None:
        """Takes the mark away. Invalid `custom.disabled`."""
        row, secrets, now = self._loaded(tx, id)
        self._demand(secrets.custom, "custom.disabled", "Custom 2FA is not enabled")
        self._change(tx, row, secrets, replace(secrets, custom=False), by)
        self._log(tx, row, "disable 2fa custom", by, now)
        self._tell(tx, row, "mfa.custom.disabled", now)

    @writes
    def disable_all(self, id: Id, *, by: By, tx: Tx = OWN) -> None:
        """Takes every second factor away."""
        row, _, now = self._loaded(tx, id)
        self._authenticators.remove_all(row.number, tx=tx)
        secrets = self._credentials.secrets(row.number, tx=tx)
        self._change(tx, row, secrets, replace(secrets, otp=(), pending=None, custom=False), by)
        self._log(tx, row, "disable 2fa", by, now)
        self._tell(tx, row, "mfa.disabled", now)

    # WebAuthn

    @reads
    def authenticators(self, id: Id, *, tx: ReadTx = OWN) -> tuple[WebAuthnCredential, ...]:
        """What is registered."""
        return self._authenticators.list(self._principals.user(id, tx=tx).number, tx=tx)

    @writes
    def remove_authenticator(self, id: Id, credential: Id, *, by: By, tx: Tx = OWN) -> bool:
        """False when there was none."""
        row, _, now = self._loaded(tx, id)
        gone = self._authenticators.remove(row.number, credential, tx=tx)
        if gone is not None:
            self._principals.update(row, tx=tx)
            self._log(tx, row, "remove webauthn", by, now, credential=str(gone.id))
            self._tell(tx, row, "mfa.webauthn.removed", now, credential=_told(gone))
        return gone is not None

    @writes
    def begin_registration(
        self,
        id: Id,
        *,
        description: str,
        origin: str,
        attachment: str = "cross-platform",
        rp_id: str | None = None,
        tx: Tx = OWN,
    ) -> Ceremony:
        """A challenge to register an authenticator. Invalid `webauthn.origin`, `webauthn.rp_id`."""
        return self._begin(tx, id, "registration", origin, rp_id, attachment, description)

    def register(
        self, id: Id, *, challenge: bytes, raw_id: bytes, client_data: bytes, attestation: bytes, by: By
    ) -> WebAuthnCredential:
        """Registers what answers the challenge. NotFound `webauthn.challenge_not_found`; Denied `webauthn.refused`.
        The challenge is used up whatever happens. Slow."""
        now = self._clock()
        taken = self.store.transact(lambda tx: self._take(tx, id, "registration", challenge, now))
        done = webauthn.verify_registration(
            taken, challenge, raw_id=raw_id, client_data=client_data, attestation=attestation
        )
        if done.raw_id != raw_id:
            raise Denied("webauthn.refused", "The authenticator's answer is about another credential")

        def add(tx: Tx) -> WebAuthnCredential:
            row, secrets, _ = self._loaded(tx, id)
            credential = WebAuthnCredential(
                id=new_id(now),
                raw_id=done.raw_id,
                public_key=done.public_key,
                count=done.count,
                description=taken.description,
                attachment=taken.attachment,
                rp_id=taken.rp_id,
                created=now,
            )
            self._authenticators.add(row.number, credential, tx=tx)
            self._end_sessions(tx, row, secrets, by)
            self._log(tx, row, "register webauthn", by, now, credential=str(credential.id))
            self._tell(tx, row, "mfa.webauthn.registered", now, credential=_told(credential))
            return credential

        return self.store.transact(add)

    @writes
    def begin_assertion(
        self, id: Id, *, origin: str, attachment: str = "cross-platform", rp_id: str | None = None, tx: Tx = OWN
    ) -> Ceremony:
        """A challenge to prove an authenticator. Invalid `webauthn.disabled` when none is registered."""
        number = self._principals.user(id, tx=tx).number
        registered = self._credentials.secrets(number, tx=tx).webauthn > 0
        self._demand(registered, "webauthn.disabled", "WebAuthn is not enabled for this user")
        return self._begin(tx, id, "authentication", origin, rp_id, attachment, "")

    def finish_assertion(
        self,
        id: Id,
        *,
        challenge: bytes,
        raw_id: bytes,
        client_data: bytes,
        authenticator_data: bytes,
        signature: bytes,
        token: bool,
        by: By,
    ) -> Asserted:
        """Checks what answers the challenge. NotFound `webauthn.challenge_not_found`, `webauthn.credential_not_found`;
        Denied `webauthn.refused`. The challenge is used up whatever happens. Slow."""
        now = self._clock()
        taken = self.store.transact(lambda tx: self._take(tx, id, "authentication", challenge, now))
        with self.store.snapshot() as tx:
            number = self._principals.user(id, tx=tx).number
            credential = self._authenticators.by_raw_id(number, raw_id, tx=tx)
        count = webauthn.verify_assertion(
            taken,
            challenge,
            credential,
            client_data=client_data,
            authenticator_data=authenticator_data,
            signature=signature,
        )

        def note(tx: Tx) -> Asserted:
            row = self._principals.user(id, tx=tx)
            if not row.active or row.suspended:
                raise Denied("login.failed", "Authentication failed", id=str(id))
            self._authenticators.counted(number, credential.id, before=credential.count, after=count, tx=tx)
            self._log(tx, row, "authentication", by, now, result="success", credential=str(credential.id))
            made = None
            if token:
                made = self._credentials.issue_token(
                    "wd/user", now=now, owner=number, auth_version=row.auth_version, ttl=DEFAULT_TTL, tx=tx
                )
            return Asserted(credential, made)

        return self.store.transact(note)

    def _begin(
        self, tx: Tx, id: Id, kind: str, origin: str, rp_id: str | None, attachment: str, description: str
    ) -> Ceremony:
        row = self._principals.user(id, tx=tx)
        origin, rp_id = webauthn.relying_party(origin, rp_id, self._origins())
        raw = self._authenticators.challenge(
            row.number,
            kind,
            origin=origin,
            rp_id=rp_id,
            attachment=attachment,
            description=description,
            now=self._clock(),
            tx=tx,
        )
        main = self._addresses.main_of(row, tx=tx)
        known = tuple(each for each in self._authenticators.list(row.number, tx=tx) if each.attachment == attachment)
        return Ceremony(raw, rp_id, attachment, row, main.value if main else None, known)

    def _take(self, tx: Tx, id: Id, kind: str, challenge: bytes, now: int) -> Challenge:
        row = self._principals.user(id, tx=tx)
        return self._authenticators.take(row.number, kind, challenge, now=now, tx=tx)

    # what all of them do

    def _loaded(self, tx: Tx, id: Id) -> tuple[Principal, Secrets, int]:
        row = self._principals.user(id, tx=tx)
        return row, self._credentials.secrets(row.number, tx=tx), self._clock()

    def _change(self, tx: Tx, row: Principal, before: Secrets, after: Secrets, by: By) -> None:
        self._credentials.change(row.number, after, tx=tx)
        if factors.enabled(after):
            self._end_sessions(tx, row, before, by)
        else:
            self._principals.update(row, tx=tx)

    def _end_sessions(self, tx: Tx, row: Principal, before: Secrets, by: By) -> None:
        """The first factor raises the auth version; the token that did it is signed anew (W1.6)."""
        first = not factors.enabled(before)
        row = self._principals.update(replace(row, auth_version=row.auth_version + first), tx=tx)
        if first and by.token:
            self._credentials.resign(by.token, row.auth_version, owner=row.number, tx=tx)

    def _log(
        self, tx: Tx, row: Principal, action: str, by: By, now: int, result: str | None = None, **details: str
    ) -> None:
        if "credential" in details:
            details["target"] = details["credential"]  # two authenticators are two lines
        event = Event(action, result, by.protocol, by.ip, by.session, details)
        self._authlog.add(row.number, event, now=now, tx=tx)

    def _tell(self, tx: Tx, row: Principal, kind: str, now: int, **more: Any) -> None:
        journal.add(tx, journal.Entry(kind=kind, account=row.number, at=now, payload={"user": row.id, **more}))

    def _demand(self, condition: bool, code: str, message: str) -> None:
        if not condition:
            raise Invalid(code, message)


def _told(row: WebAuthnCredential) -> dict[str, Any]:
    return {
        "id": row.id,
        "rawId": row.raw_id.hex(),
        "description": row.description,
        "authenticatorAttachment": row.attachment,
    }
