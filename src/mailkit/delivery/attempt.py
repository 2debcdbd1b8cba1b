"""A delivery under way: what the steps look at and what they leave behind."""

from collections.abc import Mapping
from functools import cached_property

from attrs import define, field, frozen

from mailkit.delivery.receipt import Decision, Outcome
from mailkit.delivery.trace import Trace, header_block
from mailkit.encryption.keys import Keys
from mailkit.ids import Id
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.records import Mailbox
from mailkit.principals.records import Principal

__all__ = ["Attempt", "Forms", "Incoming", "Refusal", "Unprepared"]


@frozen
class Incoming:
    """A message as it came, before anything is decided about it."""

    id: Id
    raw: bytes = field(repr=False)
    mail_from: str
    rcpt_to: tuple[str, ...]
    trace: Trace
    now: int


@frozen
class Refusal:
    """A step's "no": the SMTP reply, its enhanced code (RFC 3463) and the reason, which the sender is told.

    A reply of 4xx asks the sender to try again, 5xx is final.
    """

    reply: int
    code: str
    reason: str


Forms = Mapping[Keys | None, Ready | Refusal]
"""The message made ready to be stored: encrypted for these keys, None: as it came; or why that cannot be."""


class Unprepared(Exception):
    """The message is to be stored in a form that it has not been made ready in. It is, and then the attempts are made
    again."""

    def __init__(self, keys: Keys | None) -> None:
        super().__init__(keys)
        self.keys = keys


@define(slots=False)
class Attempt:
    """One recipient of an incoming message. Steps run inside the storing transaction, in order."""

    incoming: Incoming
    recipient: str
    forms: Forms
    keys: Keys | None = None
    """For whom it is encrypted; decided by the step `encrypt`."""
    account: Principal | None = None
    box: Mailbox | None = None
    """Where it goes, as it is in this transaction."""
    mailbox: Id | None = None
    uid: int | None = None
    decisions: list[Decision] = field(factory=list)
    refusal: Refusal | None = None

    @property
    def ready(self) -> Ready:
        """The message as it is stored for this recipient; before the step `encrypt`, as it came.

        Raises Unprepared, which is not for steps to catch: a large message is not made ready before it is known what
        for. What it says is in `incoming` in any case.
        """
        form = self.forms.get(self.keys)
        if isinstance(form, Ready):
            return form
        raise Unprepared(self.keys)

    @cached_property
    def prefix(self) -> bytes:
        """The trace fields of this delivery, which stand before the message."""
        incoming = self.incoming
        return header_block(incoming.trace, mail_from=incoming.mail_from, recipient=self.recipient, now=incoming.now)

    def note(self, step: str, verdict: str, reason: str = "") -> None:
        """Adds to the receipt."""
        self.decisions.append(Decision(step=step, verdict=verdict, reason=reason))

    def refuse(self, step: str, refusal: Refusal) -> None:
        """Ends the attempt with a no."""
        self.note(step, "refuse", refusal.reason)
        self.refusal = refusal

    def outcome(self) -> Outcome:
        """What the receipt says of this recipient."""
        if self.refusal is not None:
            return Outcome(
                recipient=self.recipient,
                status="deferred" if self.refusal.reply < 500 else "rejected",
                reply=self.refusal.reply,
                code=self.refusal.code,
                text=self.refusal.reason,
                decisions=tuple(self.decisions),
                account=self.account.number if self.account else None,
            )
        return Outcome(
            recipient=self.recipient,
            status="stored",
            reply=250,
            code="2.1.5",
            text="Delivered",
            decisions=tuple(self.decisions),
            account=self.account.number if self.account else None,
            mailbox=self.mailbox,
            uid=self.uid,
        )
