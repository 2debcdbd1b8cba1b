"""Counters in the store, counted in the transaction of what they count."""

from collections.abc import Iterator

import msgspec
from attrs import frozen

from mailkit.errors import RateLimited
from mailkit.limits.decide import Decision, Limit, Limited, Window, counted, decide, roll
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keyspace import LIMIT, LIMIT_EXPIRY
from mailkit.storage.tables import Index, Table

__all__ = ["ROWS", "Limits", "Row", "Status"]


class Row(Record, frozen=True, kw_only=True):
    """A counter as it is stored; see `Window`. Empty from `expires` on."""

    who: str = msgspec.field(name="w")
    what: str = msgspec.field(name="k")
    start: int = msgspec.field(name="s")
    used: int = msgspec.field(name="u")
    previous: int = msgspec.field(name="p", default=0)
    expires: int = msgspec.field(name="e")


def _expiry(row: Row) -> Iterator[tuple[int, str, str]]:
    yield row.expires, row.who, row.what


_EXPIRY = Index(LIMIT_EXPIRY, _expiry)
ROWS = Table(LIMIT, Codec(Row), indexes=(_EXPIRY,))


@frozen
class Status:
    """What a counter shows: `allowed` (None: any number), `used`, and `ttl`, the milliseconds until its window ends;
    None while there is nothing counted."""

    allowed: int | None
    used: int
    ttl: int | None


class Limits:
    """Counters by who (`account:7`, `ip:192.0.2.0/24`) and what (`recipients`)."""

    def ask(self, tx: ReadTx, who: str, what: str, n: int, limit: Limit, *, now: int) -> Decision:
        """Whether `n` more would be taken now; counts nothing."""
        return decide(_find(tx, who, what), n, limit=limit, now=now)

    def take(self, tx: Tx, who: str, what: str, n: int, limit: Limit, *, now: int) -> Status:
        """Counts `n` more. RateLimited with the fields `who`, `what`, `used`, `allowed` and `retry_after`
        (milliseconds, None for never) when it may not be; then nothing is counted."""
        decision = self.ask(tx, who, what, n, limit, now=now)
        if isinstance(decision, Limited):
            raise RateLimited(
                None,
                f"Too many {what}: {decision.reason}",
                who=who,
                what=what,
                used=decision.used,
                allowed=decision.allowed,
                retry_after=decision.retry_after,
            )
        _put(tx, who, what, decision.window, limit)
        return Status(limit.allowed, decision.used, decision.ttl)

    def count(self, tx: Tx, who: str, what: str, n: int, limit: Limit, *, now: int) -> Status:
        """Counts `n` more whatever is allowed: for what has happened already, such as a failed login."""
        window = roll(_find(tx, who, what), limit, now)
        _put(tx, who, what, Window(window.start, window.used + n, window.previous), limit)
        return self.status(tx, who, what, limit, now=now)

    def status(self, tx: ReadTx, who: str, what: str, limit: Limit, *, now: int) -> Status:
        """What the counter shows."""
        window = _find(tx, who, what)
        if window is None or now >= window.expires(limit):
            return Status(limit.allowed, 0, None)
        window = roll(window, limit, now)
        return Status(limit.allowed, counted(window, limit, now), window.start + limit.length - now)

    def known(self, tx: ReadTx, who: str) -> bool:
        """True when anything was counted for somebody lately."""
        return next(tx.scan(*LIMIT.range(who), limit=1), None) is not None

    def reset(self, tx: Tx, who: str, what: str) -> None:
        """Forgets what was counted."""
        ROWS.delete(tx, who, what)

    def leave(self, tx: Tx, who: str) -> None:
        """Forgets all that was counted for somebody who goes for good."""
        for _, row in list(ROWS.scan(tx, who)):
            ROWS.delete(tx, row.who, row.what)

    def forget(self, tx: Tx, begins: str, *, after: tuple[str, str] | None, limit: int = 500) -> tuple[str, str] | None:
        """Forgets what was counted for everybody whose name begins so. Looks at up to `limit` counters behind `after`,
        and returns where to go on; None at the end."""
        looked = [row for _, row in ROWS.scan(tx, after=after, limit=limit)]
        for row in looked:
            if row.who.startswith(begins):
                ROWS.delete(tx, row.who, row.what)
        return (looked[-1].who, looked[-1].what) if len(looked) == limit else None

    def cleanup(self, tx: Tx, *, now: int, limit: int = 500) -> bool:
        """Removes empty counters; True when there may be more. A step of a periodic job."""
        old = [primary for (expires, *_), primary in _EXPIRY.scan(tx, limit=limit) if expires <= now]
        for primary in old:
            row = ROWS.at(tx, primary)
            ROWS.delete(tx, row.who, row.what)
        return len(old) == limit


def _find(tx: ReadTx, who: str, what: str) -> Window | None:
    row = ROWS.find(tx, who, what)
    return None if row is None else Window(row.start, row.used, row.previous)


def _put(tx: Tx, who: str, what: str, window: Window, limit: Limit) -> None:
    row = Row(
        who=who,
        what=what,
        start=window.start,
        used=window.used,
        previous=window.previous,
        expires=window.expires(limit),
    )
    ROWS.put(tx, row, who, what)
