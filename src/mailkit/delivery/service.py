"""Inbound mail: a message and its recipients in, a receipt out."""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from mailkit.clock import Clock
from mailkit.delivery.attempt import Attempt, Incoming, Refusal
from mailkit.delivery.receipt import Decision, Outcome, Receipt
from mailkit.delivery.steps import INSTANT, MESSAGE_STEPS, RECIPIENT_STEPS, MessageStep, RecipientStep, Workshop
from mailkit.delivery.trace import Trace, crlf
from mailkit.errors import Conflict, Invalid
from mailkit.ids import Id, new_id
from mailkit.mailstore.prepare import Ready
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.storage.codec import Codec
from mailkit.storage.tables import Table
from mailkit.telemetry import emit

__all__ = ["KEPT", "Delivering", "Delivery"]

RECEIPTS = Table[Receipt](keyspace.RECEIPT, Codec(Receipt), missing="receipt.not_found")

KEPT = 30 * 86_400_000
"""How long receipts are kept, in ms."""

Delivering = Generator[Callable[[Tx], Any], Any, Receipt]
"""A delivery under way, sans-IO: it yields the functions that are to be run in a transaction, one after the other, is
sent what each returned, or thrown what it raised, and returns the receipt."""

_BATCH = 50
"""Recipients stored in one transaction."""

_QUICK = 64 * 1024
"""Bytes up to which reading a message is a matter of a few milliseconds, and none of it goes to a file."""

_PREPARED_AT_MOST = 5
"""Times a message is prepared when blobs that it shares are purged meanwhile."""


