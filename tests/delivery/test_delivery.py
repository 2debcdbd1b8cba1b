"""Inbound mail, on every store."""

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.delivery.attempt import Attempt
from mailkit.delivery.service import Delivery
from mailkit.delivery.steps import RECIPIENT_STEPS, Workshop
from mailkit.errors import Invalid
from mailkit.ids import Id
from mailkit.storage.api import Tx
from mailkit.storage.blobs.records import content
from mailkit.verify import verify

RAW = b"Subject: hi\nFrom: a@b.c\n\nline\n"


def accounts(kit: MailKit, *names: str, **more: int) -> None:
    for name in names:
        kit.accounts.create(name, address=f"{name}@example.org", **more)


def test_message_is_stored_with_its_trace_and_a_receipt(kit: MailKit, clock: FixedClock) -> None:
    accounts(kit, "alice")
    receipt = kit.delivery.accept(
        RAW, mail_from="bob@example.net", rcpt_to=["Al.ice+shop@example.org"], ip="192.0.2.1", hello="client"
    )
    (outcome,) = receipt.outcomes
    assert (outcome.status, outcome.reply, outcome.code, outcome.uid) == ("stored", 250, "2.1.5", 1)
    assert [decision.step for decision in outcome.decisions] == ["resolve", "quota", "rate", "store"]
    alice = kit.principals.find_login("alice")
    assert alice is not None
    source = kit.mailstore.source(alice.id, "INBOX", 1)
    assert source.startswith(b"Return-Path: <bob@example.net>\r\nDelivered-To: Al.ice+shop@example.org\r\n")
    assert source.endswith(b"\r\nSubject: hi\r\nFrom: a@b.c\r\n\r\nline\r\n")
    entry = kit.mailstore.get(alice.id, "INBOX", 1)
    assert (entry.row.mail_from, entry.row.rcpt_to) == ("bob@example.net", ("Al.ice+shop@example.org",))
    assert kit.delivery.receipt(receipt.id) == receipt
    assert list(verify(kit)) == []


def test_every_recipient_has_an_answer_of_its_own(kit: MailKit) -> None:
    accounts(kit, "alice")
    accounts(kit, "full", quota=10)
    receipt = kit.delivery.accept(
        RAW, mail_from="", rcpt_to=["full@example.org", "who@example.org", "alice@example.org"]
    )
    assert [(o.status, o.reply, o.code) for o in receipt.outcomes] == [
        ("deferred", 452, "4.2.2"),
        ("rejected", 550, "5.1.1"),
        ("stored", 250, "2.1.5"),
    ]
    assert kit.delivery.receipt(receipt.id).outcomes == receipt.outcomes
    assert list(verify(kit)) == []


def test_quota_counts_the_trace_fields_too(kit: MailKit) -> None:
    accounts(kit, "alice")
    kit.delivery.accept(RAW, mail_from="b@c.de", rcpt_to=["alice@example.org"])
    alice = kit.principals.find_login("alice")
    assert alice is not None
    size = kit.used(alice.number)
    accounts(kit, "exact", quota=size)
    accounts(kit, "short", quota=size - 1)
    receipt = kit.delivery.accept(RAW, mail_from="b@c.de", rcpt_to=["exact@example.org", "short@example.org"])
    assert [outcome.status for outcome in receipt.outcomes] == ["stored", "deferred"]


def test_many_recipients_share_one_copy(kit: MailKit) -> None:
    names = [f"u{n}" for n in range(120)]
    accounts(kit, *names)
    receipt = kit.delivery.accept(
        RAW + b"x" * 5000, mail_from="b@c.de", rcpt_to=[f"{name}@example.org" for name in names]
    )
    assert receipt.stored == 120
    assert kit.delivery.receipt(receipt.id).stored == 120
    with kit.store.snapshot() as tx:
        from mailkit.mailstore.records import BlobRef

        user = kit.principals.find_login("u7", tx=tx)
        assert user is not None
        row = kit.mailstore.get(user.id, "INBOX", 1, tx=tx).row
        (ref,) = [segment for segment in row.segments if isinstance(segment, BlobRef)]
        shared = content(tx, ref.digest)
    assert shared is not None
    assert shared.count == 120
    assert list(verify(kit)) == []


