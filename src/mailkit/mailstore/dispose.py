"""Whether a message that is removed goes to the archive or for good (WildDuck 3.18, semantics "Wire"). Pure.

The law: under a hold nothing goes for good, whoever removes it and however.
"""

from typing import Literal

from attrs import frozen

__all__ = ["Archive", "Cause", "Destroy", "Disposal", "dispose", "most_bytes"]

Cause = Literal["removed", "replaced", "cleared", "mailbox", "expired"]
"""Why a message left: its owner removed it, another one replaced it, its mailbox was cleared or deleted, or its time
was over."""

_LEAST = 1 << 30


@frozen
class Archive:
    """It can be restored until then, UTC milliseconds, and longer under a hold."""

    until: int
    reason: str


@frozen
class Destroy:
    """It is gone at once."""

    reason: str


Disposal = Archive | Destroy


def dispose(*, draft: bool, skip: bool, keep: int, held: bool, now: int) -> Disposal:
    """Decides. `keep` is the setting `archive.keep` in ms, 0 for no archive; `skip`: the caller wants no copy kept."""
    if held:
        return Archive(now + keep, "a hold keeps what is removed")
    if not keep:
        return Destroy("there is no archive")
    if draft:
        return Destroy("drafts are not archived")
    if skip:
        return Destroy("no copy was wanted")
    return Archive(now + keep, "removed messages can be restored")


def most_bytes(quota: int | None) -> int | None:
    """Bytes that an account's archive may have beside its quota (None: any number), after which the oldest go."""
    return None if quota is None else max(quota, _LEAST)
