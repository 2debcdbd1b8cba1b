"""The ground's own periodic jobs: trimming the journal, forgetting ended jobs."""

from collections.abc import Callable

from mailkit import journal
from mailkit.jobs.service import Jobs
from mailkit.jobs.step import Step
from mailkit.journal import DEFAULT_RETENTION, Retention
from mailkit.storage.api import Tx

__all__ = ["install_housekeeping", "schedule_housekeeping"]

_QUARTER_HOUR = 15 * 60_000


def install_housekeeping(jobs: Jobs, *, retention: Callable[[], Retention] = lambda: DEFAULT_RETENTION) -> None:
    """Registers the handlers. `retention()` is asked at each run."""

    def trim(step: Step) -> None:
        while step.transact(lambda tx: journal.trim(tx, now=step.now(), retention=retention())):
            step.renew()

    def cleanup(step: Step) -> None:
        while step.transact(lambda tx: jobs.cleanup(tx, now=step.now())):
            step.renew()

    jobs.register("journal.trim", trim)
    jobs.register("jobs.cleanup", cleanup)


def schedule_housekeeping(jobs: Jobs, tx: Tx, *, now: int) -> None:
    """Makes the jobs, every quarter of an hour; harmless when they are there."""
    for kind in ("journal.trim", "jobs.cleanup"):
        jobs.schedule(tx, kind, due=now, key="", every=_QUARTER_HOUR)
