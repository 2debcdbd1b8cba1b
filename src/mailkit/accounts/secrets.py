"""The secrets of a principal as Stalwart has them: one list of texts (S3.8, S9.2).

What goes in may be a password in the clear or hashed, an application password, an otpauth URL. What comes out are names
only: `$app$<name>$` and `otpauth://totp/<label>`. Such a name, sent back, stands for what it names.

`prepare` does the slow part (hashing) and returns the function of a transaction.
"""

from collections.abc import Callable, Iterable
from typing import Final

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.clock import Clock
from mailkit.credentials import factors, totp
from mailkit.credentials.apppasswords import API, EVERYWHERE
from mailkit.credentials.appservice import MAX_HASHED, AppPasswords
from mailkit.credentials.arrival import App, Clear, Hashed, Otp, Secret, arrival
from mailkit.credentials.authlog import Authlog, Event
from mailkit.credentials.onetime import OneTimeCodes
from mailkit.credentials.records import AppPassword
from mailkit.credentials.records import Secrets as Row
from mailkit.credentials.service import Credentials
from mailkit.errors import Denied, Invalid, NotFound
from mailkit.ids import new_id
from mailkit.principals.records import Principal
from mailkit.principals.service import Principals
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads

__all__ = ["Add", "Change", "PasswordChange", "Remove", "Secrets", "SetAll"]

_MOST_OTP: Final = 8


@frozen
class SetAll:
    """These, and no others."""

    secrets: tuple[str, ...]


@frozen
class Add:
    """One more; one that is there already is no error."""

    secret: str


@frozen
class Remove:
    """Those that `secret` names: `$app$name$` and `otpauth://` as prefixes, the empty text for all plain passwords."""

    secret: str


@frozen
class PasswordChange:
    """This password in the place of all plain ones."""

    password: str


Change = SetAll | Add | Remove | PasswordChange


