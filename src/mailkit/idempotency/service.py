"""Finding, keeping and forgetting answers."""

import hashlib
from typing import Final

from attrs import field, frozen

from mailkit.errors import Invalid
from mailkit.idempotency.records import BY_CALLER, BY_TIME, COUNT, KEPT, Kept
from mailkit.storage.api import ReadTx, Tx

__all__ = ["KEEP", "MOST", "Idempotency", "Name"]

KEEP: Final = 24 * 3_600_000
"""How long a request is known by its name, in ms."""

MOST: Final = 10_000
"""Requests of one caller that are known at a time. One more, and the oldest is forgotten: a retry comes soon."""


def _sha(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@frozen
class Name:
    """A request by its caller, by the caller's word for it, and by what it asks."""

    caller: bytes = field(converter=_sha)
    """Whoever it is, as any text: callers don't see each other's names."""
    name: bytes = field(converter=_sha)
    fingerprint: bytes


class Idempotency:
    """The service; all of it is in the caller's transaction."""

    def find(self, tx: ReadTx, name: Name, *, now: int) -> Kept | None:
        """What was answered, or None. Invalid `idempotency.reused` when the name was given to something else."""
        row = KEPT.find(tx, name.caller, name.name)
        if row is None or row.at + KEEP <= now:
            return None
        if row.fingerprint != name.fingerprint:
            raise Invalid("idempotency.reused", "This Idempotency-Key was used for another request")
        return row

    def keep(self, tx: Tx, name: Name, answer: bytes | None, *, now: int) -> None:
        """Notes that it was done, with its answer, None if that is not to be kept."""
        old = KEPT.delete(tx, name.caller, name.name)
        row = Kept(caller=name.caller, name=name.name, fingerprint=name.fingerprint, answer=answer, at=now)
        KEPT.put(tx, row, name.caller, name.name)
        if old is None and COUNT.add(tx, 1, name.caller) > MOST:
            (_, _, oldest), _ = next(BY_CALLER.scan(tx, name.caller, limit=1))
            _forget(tx, name.caller, oldest)

    def forget_some(self, tx: Tx, *, now: int, limit: int = 500) -> bool:
        """Forgets those whose time is over; True when there may be more. A step of a periodic job."""
        old = [parts for parts, _ in BY_TIME.scan(tx, limit=limit) if parts[0] + KEEP <= now]
        for _, caller, name in old:
            _forget(tx, caller, name)
        return len(old) == limit


def _forget(tx: Tx, caller: bytes, name: bytes) -> None:
    KEPT.delete(tx, caller, name)
    COUNT.add(tx, -1, caller)
