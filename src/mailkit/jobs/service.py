"""The scheduler over the store.

Lock order and the like: there is none. A claim is one transaction; the handler runs outside of it; the outcome is a
third one, which does nothing if the job has another holder by then.
"""

import os
import socket
from collections.abc import Callable
from typing import Any

from attrs import frozen

from mailkit.clock import Clock, now_ms
from mailkit.errors import Conflict, MailKitError
from mailkit.ids import Id, new_id
from mailkit.jobs import transitions
from mailkit.jobs.claim import Claimed, DiedTooOften, claim
from mailkit.jobs.records import BY_KEY, DUE, ENDED, JOBS, Job, State
from mailkit.jobs.retry import Retry
from mailkit.jobs.step import Later, Step, held, store_ended
from mailkit.storage.api import ReadTx, Store, Tx

__all__ = ["Handler", "Jobs"]

Handler = Callable[[Step], Later | None]

_LEASE = 60_000
_KEEP = 7 * 24 * 3_600_000
_LOOK = 500  # due jobs of other processes' kinds that a claim passes over
_ERROR = 2000  # characters of an error that are kept


@frozen
class _Kind:
    handler: Handler
    lease: int
    retry: Retry
    keep: int


class Jobs:
    """See the package. Threads may share one; each process has its own."""

    def __init__(self, store: Store, *, clock: Clock = now_ms) -> None:
        self.store = store
        self.clock = clock
        self._kinds: dict[str, _Kind] = {}

    def register(
        self,
        kind: str,
        handler: Handler,
        *,
        lease: int = _LEASE,
        retry: Retry = Retry(),  # noqa: B008  # frozen
        keep: int = _KEEP,
    ) -> None:
        """Lets this instance run jobs of a kind. `lease`: milliseconds between two saves at most; `keep`: how long an
        ended job can be looked at. ValueError when the kind has a handler already."""
        if kind in self._kinds:
            raise ValueError(f"the job kind {kind} has a handler already")
        self._kinds[kind] = _Kind(handler, lease, retry, keep)

    def schedule(
        self,
        tx: Tx,
        kind: str,
        args: dict[str, Any] | None = None,
        *,
        due: int,
        key: str | None = None,
        every: int | None = None,
    ) -> Id:
        """Makes a job that runs at `due`, and with `every` (milliseconds) comes back in step with it.

        With a `key` there is at most one such job waiting or running: if there is one, it is brought forward (or run
        once more, if it is under way) and its id returned. The kind needs no handler in this process.
        """
        if every is not None and every <= 0:
            raise ValueError("a period is above 0")
        known = None if key is None else JOBS.first(tx, BY_KEY, kind, key)
        if known is not None:
            changed = transitions.rescheduled(known, args, due=due, every=every)
            if changed != known:
                JOBS.put(tx, changed, known.id)
            return known.id
        job = Job(id=new_id(), kind=kind, args=args or {}, key=key, due=due, every=every)
        JOBS.put(tx, job, job.id)
        return job.id

    def get(self, tx: ReadTx, job_id: Id) -> Job:
        """The job with its state, progress and last error; NotFound `job.unknown`."""
        return JOBS.get(tx, job_id)

    def find(self, tx: ReadTx, kind: str, key: str) -> Job | None:
        """The waiting or running job with this key, or None."""
        return JOBS.first(tx, BY_KEY, kind, key)

    def list(
        self,
        tx: ReadTx,
        *,
        kind: str | None = None,
        states: frozenset[State] | None = None,
        after: Id | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Jobs in order of creation, after the job `after`. List class: scan."""
        found: list[Job] = []
        for _, job in JOBS.scan(tx, after=None if after is None else (after,)):
            if (kind is None or job.kind == kind) and (states is None or job.state in states):
                found.append(job)
                if len(found) == limit:
                    break
        return found

    def cancel(self, tx: Tx, job_id: Id, *, now: int) -> Job:
        """Ends a job before it has run or while it does; a running handler gets Conflict `job.lost` at its next save.
        An ended one stays as it is. NotFound `job.unknown`."""
        job = JOBS.get(tx, job_id)
        if job.live:
            job = transitions.cancelled(job, now=now, keep=self._keep(job))
            store_ended(tx, job)
        return job

    def revive(self, tx: Tx, job_id: Id, *, now: int) -> Job:
        """Runs a failed or cancelled job again, from its saved progress. NotFound `job.unknown`, Conflict `job.state`
        for any other, AlreadyExists `job.exists` when a newer one with its key is there."""
        job = JOBS.get(tx, job_id)
        if job.state not in ("failed", "cancelled"):
            raise Conflict("job.state", f"The job is {job.state}", state=job.state)
        job = transitions.revived(job, now=now)
        JOBS.put(tx, job, job.id)
        return job

    def cleanup(self, tx: Tx, *, now: int, limit: int = 500) -> bool:
        """Forgets ended jobs whose time is up; True when there may be more."""
        old = []
        for (forget, job_id), _ in ENDED.scan(tx, limit=limit):
            if forget > now:
                break
            old.append(job_id)
        for job_id in old:
            JOBS.delete(tx, job_id)
        return len(old) == limit

    def next_due(self, tx: ReadTx) -> int | None:
        """When the next job that this instance has a handler for can be claimed; None when there is none in sight."""
        for (when, kind, _), _ in DUE.scan(tx, limit=_LOOK):
            if kind in self._kinds:
                return int(when)
        return None

    def run_due(self, now: int | None = None, *, limit: int = 100, stopping: Callable[[], bool] = lambda: False) -> int:
        """Runs up to `limit` jobs that are due, one after the other; returns how many. A handler's error is the job's,
        not the caller's; what the store raises is raised."""
        count = 0
        while count < limit and not stopping():
            job = self.store.transact(lambda tx: self._claim(tx, self.clock() if now is None else now))
            if job is None:
                break
            self._run(job, now or 0, stopping)
            count += 1
        return count

    def _claim(self, tx: Tx, now: int) -> Job | None:
        for (when, kind, job_id), _ in DUE.scan(tx, limit=_LOOK):
            if when > now:
                return None
            how = self._kinds.get(kind)
            if how is None:
                continue
            job = JOBS.get(tx, Id(job_id))
            match claim(job, now=now, owner=_owner(), lease=how.lease, attempts=how.retry.attempts):
                case Claimed(claimed):
                    JOBS.put(tx, claimed, claimed.id)
                    return claimed
                case DiedTooOften(attempts):
                    error = f"its worker died {attempts} times in a row"
                    store_ended(tx, transitions.failed(job, error, now=now, policy=how.retry, keep=how.keep))
        return None

    def _run(self, job: Job, not_before: int, stopping: Callable[[], bool]) -> None:
        how = self._kinds[job.kind]

        def clock() -> int:
            return max(self.clock(), not_before)  # a caller's `now` may be ahead, and leases count from it

        step = Step(self.store, job, clock=clock, lease=how.lease, keep=how.keep, stopping=stopping)
        try:
            outcome = how.handler(step)
        except Exception as error:
            if isinstance(error, Conflict) and error.code == "job.lost":
                return
            text = str(error) if isinstance(error, MailKitError) else f"{type(error).__name__}: {error}"
            self._settle(
                job,
                lambda row: transitions.failed(row, text[:_ERROR], now=clock(), policy=how.retry, keep=how.keep),
            )
            return
        if isinstance(outcome, Later):
            self._settle(job, lambda row: transitions.later(row, outcome.due))
        else:
            self._settle(job, lambda row: transitions.succeeded(row, now=clock(), keep=how.keep))

    def _settle(self, job: Job, become: Callable[[Job], Job]) -> None:
        def settle(tx: Tx) -> None:
            try:
                row = held(tx, job)
            except Conflict:
                return  # finished in its own transaction, cancelled, or taken over
            store_ended(tx, become(row))

        self.store.transact(settle)

    def _keep(self, job: Job) -> int:
        how = self._kinds.get(job.kind)
        return _KEEP if how is None else how.keep


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"  # for people to read; the fencing number is what counts
