"""The job record and its table."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from mailkit.ids import Id
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keyspace import JOB, JOB_DUE, JOB_ENDED, JOB_KEY
from mailkit.storage.tables import Index, Table, Unique

__all__ = ["BY_KEY", "DUE", "ENDED", "JOBS", "Job", "State"]

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Job(Record, frozen=True, kw_only=True):
    """One job; times are UTC milliseconds.

    `key`: at most one job of a kind with this key is waiting or running. `due`: when it is to run, or was. `every`: the
    period of a job that comes back. `until`: the end of the lease while it runs. `fence` grows with every claim.
    `attempts`: claims since it last got anywhere. `progress`: what the handler saved. `again`: somebody asked for
    another run while this one was under way. `forget`: when an ended job is removed.
    """

    id: Id = msgspec.field(name="i")
    kind: str = msgspec.field(name="k")
    args: dict[str, Any] = msgspec.field(name="a", default_factory=dict)
    key: str | None = msgspec.field(name="u", default=None)
    due: int = msgspec.field(name="d")
    every: int | None = msgspec.field(name="e", default=None)
    state: State = msgspec.field(name="s", default="waiting")
    until: int = msgspec.field(name="l", default=0)
    owner: str = msgspec.field(name="o", default="")
    fence: int = msgspec.field(name="f", default=0)
    attempts: int = msgspec.field(name="n", default=0)
    progress: dict[str, Any] = msgspec.field(name="p", default_factory=dict)
    error: str = msgspec.field(name="x", default="")
    again: int | None = msgspec.field(name="g", default=None)
    ended: int = msgspec.field(name="t", default=0)
    forget: int = msgspec.field(name="r", default=0)

    @property
    def live(self) -> bool:
        """Waiting or running."""
        return self.state in ("waiting", "running")

    @property
    def claimable(self) -> int:
        """When somebody may claim it: when it is due, or when the lease of whoever has it ends."""
        return self.until if self.state == "running" else self.due


def _due(job: Job) -> Iterator[tuple[int, str, Id]]:
    if job.live:
        yield job.claimable, job.kind, job.id


def _key(job: Job) -> Iterator[tuple[str, str]]:
    if job.live and job.key is not None:
        yield job.kind, job.key


def _ended(job: Job) -> Iterator[tuple[int, Id]]:
    if not job.live:
        yield job.forget, job.id


DUE = Index(JOB_DUE, _due)
BY_KEY = Unique(JOB_KEY, _key, code="job.exists")
ENDED = Index(JOB_ENDED, _ended)
JOBS = Table(JOB, Codec(Job), indexes=(DUE, BY_KEY, ENDED), missing="job.unknown")
