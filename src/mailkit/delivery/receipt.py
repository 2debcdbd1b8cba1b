"""What became of a message, recipient by recipient, each decision with its reason."""

from typing import Literal

from msgspec import field

from mailkit.ids import Id
from mailkit.storage.codec import Record

__all__ = ["Decision", "Outcome", "Receipt"]

Status = Literal["stored", "rejected", "deferred"]


class Decision(Record, frozen=True, kw_only=True):
    """What one step decided, and why."""

    step: str = field(name="s")
    verdict: str = field(name="v")  # in the step's own words
    reason: str = field(name="r", default="")


class Outcome(Record, frozen=True, kw_only=True):
    """What became of a message for one recipient: the SMTP reply code, and the enhanced one (RFC 3463) as `code`."""

    recipient: str = field(name="r")
    status: Status = field(name="s")
    reply: int = field(name="n")
    code: str = field(name="c")
    text: str = field(name="t")
    decisions: tuple[Decision, ...] = field(name="d", default=())
    account: int | None = field(name="a", default=None)
    mailbox: Id | None = field(name="m", default=None)
    uid: int | None = field(name="u", default=None)


class Receipt(Record, frozen=True, kw_only=True):
    """One delivery. Kept for 30 days."""

    id: Id = field(name="i")
    at: int = field(name="t")  # ms
    mail_from: str = field(name="f")
    size: int = field(name="z")
    outcomes: tuple[Outcome, ...] = field(name="o")
    ip: str = field(name="p", default="")
    hello: str = field(name="h", default="")
    decisions: tuple[Decision, ...] = field(name="d", default=())  # on the message as a whole

    @property
    def stored(self) -> int:
        """For how many recipients it was stored."""
        return sum(outcome.status == "stored" for outcome in self.outcomes)