class Secrets:
    """The use case. `limit(principal)` is how many application passwords it may have."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        credentials: Credentials,
        apps: AppPasswords,
        codes: OneTimeCodes,
        authlog: Authlog,
        *,
        clock: Clock,
        limit: Callable[[Principal], int],
    ) -> None:
        self.store = store
        self._principals = principals
        self._credentials = credentials
        self._apps = apps
        self._codes = codes
        self._authlog = authlog
        self._clock = clock
        self._limit = limit

    @reads
    def shown(self, number: int, *, tx: ReadTx = OWN) -> tuple[str, ...]:
        """What may be read back: otpauth labels first, then application passwords. Never a secret."""
        row = self._credentials.secrets(number, tx=tx)
        labels = tuple(self._codes.open(number, each).masked for each in row.otp)
        return labels + tuple(f"$app${name}$" for name in self.app_names(number, tx=tx))

    @reads
    def app_names(self, number: int, *, tx: ReadTx = OWN) -> tuple[str, ...]:
        """The names of the application passwords."""
        return tuple(_name(row) for row in self._apps.list(number, now=self._clock(), tx=tx))

    @reads
    def otp_enabled(self, number: int, *, tx: ReadTx = OWN) -> bool:
        """Whether a TOTP code is asked for."""
        return bool(self._credentials.secrets(number, tx=tx).otp)

    def prepare(self, changes: Iterable[Change], *, new: bool = False) -> Callable[[Tx, int], None]:
        """Reads and hashes what was sent; the function that is returned makes all changes of a principal, or none.
        With `new`, of one that was made in the same transaction: nothing of it can be stale.

        Invalid names what cannot be used; Denied `asp.too_many`. NotFound `secret.not_found` for a name that is none.
        """
        steps = [self._step(change) for change in changes]

        def apply(tx: Tx, number: int) -> None:
            now = self._clock()
            row = self._principals.get(number, tx=tx)
            before = self._credentials.secrets(number, tx=tx)
            for step in steps:
                step(tx, row, now)
            if new:
                return
            after = self._credentials.secrets(number, tx=tx)
            proof = _proof(before) != _proof(after)
            if proof:
                self._credentials.change(number, replace(after, changed=now, temporary=None), tx=tx)
            first = bool(factors.enabled(after)) and not factors.enabled(before)
            self._principals.update(replace(row, auth_version=row.auth_version + (proof or first)), tx=tx)
            if (before.password, before.more) != (after.password, after.more):
                entry = journal.Entry(kind="user.password.changed", account=number, at=now, payload={"user": row.id})
                journal.add(tx, entry)
                self._authlog.add(number, Event("password change", "success", "HTTP"), now=now, tx=tx)

        return apply

    # each change: the slow part now, the rest as a function

    def _step(self, change: Change) -> Callable[[Tx, Principal, int], None]:
        match change:
            case SetAll(texts):
                kept = [self._ready(self._read(text)) for text in texts]
                hashes = sum(isinstance(each, (Hashed, App)) for each in kept)
                if hashes > 2 * MAX_HASHED or sum(isinstance(each, Otp) for each in kept) > _MOST_OTP:
                    raise Invalid("secret.too_many", "These are too many secrets")
                return lambda tx, row, now: self._set_all(tx, row, kept, now)
            case Add(text):
                ready = self._ready(self._read(text))
                return lambda tx, row, now: self._add(tx, row, ready, now)
            case PasswordChange(text):
                password = self._ready(self._read(text, "password"))
                if not isinstance(password, Hashed):
                    raise Invalid.field("password", "this is no password", code="secret.kind")
                return lambda tx, row, now: self._set_password(tx, row, password, now)
            case Remove(text):
                return lambda tx, row, now: self._remove(tx, row, text)

    def _read(self, text: str, name: str = "secrets") -> Secret:
        return arrival(text, name, self._credentials.schemes)

    def _ready(self, secret: Secret) -> Secret:
        """With clear passwords hashed, and seeds looked at."""
        match secret:
            case Clear(password):
                return Hashed(self._credentials.hash(password))
            case App(name, Clear(password)):
                return App(name, Hashed(self._credentials.hash(password)))
            case Otp(url, known=False):
                return Otp(totp.parse(url, "secrets").url, known=False)
        return secret

    def _set_all(self, tx: Tx, row: Principal, kept: list[Secret], now: int) -> None:
        names = {each.name for each in kept if isinstance(each, App) and each.secret is None}
        labels = [each.url for each in kept if isinstance(each, Otp) and each.known]
        old = self._credentials.secrets(row.number, tx=tx)
        otp = tuple(o for o in old.otp if any(self._is_named(row.number, o, label) for label in labels))
        for app in self._apps.list(row.number, now=now, tx=tx):
            if _name(app) not in names:
                self._apps.remove(row.number, app.id, tx=tx)
        self._credentials.change(row.number, replace(old, password=None, more=(), otp=otp), tx=tx)
        for each in kept:
            if not (isinstance(each, App) and each.secret is None) and not (isinstance(each, Otp) and each.known):
                self._add(tx, row, each, now)

    def _is_named(self, number: int, otp: "object", url: str) -> bool:
        from mailkit.credentials.records import Otp as OtpRow

        assert isinstance(otp, OtpRow)
        return self._codes.open(number, otp).masked.startswith(url)

    def _set_password(self, tx: Tx, row: Principal, password: Hashed, now: int) -> None:
        self._credentials.set_password(row.number, password.hash, now=now, tx=tx)

    def _add(self, tx: Tx, row: Principal, secret: Secret, now: int) -> None:
        old = self._credentials.secrets(row.number, tx=tx)
        match secret:
            case Hashed(hash):
                if hash in (old.password, *old.more):
                    return
                new = replace(old, password=hash) if old.password is None else replace(old, more=(*old.more, hash))
                if len(new.more) >= MAX_HASHED:
                    raise Denied("secret.too_many", "Too many passwords", allowed=MAX_HASHED)
                self._credentials.change(row.number, new, tx=tx)
            case App(name, Hashed(hash)):
                app = AppPassword(id=new_id(now), name=name, created=now, scopes=(EVERYWHERE, API), hash=hash)
                self._apps.add(row.number, app, limit=self._limit(row), tx=tx)
            case Otp(url, known=False):
                seed = totp.parse(url, "secrets")
                if len(old.otp) >= _MOST_OTP:
                    raise Denied("secret.too_many", "Too many TOTP seeds", allowed=_MOST_OTP)
                if any(self._codes.open(row.number, each) == seed for each in old.otp):
                    return
                sealed = self._codes.seal(tx, row.number, seed)
                self._credentials.change(row.number, replace(old, otp=(sealed, *old.otp)), tx=tx)
            case App(name) | Otp(name):
                if not any(
                    shown.startswith(name) or shown == f"$app${name}$" for shown in self.shown(row.number, tx=tx)
                ):
                    raise NotFound("secret.not_found", name=name)

    def _remove(self, tx: Tx, row: Principal, text: str) -> None:
        old = self._credentials.secrets(row.number, tx=tx)
        if text.startswith("otpauth:"):
            # by its whole URL, or by what can be read back of it
            otp = tuple(
                each
                for each in old.otp
                if not (
                    self._codes.open(row.number, each).masked.startswith(text)
                    or self._codes.open(row.number, each).url.startswith(text)
                    or _same_seed(self._codes.open(row.number, each), text)
                )
            )
            self._credentials.change(row.number, replace(old, otp=otp), tx=tx)
        elif text.startswith("$app$"):
            for app in self._apps.list(row.number, now=self._clock(), tx=tx):
                if f"$app${_name(app)}$".startswith(text):
                    self._apps.remove(row.number, app.id, tx=tx)
        elif not text:
            self._credentials.change(row.number, replace(old, password=None, more=(), temporary=None), tx=tx)
        else:
            kept = tuple(each for each in (old.password, *old.more) if each is not None and each != text)
            new = replace(old, password=kept[0] if kept else None, more=kept[1:])
            self._credentials.change(row.number, new, tx=tx)


def _name(row: AppPassword) -> str:
    return row.name.replace("$", "_")


def _same_seed(seed: totp.Seed, url: str) -> bool:
    try:
        return totp.parse(url).secret == seed.secret
    except Invalid:
        return False


def _proof(row: Row) -> object:
    """What, when it changes, ends sessions: passwords, and seeds (S9.2: a new first secret voids refresh tokens)."""
    return row.password, row.more, [each.id for each in row.otp]