def test_too_large_is_refused_for_good(kit: MailKit) -> None:
    accounts(kit, "alice")
    kit.settings.change({"limits.message_size": "1 KiB"}, now=0)
    receipt = kit.delivery.accept(b"x" * 2000, mail_from="b@c.de", rcpt_to=["alice@example.org"])
    assert [(o.status, o.reply, o.code) for o in receipt.outcomes] == [("rejected", 552, "5.3.4")]
    assert kit.delivery.receipt(receipt.id) == receipt


def test_switched_off_account_takes_nothing(kit: MailKit) -> None:
    from msgspec.structs import replace

    accounts(kit, "alice")
    alice = kit.principals.find_login("alice")
    assert alice is not None
    kit.principals.update(replace(alice, active=False))
    receipt = kit.delivery.accept(RAW, mail_from="b@c.de", rcpt_to=["alice@example.org"])
    assert [(o.status, o.code) for o in receipt.outcomes] == [("rejected", "5.2.1")]


def test_a_failing_step_defers_its_recipient_and_no_other(kit: MailKit, clock: FixedClock) -> None:
    accounts(kit, "alice", "bob")

    def broken(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
        if attempt.recipient.startswith("bob"):
            raise RuntimeError("a plugin's mistake")

    shop = Workshop(kit.addresses, kit.mailstore, lambda: 1 << 20)
    delivery = Delivery(
        kit.store, shop, clock=clock, hostname=lambda: "mx", recipient_steps=[*RECIPIENT_STEPS, ("broken", broken)]
    )
    receipt = delivery.accept(RAW, mail_from="b@c.de", rcpt_to=["bob@example.org", "alice@example.org"])
    assert [(o.status, o.code) for o in receipt.outcomes] == [("deferred", "4.3.0"), ("stored", "2.1.5")]
    bob = kit.principals.find_login("bob")
    assert bob is not None
    assert kit.mailstore.list(bob.id).total == 0
    assert list(verify(kit)) == []


def test_no_recipient_is_an_error_that_names_the_field(kit: MailKit) -> None:
    with pytest.raises(Invalid) as refused:
        kit.delivery.accept(RAW, mail_from="b@c.de", rcpt_to=[])
    assert refused.value.errors[0].path == ("rcpt_to",)


def test_unknown_receipt_is_not_found(kit: MailKit) -> None:
    from mailkit.errors import NotFound

    with pytest.raises(NotFound, match=r"receipt\.not_found"):
        kit.delivery.receipt(Id(bytes(12)))


def test_receipts_go_after_thirty_days_and_no_earlier(kit: MailKit, clock: FixedClock) -> None:
    from mailkit.delivery.service import KEPT
    from mailkit.errors import NotFound

    accounts(kit, "alice")
    first = kit.delivery.accept(RAW, mail_from="b@c.de", rcpt_to=["alice@example.org"])
    clock.advance(days=1)
    second = kit.delivery.accept(RAW, mail_from="b@c.de", rcpt_to=["alice@example.org"])
    clock.now = first.at + KEPT + 1000
    assert not kit.delivery.expire(now=clock.now)
    with pytest.raises(NotFound):
        kit.delivery.receipt(first.id)
    assert kit.delivery.receipt(second.id) == second


def test_a_receipt_says_that_nothing_is_forwarded_yet(kit: MailKit) -> None:
    from msgspec.structs import replace

    accounts(kit, "alice")
    alice = kit.principals.find_login("alice")
    assert alice is not None
    kit.principals.update(replace(alice, targets=("alice@elsewhere.example",)))
    (outcome,) = kit.delivery.accept(RAW, mail_from="b@c.de", rcpt_to=["alice@example.org"]).outcomes
    assert outcome.status == "stored"
    assert [(d.step, d.verdict) for d in outcome.decisions if d.step == "forward"] == [("forward", "not sent")]
