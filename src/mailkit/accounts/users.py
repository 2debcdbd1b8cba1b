"""Changes of people's accounts, and what administrators do with them: log out, count again (WildDuck 2.1)."""

import secrets
import string
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs
from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.accounts.by import By, Log
from mailkit.accounts.limits import AccountLimits
from mailkit.clock import Clock
from mailkit.credentials.service import Credentials
from mailkit.ids import Id
from mailkit.jobs import Later, Step
from mailkit.mailstore.recount import Counting, Recount, recount_step
from mailkit.principals.records import Principal, Profile
from mailkit.principals.service import Principals
from mailkit.quota import Quota, QuotaService, encode
from mailkit.storage.api import Store, Tx
from mailkit.storage.calls import OWN, writes

__all__ = ["RECOUNT", "UserChanges", "Users"]

RECOUNT: Final = "quota.recount"

_KINDS = ("individual", "group")
_BATCH = 100
_TEMPORARY = 12  # letters and digits: 71 bits


@frozen
class UserChanges:
    """What changes; None stays as it is."""

    display: str | None = None
    """The person's name; empty for none."""
    quota: Quota | None = None
    limits: Mapping[str, int] = attrs.field(factory=dict)
    """By name; 0 returns to the server's default. Setting one starts its counter anew."""
    profile: Mapping[str, Any] = attrs.field(factory=dict)
    """Fields of `Profile`."""
    targets: tuple[str, ...] | None = None
    active: bool | None = None
    suspended: bool | None = None
    password: bool = False
    """True: the password becomes `hashed`, None for no password."""
    hashed: str | None = attrs.field(default=None, repr=False)


class Users:
    """The use case."""

    def __init__(
        self,
        store: Store,
        principals: Principals,
        credentials: Credentials,
        quota: QuotaService,
        limits: AccountLimits,
        *,
        clock: Clock,
        log: Log,
        schedule: Callable[[Tx, int], Id],
    ) -> None:
        self.store = store
        self._principals = principals
        self._credentials = credentials
        self._quota = quota
        self._limits = limits
        self._clock = clock
        self._log = log
        self._schedule = schedule

    @writes
    def change(
        self,
        row: Principal,
        changes: UserChanges,
        *,
        by: By = By(),  # noqa: B008  # frozen
        tx: Tx = OWN,
    ) -> Principal:
        """Changes a person's account. A new password ends its tokens and sessions, and so does suspending it; the
        token with which its owner changed the password stays."""
        now = self._clock()
        profile = row.profile or Profile()
        limits = {name: value for name, value in {**profile.limits, **changes.limits}.items() if value}
        ends = changes.password or (changes.suspended is True and not row.suspended)
        changed = replace(
            row,
            display=row.display if changes.display is None else changes.display or None,
            quota=row.quota if changes.quota is None else encode(changes.quota),
            profile=replace(profile, limits=limits, **changes.profile),
            targets=row.targets if changes.targets is None else changes.targets,
            active=row.active if changes.active is None else changes.active,
            suspended=row.suspended if changes.suspended is None else changes.suspended,
            auth_version=row.auth_version + ends,
        )
        for name in changes.limits:
            self._limits.restart(row.number, name, tx=tx)
        if changes.password:
            self._credentials.set_password(row.number, changes.hashed, now=now, tx=tx)
            self._tell("user.password.changed", row, now, {}, tx)
            self._log(row.number, by.event("password change"), now=now, tx=tx)
            if by.token:
                self._credentials.resign(by.token, changed.auth_version, owner=row.number, tx=tx)
        if ends:
            self._tell("user.logout", row, now, {"reason": "Authentication required"}, tx)
        for target in changed.targets:
            if target not in row.targets:
                self._tell("forward added", row, now, {"type": "user", "target": target}, tx)
                self._log(row.number, by.event("user forward added", target=target), now=now, tx=tx)
        return self._principals.update(changed, tx=tx)

    @writes
    def reset_password(
        self,
        row: Principal,
        *,
        valid_after: int = 0,
        by: By = By(),  # noqa: B008  # frozen
        tx: Tx = OWN,
    ) -> str:
        """Makes a password for a day, from `valid_after` (UTC ms) on, and returns it; the permanent one stays."""
        made = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_TEMPORARY))
        now = self._clock()
        self._credentials.set_temporary(row.number, generated=made, now=now, valid_after=valid_after, tx=tx)
        self._principals.update(row, tx=tx)  # ends what was verified a moment ago
        self._log(row.number, by.event("reset", None), now=now, tx=tx)
        return made

    @writes
    def logout(self, row: Principal, reason: str, *, tx: Tx = OWN) -> None:
        """Tells everything that is connected for an account to let go; tokens stay."""
        self._tell("user.logout", row, self._clock(), {"reason": reason}, tx)

    @staticmethod
    def _tell(kind: str, row: Principal, now: int, payload: dict[str, Any], tx: Tx) -> None:
        payload = {"user": row.id, **payload}
        journal.add(tx, journal.Entry(kind=kind, account=row.number, at=now, payload=payload))

    def recount(self, number: int) -> Recount:
        """Counts an account's bytes anew, in as many transactions as it takes. Slow."""
        at: Counting | Recount = Counting()
        while isinstance(at, Counting):
            at = self.store.transact(partial(self._recount_step, number, at))
        return at

    def _recount_step(self, number: int, at: Counting, tx: Tx) -> Counting | Recount:
        return recount_step(number, at, quota=self._quota, tx=tx)

    @writes
    def recount_all(self, *, tx: Tx = OWN) -> Id:
        """Counts everybody's bytes anew by a job, whose progress tells `accounts`, `changed` and `difference`."""
        return self._schedule(tx, self._clock())

    def handler(self, step: Step) -> Later | None:
        """The job. Its progress also tells whose mail it is at (`account`), and where (`at`)."""
        progress = {"kind": 0, "accounts": 0, "changed": 0, "difference": 0, **step.progress}
        while progress["kind"] < len(_KINDS):
            edge = Id(progress["after"]) if progress.get("after") else None
            page = self._principals.list_by_id(_KINDS[progress["kind"]], limit=_BATCH, after=edge)
            for row in page.items:
                while progress.get("after") != row.id:
                    progress = step.transact(partial(self._count, step, row, progress))
                    if step.stopping:
                        return Later(step.now())
            if not page.after:
                progress = {**progress, "kind": progress["kind"] + 1, "after": None}
        step.transact(lambda tx: step.save(tx, progress))
        return None

    def _count(self, step: Step, row: Principal, known: dict[str, Any], tx: Tx) -> dict[str, Any]:
        at = Counting.of(known["at"]) if known.get("account") == row.number else Counting()
        done: Counting | Recount = Recount(0, 0)  # somebody who is gone
        if self._principals.find(row.number, tx=tx) is not None:
            done = recount_step(row.number, at, quota=self._quota, tx=tx)
        if isinstance(done, Counting):
            progress = {**known, "account": row.number, "at": done.stored()}
        else:
            drift = done.after - done.before
            progress = {
                **known,
                "account": None,
                "at": None,
                "after": row.id,
                "accounts": known["accounts"] + 1,
                "changed": known["changed"] + bool(drift),
                "difference": known["difference"] + drift,
            }
        step.save(tx, progress)
        return progress
