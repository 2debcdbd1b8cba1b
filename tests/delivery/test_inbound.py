"""The sink between a listener and `kit.delivery`: on the event loop or on a thread, the answers are the same."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.delivery.attempt import Attempt
from mailkit.delivery.service import Delivery
from mailkit.delivery.steps import RECIPIENT_STEPS, Workshop
from mailkit.errors import Conflict
from mailkit.listeners.inbound import InboundSink
from mailkit.listeners.parameters import MailParameters
from mailkit.listeners.paths import Mailbox
from mailkit.listeners.reply import Reply
from mailkit.listeners.session import Envelope, Recipient, Session
from mailkit.storage.api import Tx
from mailkit.verify import verify

SMALL = b"Subject: hi\r\n\r\nline\r\n"
LARGE = SMALL + b"x" * 70 + b"\r\n" + b"many lines of text\r\n" * 5_000


def deliver(kit: MailKit, raw: bytes, *names: str) -> Sequence[Reply]:
    to = tuple(Recipient(Mailbox(name, "example.org")) for name in names)
    envelope = Envelope(Mailbox("bob", "example.net"), MailParameters(), to)
    with ThreadPoolExecutor(2) as pool:
        return asyncio.run(InboundSink(kit, pool).deliver(Session(id="1"), envelope, raw))


def replace_steps(kit: MailKit, clock: FixedClock, step: Callable[[Attempt, Workshop, Tx], None]) -> None:
    shop = Workshop(kit.addresses, kit.mailstore, lambda: 1 << 20)
    steps = [*RECIPIENT_STEPS, ("extra", step)]
    kit.delivery = Delivery(kit.store, shop, clock=clock, hostname=lambda: "mx", recipient_steps=steps)


@pytest.mark.parametrize("raw", [SMALL, LARGE], ids=["small", "large"])
def test_each_recipient_is_answered_once_the_message_is_stored(kit: MailKit, raw: bytes) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    kit.accounts.create("full", address="full@example.org", quota=10)
    assert kit.delivery.is_quick(raw) is (raw is SMALL)
    assert [reply.code for reply in deliver(kit, raw, "alice", "full", "nobody")] == [250, 452, 550]
    assert kit.mailstore.source(alice.number, "INBOX", 1).endswith(raw)
    assert list(verify(kit)) == []


@pytest.mark.parametrize("raw", [SMALL, LARGE], ids=["small", "large"])
def test_a_failing_step_defers_its_recipient_and_no_other(kit: MailKit, clock: FixedClock, raw: bytes) -> None:
    accounts = [kit.accounts.create(name, address=f"{name}@example.org") for name in ("alice", "bob")]

    def broken(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
        if attempt.recipient.startswith("bob"):
            raise RuntimeError("a plugin's mistake")

    replace_steps(kit, clock, broken)
    assert [reply.code for reply in deliver(kit, raw, "bob", "alice")] == [451, 250]
    assert [kit.mailstore.list(account.number).total for account in accounts] == [1, 0]
    assert list(verify(kit)) == []


@pytest.mark.parametrize("raw", [SMALL, LARGE], ids=["small", "large"])
def test_a_message_is_prepared_again_when_its_content_was_purged(kit: MailKit, clock: FixedClock, raw: bytes) -> None:
    account = kit.accounts.create("alice", address="alice@example.org")
    seen = []

    def purged_once(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
        seen.append(attempt.ready)
        if attempt.ready is seen[0]:
            raise Conflict("blob.gone", "purged")

    replace_steps(kit, clock, purged_once)
    assert [reply.code for reply in deliver(kit, raw, "alice")] == [250]
    assert kit.mailstore.list(account.number).total == 1
    assert list(verify(kit)) == []
