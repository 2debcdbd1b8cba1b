"""What a handler gets: the job, and the proof that it is still its own."""

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import frozen

from mailkit.clock import Clock
from mailkit.errors import Conflict
from mailkit.jobs.records import JOBS, Job
from mailkit.jobs.transitions import progressed, succeeded
from mailkit.storage.api import ReadTx, Store, Tx

__all__ = ["Later", "Step", "held"]

T = TypeVar("T")


@frozen
class Later:
    """What a handler returns to be called again at `due` (UTC milliseconds), with the progress it has saved."""

    due: int


def held(tx: ReadTx, job: Job) -> Job:
    """The row of a job that was claimed as `job`; Conflict `job.lost` when it has another holder by now, or none."""
    row = JOBS.find(tx, job.id)
    if row is None or row.state != "running" or row.fence != job.fence:
        raise Conflict("job.lost", "This job is no longer ours", job=str(job.id), kind=job.kind)
    return row


class Step:
    """One run of a job.

    A handler does its work in transactions of its own, each with `save` in it. One that takes longer than the lease
    without saving must `renew`, else another process takes the job over and the next `save` raises Conflict `job.lost`:
    then the handler just lets it pass.
    """

    def __init__(
        self, store: Store, job: Job, *, clock: Clock, lease: int, keep: int, stopping: Callable[[], bool]
    ) -> None:
        self.store = store
        self.job = job
        self._clock = clock
        self._lease = lease
        self._keep = keep
        self._stopping = stopping

    @property
    def args(self) -> dict[str, Any]:
        """What the job was scheduled with. An `Id` comes back as its 12 bytes."""
        return self.job.args

    @property
    def progress(self) -> dict[str, Any]:
        """What an earlier run saved last; empty at first."""
        return self.job.progress

    @property
    def stopping(self) -> bool:
        """True when the process wants to end: return `Later(step.now())` after the next save."""
        return self._stopping()

    def now(self) -> int:
        """UTC milliseconds."""
        return self._clock()

    def transact(self, fn: Callable[[Tx], T]) -> T:
        """The store's `transact`."""
        return self.store.transact(fn)

    def save(self, tx: Tx, progress: dict[str, Any]) -> None:
        """Stores how far the work is, with the work itself, and renews the lease. Conflict `job.lost`."""
        row = held(tx, self.job)
        JOBS.put(tx, progressed(row, progress, now=self.now(), lease=self._lease), row.id)

    def renew(self) -> None:
        """Keeps the job for another lease, in a transaction of its own. Conflict `job.lost`."""

        def renew(tx: Tx) -> None:
            self.save(tx, held(tx, self.job).progress)

        self.store.transact(renew)

    def finish(self, tx: Tx) -> None:
        """Ends the job in the transaction of its last effects, so that these too happen exactly once; the handler
        returns after it. Without it a crash after the last save means that the handler is called once more.
        Conflict `job.lost`."""
        store_ended(tx, succeeded(held(tx, self.job), now=self.now(), keep=self._keep))


def store_ended(tx: Tx, job: Job) -> None:
    """Stores a job after a run, or removes it when nobody wants to keep it."""
    if not job.live and job.forget <= job.ended:
        JOBS.delete(tx, job.id)
    else:
        JOBS.put(tx, job, job.id)
