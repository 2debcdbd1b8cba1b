"""Inbound mail: a message and its recipients in, a receipt out."""

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from typing import Any

from attrs import frozen
from msgspec.structs import replace

from mailkit.clock import Clock
from mailkit.delivery.attempt import Attempt, Incoming, Refusal, Unprepared
from mailkit.delivery.receipt import Decision, Outcome, Receipt
from mailkit.delivery.steps import INSTANT, MESSAGE_STEPS, RECIPIENT_STEPS, MessageStep, RecipientStep, Workshop
from mailkit.delivery.trace import Trace, crlf
from mailkit.encryption.keys import Keys
from mailkit.errors import Conflict, Invalid, NotSupported, Unavailable
from mailkit.ids import Id, new_id
from mailkit.mailstore.prepare import Ready
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.blobs import INLINE_MAX
from mailkit.storage.calls import OWN, reads, writes
from mailkit.storage.codec import Codec
from mailkit.storage.tables import Table
from mailkit.telemetry import emit

__all__ = ["KEPT", "Aside", "Delivering", "Delivery"]

RECEIPTS = Table[Receipt](keyspace.RECEIPT, Codec(Receipt), missing="receipt.not_found")

KEPT = 30 * 86_400_000
"""How long receipts are kept, in ms."""


@frozen
class Aside:
    """Something that takes time and no transaction."""

    run: Callable[[], object]


Delivering = Generator[Callable[[Tx], Any] | Aside, Any, Receipt]
"""A delivery under way, sans-IO: it yields the functions that are to be run in a transaction, or aside, one after the
other, is sent what each returned, or thrown what it raised, and returns the receipt."""

_BATCH = 50
"""Recipients stored in one transaction."""

_QUICK = 64 * 1024
"""Bytes up to which reading a message is a matter of a few milliseconds, and none of it goes to a file."""

_ROUNDS = 8
"""Times a message is prepared anew when blobs that it shares are purged, or keys are changed, meanwhile."""

_NO_ENCRYPTION = {"openpgp.missing": "4.3.5", "encryption.failed": "4.7.5"}
"""Errors of encrypting, and what a sender is told (RFC 3463): this system lacks something; a key cannot be used."""


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
                    result = fn.run() if isinstance(fn, Aside) else self.store.transact(fn)
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
        forms: dict[Keys | None, Ready | Refusal] = {}
        if len(incoming.raw) <= INLINE_MAX:  # the pieces of a larger one go to files: none in clear that need not
            forms[None] = self._shop.mailstore.prepare(incoming.raw, idate=incoming.now)
        outcomes: list[Outcome] = []
        for batch, first in enumerate(range(0, len(incoming.rcpt_to), _BATCH)):
            recipients = incoming.rcpt_to[first : first + _BATCH]
            outcomes += yield from self._store_batch(incoming, batch, recipients, forms, decisions)
            forms = {keys: form for keys, form in forms.items() if keys is None}  # others' keys are others
        receipt = self._receipt(incoming, tuple(outcomes), decisions)
        emit("delivery.done", id=str(incoming.id), size=receipt.size, recipients=len(outcomes), stored=receipt.stored)
        return receipt

    def _store_batch(
        self,
        incoming: Incoming,
        batch: int,
        recipients: tuple[str, ...],
        forms: dict[Keys | None, Ready | Refusal],
        decisions: tuple[Decision, ...],
    ) -> Generator[Callable[[Tx], Any] | Aside, Any, tuple[Outcome, ...]]:
        """One transaction for all of `recipients`, those aside for whom a step fails: they are told to try again.

        The transaction says in which forms the message is needed; those that are not there are made, and it runs again.
        """
        failed: dict[int, Outcome] = {}
        rounds = 0

        def fn(tx: Tx) -> tuple[Outcome, ...]:
            outcomes: list[Outcome] = []
            missing: set[Keys | None] = set()
            for place, recipient in enumerate(recipients):
                try:
                    done = failed.get(place) or self._attempt(Attempt(incoming, recipient, forms), place, tx)
                    outcomes.append(done)
                except Unprepared as unprepared:
                    missing.add(unprepared.keys)
            if missing:
                raise _FormsMissing(missing)
            RECEIPTS.put(tx, self._receipt(incoming, tuple(outcomes), decisions), incoming.id, batch)
            return tuple(outcomes)

        while True:
            try:
                stored: tuple[Outcome, ...] = yield fn
                return stored
            except _StepFailed as failure:
                reason = f"The step {failure.step} failed; try again later"
                cause = repr(failure.__cause__)
                emit("delivery.step_failed", level="error", step=failure.step, id=str(incoming.id), error=cause)
                failed[failure.place] = _refused(recipients[failure.place], Refusal(451, "4.3.0", reason))
            except _FormsMissing as needed:
                if (rounds := rounds + 1) > _ROUNDS:
                    raise Conflict("delivery.busy", "What is demanded of encryption changed again and again") from None
                yield Aside(partial(self._make, incoming, needed.keys, forms))
            except Conflict as conflict:
                if conflict.code != "blob.gone" or (rounds := rounds + 1) > _ROUNDS:
                    raise
                forms.clear()

    def _make(
        self, incoming: Incoming, wanted: Iterable[Keys | None], forms: dict[Keys | None, Ready | Refusal]
    ) -> None:
        """Makes the message ready in the forms that are wanted. What cannot be encrypted is to come again: somebody may
        install what is missing, or put another key."""
        for keys in wanted:
            try:
                forms[keys] = self._shop.mailstore.prepare(incoming.raw, idate=incoming.now, keys=keys)
            except (NotSupported, Unavailable) as error:
                if error.code not in _NO_ENCRYPTION:
                    raise
                emit("delivery.not_encrypted", level="error", id=str(incoming.id), error=error.message)
                reason = f"The account's mail is to be encrypted, which is not possible now: {error.message}"
                forms[keys] = Refusal(451, _NO_ENCRYPTION[error.code], reason)

    def _attempt(self, attempt: Attempt, place: int, tx: Tx) -> Outcome:
        for name, step in self._recipient_steps:
            try:
                step(attempt, self._shop, tx)
            except (Conflict, Unprepared):
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


class _FormsMissing(Exception):
    """The transaction is given up and run again when the message is ready in these forms."""

    def __init__(self, keys: set[Keys | None]) -> None:
        super().__init__(keys)
        self.keys = keys


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
