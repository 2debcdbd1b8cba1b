"""Whether a worker may have a job now."""

from attrs import frozen
from msgspec.structs import replace

from mailkit.jobs.records import Job

__all__ = ["Claim", "Claimed", "DiedTooOften", "Refused", "claim"]


@frozen
class Claimed:
    """Yes: the job as it now is, leased, under a new fencing number."""

    job: Job


@frozen
class Refused:
    """No: it has ended, isn't due yet, or somebody else's lease runs."""

    reason: str


@frozen
class DiedTooOften:
    """No, and nobody may: its lease ended `attempts` times without an answer, so it seems to kill its workers."""

    attempts: int


Claim = Claimed | Refused | DiedTooOften


def claim(job: Job, *, now: int, owner: str, lease: int, attempts: int) -> Claim:
    """Decides for the worker `owner` that would keep the job for `lease` milliseconds; `attempts` as in `Retry`."""
    if not job.live:
        return Refused(f"it is {job.state}")
    if job.claimable > now:
        return Refused("its lease has not ended" if job.state == "running" else "it is not due")
    if job.state == "running" and job.attempts >= attempts:
        return DiedTooOften(job.attempts)
    return Claimed(
        replace(job, state="running", owner=owner, until=now + lease, fence=job.fence + 1, attempts=job.attempts + 1)
    )
