"""What becomes of a job.

    waiting --claim--> running --succeeded--> done        (periodic, or asked for again: waiting)
       ^                  |------failed-----> waiting     (later, by `retry`)
       |                  |------failed-----> failed      (too often; periodic: waiting for its next time)
       |                  |------later------> waiting     (the handler's own wish)
       |                  '--lease ends-----> claimable by anyone, under the next fencing number
       '------ revived ------- failed, cancelled          waiting, running --cancelled--> cancelled

Every claim raises the fencing number, and so does a cancellation: who holds an old number has lost the job.
"""

from typing import Any

from msgspec.structs import replace

from mailkit.jobs.records import Job
from mailkit.jobs.retry import GiveUp, Retry, retry

__all__ = ["cancelled", "failed", "later", "next_run", "progressed", "rescheduled", "revived", "succeeded"]


def next_run(due: int, every: int, now: int) -> int:
    """The next time in step with `due` that lies after `now`: what was missed is not made up for."""
    return due + every * max(1, (now - due) // every + 1)


def _waiting(job: Job, due: int, **changes: Any) -> Job:
    return replace(job, **{"state": "waiting", "due": due, "until": 0, "owner": "", "attempts": 0} | changes)


def _ended(job: Job, **changes: Any) -> Job:
    return replace(job, **{"until": 0, "owner": "", "again": None} | changes)


def succeeded(job: Job, *, now: int, keep: int) -> Job:
    """The handler is through. The job's record is kept for `keep` milliseconds."""
    if job.again is not None:
        return _waiting(job, job.again, again=None, progress={}, error="")
    if job.every is not None:
        return _waiting(job, next_run(job.due, job.every, now), progress={}, error="")
    return _ended(job, state="done", error="", ended=now, forget=now + keep)


def failed(job: Job, error: str, *, now: int, policy: Retry, keep: int) -> Job:
    """The handler raised `error`, or died."""
    decision = retry(job.attempts, now=now, policy=policy, spread=job.id[-1])
    if not isinstance(decision, GiveUp):
        return _waiting(job, decision.when, attempts=job.attempts, error=error)
    if job.again is not None:
        return _waiting(job, max(now, job.again), again=None, progress={}, error=error)
    if job.every is not None:
        return _waiting(job, next_run(job.due, job.every, now), progress={}, error=error)
    return _ended(job, state="failed", error=error, ended=now, forget=now + keep)


def later(job: Job, due: int) -> Job:
    """The handler wants to go on at `due`, with its progress."""
    return _waiting(job, due if job.again is None else min(due, job.again), again=None, error="")


def progressed(job: Job, progress: dict[str, Any], *, now: int, lease: int) -> Job:
    """The handler saved its progress; if there was any, past failures are forgiven."""
    moved = progress != job.progress
    return replace(job, progress=progress, until=now + lease, attempts=1 if moved else job.attempts)


def rescheduled(job: Job, args: dict[str, Any] | None, *, due: int, every: int | None) -> Job:
    """The same kind and key was scheduled again while this one is live.

    A waiting job moves to the earlier time, unless it waits after a failure; a periodic one keeps its times as long as
    its period stays. A running one may be past what it is now wanted for, and runs once more.
    """
    changed = replace(job, every=every, args=job.args if args is None else args)
    if every is not None and every == job.every:
        return changed
    if job.state == "running":
        return replace(changed, again=due if job.again is None else min(due, job.again))
    return changed if job.attempts else replace(changed, due=min(due, job.due))


def cancelled(job: Job, *, now: int, keep: int) -> Job:
    """Nobody wants it any more. A running handler learns of it at its next save."""
    return _ended(job, state="cancelled", fence=job.fence + 1, ended=now, forget=now + keep)


def revived(job: Job, *, now: int) -> Job:
    """A failed or cancelled job gets another chance, from its saved progress."""
    return _waiting(job, now, ended=0, forget=0)