class Delivery:
    """The use case. Steps can be replaced or added to; `steps.py` has the built-in ones and their law."""

    def __init__(
        self,
        store: Store,
        shop: Workshop,
        *,
        clock: Clock,
        hostname: Callable[[], str],
        message_steps: Sequence[tuple[str, MessageStep]] = MESSAGE_STEPS,
        recipient_steps: Sequence[tuple[str, RecipientStep]] = RECIPIENT_STEPS,
    ) -> None:
        self.store = store
        self._shop = shop
        self._clock = clock
        self._hostname = hostname
        self._message_steps = tuple(message_steps)
        self._recipient_steps = tuple(recipient_steps)

    def accept(
        self,
        raw: bytes,
        *,
        mail_from: str,
        rcpt_to: Iterable[str],
        ip: str = "",
        hello: str = "",
        protocol: str = "LMTP",
    ) -> Receipt:
        """Takes responsibility for a message: for each recipient it is stored durably, refused, or to be tried again.

        `mail_from` is the envelope sender, empty for a bounce. Raises Invalid without recipients; all else is in the
        receipt.
        """
        delivering = self.deliver(raw, mail_from=mail_from, rcpt_to=rcpt_to, ip=ip, hello=hello, protocol=protocol)
        try:
            fn = next(delivering)
            while True:
                try:
                    result = self.store.transact(fn)
                except Exception as error:
                    fn = delivering.throw(error)
                else:
                    fn = delivering.send(result)
        except StopIteration as done:
            receipt: Receipt = done.value
            return receipt

    def is_quick(self, raw: bytes) -> bool:
        """True when `deliver` will only compute, and not for long: then it may run on an event loop."""
        return len(raw) <= _QUICK and all(name in INSTANT for name, _ in self._message_steps)

    def deliver(
        self,
        raw: bytes,
        *,
        mail_from: str,
        rcpt_to: Iterable[str],
        ip: str = "",
        hello: str = "",
        protocol: str = "LMTP",
    ) -> Delivering:
        """`accept` for those who run the transactions themselves."""
        recipients = tuple(rcpt_to)
        if not recipients:
            raise Invalid.field("rcpt_to", '"rcpt_to" must name at least one recipient')
        now = self._clock()
        id = new_id(now)
        trace = Trace(id=str(id), host=self._hostname(), protocol=protocol, ip=ip, hello=hello)
        incoming = Incoming(id, crlf(raw), mail_from, recipients, trace, now)
        decisions: list[Decision] = []
        for name, step in self._message_steps:
            refusal = self._ask(name, step, incoming)
            if refusal is not None:
                decisions.append(Decision(step=name, verdict="refuse", reason=refusal.reason))
                return (yield from self._refuse_all(incoming, refusal, tuple(decisions)))
            decisions.append(Decision(step=name, verdict="pass"))
        return (yield from self._store_all(incoming, tuple(decisions)))

    def _refuse_all(self, incoming: Incoming, refusal: Refusal, decisions: tuple[Decision, ...]) -> Delivering:
        outcomes = tuple(_refused(recipient, refusal) for recipient in incoming.rcpt_to)
        receipt = self._receipt(incoming, outcomes, decisions)
        yield lambda tx: RECEIPTS.put(tx, receipt, incoming.id, 0)
        return receipt

    def _ask(self, name: str, step: MessageStep, incoming: Incoming) -> Refusal | None:
        try:
            return step(incoming, self._shop)
        except Exception as error:
            emit("delivery.step_failed", level="error", step=name, id=str(incoming.id), error=repr(error))
            return Refusal(451, "4.3.0", f"The step {name} failed; try again later")

    def _store_all(self, incoming: Incoming, decisions: tuple[Decision, ...]) -> Delivering:
        ready = self._shop.mailstore.prepare(incoming.raw, idate=incoming.now)
        outcomes: list[Outcome] = []
        for batch, first in enumerate(range(0, len(incoming.rcpt_to), _BATCH)):
            recipients = incoming.rcpt_to[first : first + _BATCH]
            ready, stored = yield from self._store_batch(incoming, batch, recipients, ready, decisions)
            outcomes += stored
        receipt = self._receipt(incoming, tuple(outcomes), decisions)
        emit("delivery.done", id=str(incoming.id), size=receipt.size, recipients=len(outcomes), stored=receipt.stored)
        return receipt

    def _store_batch(
        self,
        incoming: Incoming,
        batch: int,
        recipients: tuple[str, ...],
        ready: Ready,
        decisions: tuple[Decision, ...],
    ) -> Generator[Callable[[Tx], Any], Any, tuple[Ready, tuple[Outcome, ...]]]:
        """One transaction for all of `recipients`, those aside for whom a step fails: they are told to try again."""
        failed: dict[int, Outcome] = {}
        prepared = 1

        def fn(tx: Tx) -> tuple[Outcome, ...]:
            outcomes = tuple(
                failed.get(place) or self._attempt(Attempt(incoming, recipient, ready), place, tx)
                for place, recipient in enumerate(recipients)
            )
            RECEIPTS.put(tx, self._receipt(incoming, outcomes, decisions), incoming.id, batch)
            return outcomes

        while True:
            try:
                return ready, (yield fn)
            except _StepFailed as failure:
                reason = f"The step {failure.step} failed; try again later"
                cause = repr(failure.__cause__)
                emit("delivery.step_failed", level="error", step=failure.step, id=str(incoming.id), error=cause)
                failed[failure.place] = _refused(recipients[failure.place], Refusal(451, "4.3.0", reason))
            except Conflict as conflict:
                if conflict.code != "blob.gone" or prepared == _PREPARED_AT_MOST:
                    raise
                ready = self._shop.mailstore.prepare(incoming.raw, idate=incoming.now)
                prepared += 1

    def _attempt(self, attempt: Attempt, place: int, tx: Tx) -> Outcome:
        for name, step in self._recipient_steps:
            try:
                step(attempt, self._shop, tx)
            except Conflict:
                raise
            except Exception as error:
                raise _StepFailed(place, name) from error
            if attempt.refusal is not None:
                break
        return attempt.outcome()

    def _receipt(self, incoming: Incoming, outcomes: tuple[Outcome, ...], decisions: tuple[Decision, ...]) -> Receipt:
        return Receipt(
            id=incoming.id,
            at=incoming.now,
            mail_from=incoming.mail_from,
            size=len(incoming.raw),
            outcomes=outcomes,
            ip=incoming.trace.ip,
            hello=incoming.trace.hello,
            decisions=decisions,
        )

    @reads
    def receipt(self, id: Id, *, tx: ReadTx = OWN) -> Receipt:
        """What became of a message; NotFound `receipt.not_found` after 30 days."""
        rows = [row for _, row in RECEIPTS.scan(tx, id)]
        if not rows:
            return RECEIPTS.get(tx, id, 0)
        return replace(rows[0], outcomes=tuple(outcome for row in rows for outcome in row.outcomes))

    @writes
    def expire(self, *, now: int, limit: int = 500, tx: Tx = OWN) -> bool:
        """Removes up to `limit` receipts older than `KEPT`; True when there may be more."""
        oldest = max(0, now - KEPT) // 1000
        start, stop = keyspace.RECEIPT.range()
        stop = min(stop, keyspace.RECEIPT.key(oldest.to_bytes(4, "big") + bytes(8)))
        old = [key for key, _ in tx.scan(start, stop, limit=limit)]
        for key in old:
            tx.delete(key)
        return len(old) == limit


class _StepFailed(Exception):
    """A recipient's step raised: the transaction is given up and run again without that recipient."""

    def __init__(self, place: int, step: str) -> None:
        super().__init__(place, step)
        self.place = place
        self.step = step


def _refused(recipient: str, refusal: Refusal) -> Outcome:
    return Outcome(
        recipient=recipient,
        status="deferred" if refusal.reply < 500 else "rejected",
        reply=refusal.reply,
        code=refusal.code,
        text=refusal.reason,
    )
