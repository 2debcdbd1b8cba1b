"""TOTP seeds in the store, sealed, and the memory of used codes that makes each good once, across all processes."""

import secrets
from collections.abc import Callable

from attrs import frozen
from msgspec.structs import replace

from mailkit.credentials import totp
from mailkit.credentials.records import Otp, Pending, Secrets, UsedCodes
from mailkit.credentials.tables import SECRETS, USED_CODES
from mailkit.errors import Denied, RateLimited
from mailkit.sealing import Sealing
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Tx

__all__ = ["PENDING_LIFE", "Match", "OneTimeCodes", "reseal"]

PENDING_LIFE = 6 * 3_600_000
"""How long a seed waits to be enabled, in ms (W2.11)."""


@frozen
class Match:
    """A code that fits a seed: which, and at which step."""

    seed: bytes
    step: int


def _owner(number: int) -> str:
    return f"otp:{number}"


class OneTimeCodes:
    """The service. It works in the caller's transaction: a code is checked and used up in one."""

    def __init__(self, sealing: Sealing, *, window: int = 1) -> None:
        self._sealing = sealing
        self.window = window

    def setup(self, tx: Tx, owner: int, *, label: str, issuer: str, now: int) -> totp.Seed:
        """A new seed that waits to be enabled; an earlier one that waits is replaced."""
        seed = totp.generate(secrets.token_bytes(20), label=label, issuer=issuer)
        row = SECRETS.find(tx, owner) or Secrets()
        sealed = self._sealing.seal(tx, seed.url.encode(), owner=_owner(owner))
        SECRETS.put(tx, replace(row, pending=Pending(sealed=sealed, created=now)), owner)
        return seed

    def pending(self, tx: ReadTx, owner: int, *, now: int) -> totp.Seed | None:
        """The seed that waits, unless it did for too long."""
        row = SECRETS.find(tx, owner) or Secrets()
        if row.pending is None or now - row.pending.created >= PENDING_LIFE:
            return None
        return self.open_pending(owner, row.pending)

    def seal(self, tx: Tx, owner: int, seed: totp.Seed) -> Otp:
        """A seed as it is kept."""
        sealed = self._sealing.seal(tx, seed.url.encode(), owner=_owner(owner))
        return Otp(id=secrets.token_bytes(4), label=seed.label, sealed=sealed)

    def open(self, owner: int, row: Otp) -> totp.Seed:
        """A seed as it is used."""
        return totp.parse(self._sealing.unseal(row.sealed, owner=_owner(owner)).decode())

    def open_pending(self, owner: int, row: Pending) -> totp.Seed:
        """The seed that waits, as it is used."""
        return totp.parse(self._sealing.unseal(row.sealed, owner=_owner(owner)).decode())

    def match(self, row: Secrets, owner: int, code: str, *, now: int) -> Match | None:
        """Which seed this is a code of; uses nothing up."""
        for otp in row.otp:
            step = totp.matching_step(self.open(owner, otp), code, now=now, window=self.window)
            if step is not None:
                return Match(otp.id, step)
        return None

    def use(self, tx: Tx, owner: int, code: str, *, now: int) -> Match:
        """Uses a code up. Denied `totp.wrong`; RateLimited `totp.used` for one that was used before."""
        row = SECRETS.find(tx, owner) or Secrets()
        found = self.match(row, owner, code, now=now)
        if found is None:
            raise Denied("totp.wrong", "The code is wrong")
        used = USED_CODES.find(tx, owner) or UsedCodes()
        if (found.seed, found.step) in used.steps:
            raise RateLimited("totp.used", "This code has already been used, please try again with a new code")
        # no more codes than these can match: older ones are out of every window
        steps = ((found.seed, found.step), *used.steps)[: (2 * self.window + 1) * 8]
        USED_CODES.put(tx, UsedCodes(steps=steps), owner)
        return found


def reseal(sealing: Sealing) -> Callable[[Tx, bytes], tuple[int, bytes | None]]:
    """The walk of a key rotation over all seeds: see `mailkit.sealing.rotate`."""

    def walk(tx: Tx, after: bytes) -> tuple[int, bytes | None]:
        start, stop = keyspace.SECRETS.range()
        count = 0
        last: bytes | None = None
        for seen, (key, data) in enumerate(tx.scan(after + b"\0" if after else start, stop, limit=500), 1):
            last = key if seen == 500 else None
            row = SECRETS.codec.decode(data)
            (number,) = keyspace.SECRETS.parts(key)
            otp = tuple(_resealed(sealing, tx, each, number) for each in row.otp)
            pending = row.pending
            if pending is not None:
                sealed = sealing.reseal(tx, pending.sealed, owner=_owner(number))
                pending = pending if sealed is None else replace(pending, sealed=sealed)
            if otp != row.otp or pending != row.pending:
                SECRETS.put(tx, replace(row, otp=otp, pending=pending), number)
                count += 1
        return count, last

    return walk


def _resealed(sealing: Sealing, tx: Tx, row: Otp, number: int) -> Otp:
    sealed = sealing.reseal(tx, row.sealed, owner=_owner(number))
    return row if sealed is None else replace(row, sealed=sealed)
