"""Jobs: work that happens later, again and again, or in steps, on whatever process has time for it.

    jobs = Jobs(store)
    jobs.register("mail.purge", purge)                                   # a handler, on this instance
    jobs.schedule(tx, "mail.purge", {"account": 7}, due=now, key="7")    # beside the change that calls for it

    def purge(step: Step) -> None:
        after = step.progress.get("after", 0)
        while True:
            after = step.transact(lambda tx: purge_500(tx, after, step)) # ends with step.save(tx, {"after": ...})

A claimed job is leased: whoever claims it gets the next fencing number, and every transaction of the handler that
calls `step.save(tx, ...)` proves that the number is still current. What such a transaction does, it does exactly once,
whatever dies when. `transitions` prints the law, `claim` and `retry` decide, `runner` is the thread that embedders
start.
"""

from mailkit.jobs.housekeeping import install_housekeeping, schedule_housekeeping
from mailkit.jobs.records import Job, State
from mailkit.jobs.retry import Retry
from mailkit.jobs.runner import Runner
from mailkit.jobs.service import Handler, Jobs
from mailkit.jobs.step import Later, Step

__all__ = [
    "Handler",
    "Job",
    "Jobs",
    "Later",
    "Retry",
    "Runner",
    "State",
    "Step",
    "install_housekeeping",
    "schedule_housekeeping",
]
