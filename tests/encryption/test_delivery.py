"""Mail that is delivered to accounts that want it encrypted; on every store, and over LMTP."""

import hashlib
import smtplib
import sys

import httpx2
import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.delivery.attempt import Attempt
from mailkit.delivery.receipt import Outcome
from mailkit.delivery.service import Delivery
from mailkit.delivery.steps import RECIPIENT_STEPS, Workshop
from mailkit.errors import Conflict
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.records import BlobRef
from mailkit.mailstore.segments import cut
from mailkit.mime.scan import scan
from mailkit.storage.api import Tx
from mailkit.storage.blobs import INLINE_MAX
from mailkit.storage.blobs.records import content
from mailkit.testing.platform import serving
from tests.encryption import keys
from tests.encryption.mail import INSIDE, RAW, account, after_prepare, faults, give_key, is_clear, stored, switch

JANE, JOHN, CERT = keys.openpgp(), keys.openpgp("John <john@example.org>"), keys.smime()
LARGE = RAW + b"xylophone and xylophone and\r\n" * (INLINE_MAX // 20)


def deliver(kit: MailKit, *names: str, raw: bytes = RAW) -> tuple[Outcome, ...]:
    to = [f"{name}@example.org" for name in names]
    return kit.delivery.accept(raw, mail_from="bob@example.net", rcpt_to=to).outcomes


def steps(outcome: Outcome) -> dict[str, tuple[str, str]]:
    return {decision.step: (decision.verdict, decision.reason) for decision in outcome.decisions}


@pytest.mark.parametrize("raw", [RAW, LARGE], ids=["small", "large"])
def test_each_recipient_gets_it_for_its_own_key(kit: MailKit, raw: bytes) -> None:
    owners = {"alice": JANE, "bob": CERT, "carol": None, "dora": JOHN, "emil": JANE}
    rows = {name: account(kit, name, owner) for name, owner in owners.items()}
    outcomes = deliver(kit, *owners, raw=raw)
    assert [outcome.status for outcome in outcomes] == ["stored"] * 5
    assert [steps(outcome).get("encrypt", ("", ""))[0] for outcome in outcomes] == [
        "openpgp", "smime", "", "openpgp", "openpgp",
    ]  # fmt: skip
    for name, owner in owners.items():
        source = kit.mailstore.source(rows[name].number, "INBOX", 1)
        assert f"Delivered-To: {name}@example.org\r\n".encode() in source
        assert kit.used(rows[name].number) == len(source)
        if owner is None:
            assert source.endswith(raw)
        else:
            assert owner.opened(source) == INSIDE + raw.removeprefix(RAW)
            assert b"Subject: plans\r\n" in source
    assert faults(kit) == []


def test_recipients_with_one_key_share_its_copy_and_others_have_their_own(kit: MailKit) -> None:
    rows = [account(kit, f"u{n}", [JANE, JOHN][n % 2]) for n in range(60)]
    outcomes = deliver(kit, *(row.name for row in rows), raw=RAW + b"long line of the text\r\n" * 100)
    assert [outcome.status for outcome in outcomes] == ["stored"] * 60
    refs = {}
    for n, row in enumerate(rows):
        segments = kit.mailstore.get(row.number, "INBOX", 1).row.segments
        (refs[n],) = [segment.digest for segment in segments if isinstance(segment, BlobRef)]
    assert len(set(refs.values())) == 4  # of two keys, in two batches of 50
    assert refs[0] == refs[2] != refs[1] == refs[3]
    with kit.store.snapshot() as tx:
        counts = [row.count for digest in sorted(set(refs.values())) if (row := content(tx, digest)) is not None]
    assert sorted(counts) == [5, 5, 25, 25]
    assert faults(kit) == []


def test_nothing_of_a_large_message_goes_to_a_file_in_clear_when_nobody_wants_it_so(kit: MailKit) -> None:
    alice = account(kit, owner=JANE)
    deliver(kit, "alice", raw=LARGE)
    clear = [hashlib.sha256(LARGE[piece.start : piece.end]).digest() for piece in cut(scan(LARGE))]
    with kit.store.snapshot() as tx:
        assert [content(tx, digest) for digest in clear] == [None] * len(clear)
    switch(kit, alice, None)
    deliver(kit, "alice", raw=LARGE)
    with kit.store.snapshot() as tx:
        assert all(content(tx, digest) is not None for digest in clear)


def test_the_mailbox_alone_may_ask_and_without_a_key_the_receipt_says_why_not(kit: MailKit) -> None:
    alice = give_key(kit, account(kit), JANE)
    kit.mailstore.alter_mailbox(alice.number, "INBOX", Alteration(encrypt=True))
    (outcome,) = deliver(kit, "alice")
    assert steps(outcome)["encrypt"] == ("openpgp", "The mailbox asks for it")
    give_key(kit, alice, None)
    (outcome,) = deliver(kit, "alice")
    assert steps(outcome)["encrypt"] == ("clear", "Encryption is switched on, but the account has no key")
    assert [is_clear(kit, alice, "INBOX", uid) for uid in (1, 2)] == [False, True]


def test_what_was_encrypted_before_is_delivered_as_it_came(kit: MailKit) -> None:
    account(kit, "first", CERT)
    deliver(kit, "first")
    foreign = kit.mailstore.source(kit.principals.find_login("first").number, "INBOX", 1)  # type: ignore[union-attr]
    alice = account(kit, owner=JANE)
    (outcome,) = deliver(kit, "alice", raw=foreign)
    assert steps(outcome)["encrypt"] == ("as it came", "application/pkcs7-mime, enveloped-data")
    assert kit.mailstore.source(alice.number, "INBOX", 1).endswith(foreign)


def test_quota_is_asked_for_the_encrypted_size(kit: MailKit) -> None:
    exact = account(kit, "exact", CERT)
    deliver(kit, "exact")
    size = kit.used(exact.number)
    assert size > len(RAW) + 500
    account(kit, "right", CERT, quota=size)
    account(kit, "short", CERT, quota=size - 1)
    outcomes = deliver(kit, "right", "short")
    assert [(o.status, o.code) for o in outcomes] == [("stored", "2.1.5"), ("deferred", "4.2.2")]


def test_what_cannot_be_encrypted_is_put_off_and_nobody_elses_mail_is(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = account(kit, owner=JANE)
    broken = account(kit, "broken", keys.Owner(keys.signing_key(), JANE.decrypt))
    account(kit, "carol")
    account(kit, "dora", CERT)
    outcomes = deliver(kit, "broken", "alice", "carol")
    assert [(o.status, o.reply, o.code) for o in outcomes] == [
        ("deferred", 451, "4.7.5"),
        ("stored", 250, "2.1.5"),
        ("stored", 250, "2.1.5"),
    ]
    assert "No suitable encryption subkey" in outcomes[0].text
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    outcomes = deliver(kit, "alice", "carol", "dora")
    assert [(o.status, o.reply, o.code) for o in outcomes] == [
        ("deferred", 451, "4.3.5"),
        ("stored", 250, "2.1.5"),
        ("stored", 250, "2.1.5"),
    ]
    assert 'needs the extra "openpgp"' in outcomes[0].text
    assert steps(outcomes[0])["encrypt"][0] == "refuse"
    assert kit.mailstore.list(broken.number).total == 0
    assert kit.mailstore.list(alice.number).total == 1
    assert faults(kit) == []


def test_keys_that_change_while_a_message_is_prepared_are_not_used(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = account(kit)
    owners = [JANE, CERT, JOHN]
    after_prepare(kit, monkeypatch, lambda: owners and switch(kit, alice, owners.pop(0)))
    (outcome,) = deliver(kit, "alice")
    assert (outcome.status, owners) == ("stored", [])
    assert JOHN.opened(stored(kit, alice).raw) == INSIDE
    assert faults(kit) == []


def test_keys_that_change_again_and_again_end_in_a_conflict_and_nothing_is_stored(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = account(kit, owner=JANE)
    turns = iter(range(1000))
    after_prepare(kit, monkeypatch, lambda: switch(kit, alice, keys.openpgp(f"No {next(turns)} <x@example.org>")))
    with pytest.raises(Conflict, match=r"delivery\.busy"):
        deliver(kit, "alice")
    assert kit.mailstore.list(alice.number).total == 0


def test_steps_before_it_see_the_message_as_it_came_and_one_left_out_stores_nothing_in_clear(
    kit: MailKit, clock: FixedClock
) -> None:
    alice = account(kit, owner=JANE)
    seen: list[tuple[str, str]] = []

    def look(attempt: Attempt, shop: Workshop, tx: Tx) -> None:
        seen.append((attempt.ready.fields["content_type"], attempt.ready.fields["intro"]))

    shop = Workshop(kit.addresses, kit.mailstore, lambda: 1 << 30)
    for raw in (RAW, LARGE):
        kit.delivery = Delivery(
            kit.store, shop, clock=clock, hostname=lambda: "mx",
            recipient_steps=[*RECIPIENT_STEPS[:2], ("look", look), *RECIPIENT_STEPS[2:]],
        )  # fmt: skip
        deliver(kit, "alice", raw=raw)
        assert seen[-1][0] == "text/plain"
        assert "xylophone" in seen[-1][1]
    assert not any(is_clear(kit, alice, "INBOX", uid) for uid in (1, 2))
    without = [step for step in RECIPIENT_STEPS if step[0] != "encrypt"]
    kit.delivery = Delivery(kit.store, shop, clock=clock, hostname=lambda: "mx", recipient_steps=without)
    with pytest.raises(Conflict, match=r"encryption\.changed"):
        deliver(kit, "alice")
    assert kit.mailstore.list(alice.number).total == 2


@pytest.mark.parametrize("raw", [RAW, LARGE], ids=["small", "large"])
def test_over_lmtp_from_end_to_end(kit: MailKit, monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    alice, carol = account(kit, owner=JANE), account(kit, "carol")
    with serving(kit) as server, smtplib.LMTP(*server.lmtp, local_hostname="client.test") as client:
        client.sendmail("bob@example.net", ["alice@example.org"], raw)
        client.sendmail("bob@example.net", ["carol@example.org"], raw)
        headers = {"X-Access-Token": server.token()}
        box = kit.mailstore.mailbox(alice.number, "INBOX").id
        path = f"{server.http}/users/{alice.id}/mailboxes/{box}/messages"
        (row,) = httpx2.get(path, headers=headers).json()["results"]
        assert (row["subject"], row["encrypted"]) == ("plans", True)
        assert row["contentType"]["value"] == "multipart/encrypted"
        assert "intro" not in row
        shown = httpx2.get(f"{path}/1", headers=headers).json()
        assert (shown["text"], shown["encrypted"], shown["from"]["address"]) == ("", True, "bob@example.net")
        assert "html" not in shown
        source = httpx2.get(f"{path}/1/message.eml", headers=headers).content
        assert JANE.opened(source) == INSIDE + raw.removeprefix(RAW)
        monkeypatch.setitem(sys.modules, "pysequoia", None)
        client.sendmail("bob@example.net", ["carol@example.org"], raw)
        with pytest.raises(smtplib.SMTPDataError) as put_off:
            client.sendmail("bob@example.net", ["alice@example.org"], raw)
        assert put_off.value.smtp_code == 451
        said = b"4.3.5 The account's mail is to be encrypted, which is not possible now"
        assert put_off.value.smtp_error.startswith(said)
    assert kit.mailstore.list(alice.number).total == 1
    assert kit.mailstore.list(carol.number).total == 2
