"""Work that comes back by itself: what is old or unreferenced goes, step by step."""

from collections.abc import Callable
from functools import partial
from typing import Final

from mailkit.accounts.access import Access
from mailkit.accounts.oauth import OAuth
from mailkit.delivery.service import Delivery
from mailkit.idempotency import Idempotency
from mailkit.ids import Id
from mailkit.jobs import Jobs, Later, Step
from mailkit.limits import Limits
from mailkit.mailstore.forget_threads import FORGET_THREADS
from mailkit.mailstore.lapse import EXPIRE, PURGE
from mailkit.mailstore.work import FORGET_NAMES
from mailkit.principals.service import Principals
from mailkit.search.service import Search
from mailkit.storage.api import Tx
from mailkit.storage.blobs import Blobs, purge, sweep

__all__ = [
    "FORGET",
    "PERIODS",
    "access_expiry",
    "blob_purge",
    "blob_sweep",
    "forget_keys",
    "idempotency_expiry",
    "limits_cleanup",
    "rebuild_all",
    "receipt_expiry",
    "schedule",
]

_HOUR = 3_600_000

PERIODS: Final[dict[str, int]] = {
    "access.expire": _HOUR // 4,
    "blobs.purge": _HOUR // 4,
    "blobs.sweep": 24 * _HOUR,
    "idempotency.forget": _HOUR,
    "limits.cleanup": _HOUR,
    "receipts.expire": _HOUR,
    EXPIRE: _HOUR // 4,
    PURGE: _HOUR // 4,
    FORGET_NAMES: _HOUR,
    FORGET_THREADS: 7 * 24 * _HOUR,
}
"""Job kind -> period in ms."""


def access_expiry(access: Access) -> Callable[[Step], Later | None]:
    """Tokens, codes, challenges and login events whose time is up."""

    def run(step: Step) -> Later | None:
        while step.transact(lambda tx: access.expire(tx, now=step.now())):
            if step.stopping:
                return Later(step.now())
            step.renew()
        return None

    return run


def blob_purge(blobs: Blobs) -> Callable[[Step], Later | None]:
    """Content that nobody has referred to for an hour."""

    def run(step: Step) -> Later | None:
        while purge(blobs, step.now()).more:
            if step.stopping:
                return Later(step.now())
            step.renew()
        return None

    return run


def blob_sweep(blobs: Blobs) -> Callable[[Step], Later | None]:
    """Files that no row knows, of crashes and restored backups."""

    def run(step: Step) -> Later | None:
        after = step.progress.get("after", b"")
        while True:
            _, more = sweep(blobs, step.now(), after=after)
            if more is None:
                step.transact(lambda tx: step.save(tx, {}))
                return None
            after = more
            step.transact(partial(step.save, progress={"after": after}))
            if step.stopping:
                return Later(step.now())

    return run


def limits_cleanup(limits: Limits) -> Callable[[Step], Later | None]:
    """Counters whose window is over."""
    return _repeat(lambda step, tx: limits.cleanup(tx, now=step.now()))


def idempotency_expiry(keys: Idempotency) -> Callable[[Step], Later | None]:
    """Answers that were kept for a day."""
    return _repeat(lambda step, tx: keys.forget_some(tx, now=step.now()))


def receipt_expiry(delivery: Delivery) -> Callable[[Step], Later | None]:
    """Receipts older than 30 days."""
    return _repeat(lambda step, tx: delivery.expire(now=step.now(), tx=tx))


FORGET: Final = "memory.forget"
"""Drops a class of short-lived keys: `oauth`, codes that wait to be used; `rate-auth`, counted failures of logins."""


def forget_keys(limits: Limits, oauth: OAuth) -> Callable[[Step], Later | None]:
    """Everything of the class that the job names."""

    def run(step: Step) -> Later | None:
        if step.args["prefix"] == "oauth":
            while step.transact(lambda tx: oauth.forget_codes(tx=tx)):
                step.renew()
            return None
        after: tuple[str, str] | None = None
        while True:
            after = step.transact(partial(limits.forget, begins="login", after=after))
            if after is None:
                return None
            step.renew()

    return run


def rebuild_all(principals: Principals, search: Search) -> Callable[[Step], Later | None]:
    """Has the search index of every account made anew; of one tenant's accounts when the job names it."""

    def run(step: Step) -> Later | None:
        tenant = step.args["tenant"]
        kinds = ("individual", "group")
        at, after = step.progress.get("kind", 0), step.progress.get("after")

        def some(tx: Tx) -> tuple[int, Id | None]:
            page = principals.list_by_id(kinds[at], limit=500, after=None if after is None else Id(after), tx=tx)
            for row in page.items:
                if tenant is None or row.tenant == tenant:
                    search.rebuild(row.number, tx=tx)
            reached = (at, page.items[-1].id) if page.after else (at + 1, None)
            step.save(tx, {"kind": reached[0], "after": reached[1]})
            return reached

        while at < len(kinds):
            at, after = step.transact(some)
            if step.stopping and at < len(kinds):
                return Later(step.now())
        return None

    return run


def _repeat(some: Callable[[Step, Tx], bool]) -> Callable[[Step], Later | None]:
    """Calls `some` in a transaction of its own until it says that nothing is left."""

    def run(step: Step) -> Later | None:
        while step.transact(lambda tx: some(step, tx)):
            if step.stopping:
                return Later(step.now())
            step.renew()
        return None

    return run


def schedule(jobs: Jobs, *, now: int, tx: Tx) -> None:
    """Makes the jobs; harmless when they are there."""
    for kind, period in PERIODS.items():
        jobs.schedule(tx, kind, due=now, key="", every=period)
