"""The order in which an incoming message is decided upon.

    once per message, outside any transaction        per recipient, inside the storing transaction
    -----------------------------------------        ---------------------------------------------
    size        is it small enough                   resolve   whose address is it
                                                     open      may the account receive
                                                     encrypt   is it stored as it came, or encrypted for whom
                                                     quota     is there room
                                                     rate      are there not too many at once
                                                     store     in INBOX

A step either goes on, with a note for the receipt, or refuses, which ends the attempt. A step that fails with an error
defers: the sender tries again, nothing is lost. Authentication, spam and filters take their places in this list, before
`encrypt`: they look at the message as it came.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import frozen

from mailkit.delivery.attempt import Attempt, Incoming, Refusal
from mailkit.mailstore.service import MailStore
from mailkit.principals.addresses import Addresses
from mailkit.principals.records import Principal
from mailkit.quota import Refused
from mailkit.storage.api import Tx

__all__ = ["INSTANT", "MESSAGE_STEPS", "RECIPIENT_STEPS", "MessageStep", "RecipientStep", "Workshop"]


@frozen
class Workshop:
    """The services that steps work with."""

    addresses: Addresses
    mailstore: MailStore
    max_size: Callable[[], int]
    count_received: Callable[[Tx, Principal], str | None] = lambda tx, account: None
    """Counts one more message for an account; why there may be no more for now, else None."""


class MessageStep(Protocol):
    """Decides on the message as a whole."""

    def __call__(self, incoming: Incoming, shop: Workshop) -> Refusal | None: ...


class RecipientStep(Protocol):
    """Decides for one recipient."""

    def __call__(self, attempt: Attempt, shop: Workshop, tx: Tx) -> None: ...


def size(incoming: Incoming, shop: Workshop) -> Refusal | None:
    """RFC 1870 6.2: what is too large is refused for good."""
    limit = shop.max_size()
    if len(incoming.raw) > limit:
        return Refusal(552, "5.3.4", f"The message has {len(incoming.raw)} bytes, {limit} are allowed")
    return None


def resolve(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
    """The address, its plus label aside, belongs to a principal here."""
    found = shop.addresses.resolve(attempt.recipient, tx=tx)
    if found is None:
        attempt.refuse("resolve", Refusal(550, "5.1.1", "There is no such address here"))
        return
    address, attempt.account = found
    attempt.note("resolve", "account", f"{address.value} belongs to {attempt.account.name}")


def receives(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
    """Accounts that are switched off take no mail."""
    account = attempt.account
    assert account is not None
    if account.kind not in ("individual", "group"):
        reason = f"A principal of type {account.kind} has no mailbox here"
        attempt.refuse("open", Refusal(550, "5.1.1", reason))
    elif not account.active:
        attempt.refuse("open", Refusal(550, "5.2.1", "The account is disabled"))
    elif account.targets:
        # There is no queue yet to send copies with: the receipt must not leave anybody to believe that one went out.
        attempt.note("forward", "not sent", "Forwarding is not built yet; the message is kept here only")


def encrypt(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
    """For the keys of the account, if it or its mailbox asks for that. What cannot be encrypted is not stored."""
    assert attempt.account is not None
    attempt.box = shop.mailstore.mailbox(attempt.account.number, "INBOX", tx=tx)
    demand = shop.mailstore.demand(attempt.account.number, attempt.box, tx=tx)
    attempt.keys = demand.keys
    form = attempt.forms.get(demand.keys)
    if isinstance(form, Refusal):
        attempt.refuse("encrypt", form)
    elif demand.keys is not None:
        how = attempt.ready.already.how
        attempt.note("encrypt", "as it came" if how else demand.keys.method, how or demand.reason)
    elif demand.reason:
        attempt.note("encrypt", "clear", demand.reason)


def quota(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
    """RFC 3463 4.2.2: a full mailbox may have room again later."""
    assert attempt.account is not None
    size = len(attempt.prefix) + attempt.ready.size
    answer = shop.mailstore.quota.ask(tx, attempt.account.number, size)
    if isinstance(answer, Refused):
        attempt.refuse("quota", Refusal(452, "4.2.2", answer.reason))
    else:
        attempt.note("quota", "admit")


def rate(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
    """So many messages a minute; the next one is welcome later. Counted where it is stored, or not at all."""
    assert attempt.account is not None
    refused = shop.count_received(tx, attempt.account)
    if refused is not None:
        attempt.refuse("rate", Refusal(450, "4.2.1", f"The account receives too many messages: {refused}"))
    else:
        attempt.note("rate", "admit")


def store(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
    """Into INBOX, behind the trace fields of this delivery."""
    assert attempt.account is not None
    incoming = attempt.incoming
    stored = shop.mailstore.append(
        attempt.account.number,
        attempt.ready,
        mailbox=attempt.box or "INBOX",
        prefix=attempt.prefix,
        mail_from=incoming.mail_from,
        rcpt_to=(attempt.recipient,),
        tx=tx,
    )
    attempt.mailbox, attempt.uid = stored.mailbox, stored.uid
    attempt.note("store", "INBOX", f"as message {stored.uid}")


MESSAGE_STEPS: tuple[tuple[str, MessageStep], ...] = (("size", size),)
INSTANT = frozenset(("size",))
"""Message steps that neither wait for anything nor compute for long."""

RECIPIENT_STEPS: tuple[tuple[str, RecipientStep], ...] = (
    ("resolve", resolve),
    ("open", receives),
    ("encrypt", encrypt),
    ("quota", quota),
    ("rate", rate),
    ("store", store),
)
