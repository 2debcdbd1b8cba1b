"""What is stored of messages that are to be encrypted: appended, moved, copied, found, restored; on every store."""

from collections.abc import Callable, Iterator

import pytest

from mailkit import MailKit
from mailkit.accounts.mail_encryption import switched_on
from mailkit.accounts.users import UserChanges
from mailkit.errors import Conflict, NotSupported, OverQuota, Unavailable
from mailkit.mailstore.flags import Change
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.records import BlobRef
from mailkit.mailstore.selection import Selection
from mailkit.search.apply import APPLY, apply_args
from mailkit.search.simple import Simple
from mailkit.storage.api import Tx
from mailkit.storage.blobs.records import content
from tests.encryption import keys
from tests.encryption.mail import (
    INSIDE,
    RAW,
    account,
    after_prepare,
    faults,
    give_key,
    hits,
    is_clear,
    secret_box,
    stored,
    switch,
)

ALL = Selection(((1, 1 << 31),))
JANE, JOHN, CERT = keys.openpgp(), keys.openpgp("John <john@example.org>"), keys.smime()
OWNERS = pytest.mark.parametrize("owner", [JANE, CERT], ids=["openpgp", "smime"])


@OWNERS
def test_a_message_is_stored_encrypted_with_its_header_in_clear(kit: MailKit, owner: keys.Owner) -> None:
    alice = account(kit, owner=owner)
    put = kit.mailstore.append(alice.number, RAW)
    source = kit.mailstore.source(alice.number, "INBOX", 1)
    assert owner.opened(source) == INSIDE
    for line in RAW.partition(b"Content-Type")[0].splitlines():
        assert line in source
    row = kit.mailstore.get(alice.number, "INBOX", 1).row
    assert (row.subject, row.intro, row.message_id, row.size) == ("plans", "", "1@x", len(source))
    assert put.size == len(source) == kit.used(alice.number)
    assert row.content_type == ("multipart/encrypted" if owner is JANE else "application/pkcs7-mime")
    assert faults(kit) == []


def test_what_is_encrypted_is_found_by_its_header_and_not_by_its_text(kit: MailKit) -> None:
    alice = account(kit)
    kit.mailstore.append(alice.number, RAW)
    switch(kit, alice, JANE)
    kit.mailstore.append(alice.number, RAW)
    armored = b"Subject: inline\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nxylophone\r\n-----END PGP MESSAGE-----\r\n"
    kit.mailstore.append(alice.number, armored)
    assert hits(kit, alice, "xylophone") == [1]
    assert hits(kit, alice, "subject:plans") == [1, 2]
    assert hits(kit, alice, "subject:inline") == [3]
    assert kit.mailstore.get(alice.number, "INBOX", 3).row.intro == ""


def test_drafts_are_left_as_they_are(kit: MailKit) -> None:
    alice = account(kit, owner=JANE)
    kit.mailstore.append(alice.number, RAW, flags=["\\Draft"])
    box = secret_box(kit, alice)
    kit.mailstore.append(alice.number, RAW, mailbox=box, flags=["\\Draft", "\\Seen"])
    assert is_clear(kit, alice)
    assert is_clear(kit, alice, box)


def test_a_mailbox_asks_for_itself_alone(kit: MailKit) -> None:
    alice = give_key(kit, account(kit), JANE)
    box = secret_box(kit, alice)
    kit.mailstore.append(alice.number, RAW)
    kit.mailstore.append(alice.number, RAW, mailbox=box)
    assert is_clear(kit, alice)
    assert JANE.opened(stored(kit, alice, box).raw) == INSIDE
    kit.mailstore.alter_mailbox(alice.number, box, Alteration(encrypt=False))
    kit.mailstore.append(alice.number, RAW, mailbox=box)
    assert is_clear(kit, alice, box, 2)
    kit.mailstore.alter_mailbox(alice.number, "INBOX", Alteration(encrypt=True))
    kit.mailstore.append(alice.number, RAW)
    assert not is_clear(kit, alice, "INBOX", 2)


def test_without_a_key_nothing_is_encrypted_and_the_demand_says_so(kit: MailKit) -> None:
    alice = give_key(kit, switch(kit, account(kit), JANE), None)
    kit.mailstore.append(alice.number, RAW)
    assert is_clear(kit, alice)
    demand = kit.mailstore.demand(alice.number, "INBOX")
    assert demand.keys is None
    assert "no key" in demand.reason


def test_what_somebody_else_has_encrypted_is_stored_as_it_came(kit: MailKit) -> None:
    alice = account(kit, owner=JANE)
    bob = account(kit, "bob", CERT)
    kit.mailstore.append(bob.number, RAW)
    foreign = kit.mailstore.source(bob.number, "INBOX", 1)
    kit.mailstore.append(alice.number, foreign)
    assert kit.mailstore.source(alice.number, "INBOX", 1) == foreign


def test_a_message_that_was_prepared_before_a_switch_is_refused_after_it(kit: MailKit) -> None:
    alice = account(kit)
    clear = kit.mailstore.prepare(RAW)
    switch(kit, alice, JANE)
    for_jane = kit.mailstore.prepare(RAW, keys=keys.keys_of(JANE))
    with pytest.raises(Conflict, match=r"encryption\.changed"):
        kit.mailstore.append(alice.number, clear)
    switch(kit, alice, JOHN)
    for stale in (clear, for_jane):
        with pytest.raises(Conflict, match=r"encryption\.changed"):
            kit.mailstore.append(alice.number, stale)
    switch(kit, alice, None)
    with pytest.raises(Conflict, match=r"encryption\.changed"):
        kit.mailstore.append(alice.number, for_jane)
    assert kit.mailstore.list(alice.number).total == 0
    kit.mailstore.append(alice.number, clear)
    assert faults(kit) == []


def test_a_switch_while_a_message_is_prepared_makes_it_be_prepared_again(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = account(kit)
    owners = [JANE, CERT, JOHN]
    after_prepare(kit, monkeypatch, lambda: owners and switch(kit, alice, owners.pop(0)))
    kit.mailstore.append(alice.number, RAW)
    assert owners == []
    assert JOHN.opened(stored(kit, alice).raw) == INSIDE
    assert faults(kit) == []


def test_a_key_that_changes_each_time_is_an_error_and_nothing_is_stored(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = account(kit, owner=JANE)
    turns = iter([JOHN, JANE] * 20)
    after_prepare(kit, monkeypatch, lambda: switch(kit, alice, next(turns)))
    with pytest.raises(Conflict, match=r"encryption\.changed"):
        kit.mailstore.append(alice.number, RAW)
    assert kit.mailstore.list(alice.number).total == 0


def test_nothing_is_stored_in_clear_after_a_switch_on_was_acknowledged(kit: MailKit, race: Callable[..., None]) -> None:
    """Some write while one switches on; whoever comes after the switch was answered is encrypted."""
    alice = account(kit)
    border: list[int] = []
    turns = iter(range(4))

    def work() -> None:
        if next(turns) == 0:
            switch(kit, alice, JANE)
            border.append(kit.mailstore.mailbox(alice.number, "INBOX").uid_next)
        for _ in range(6):
            kit.mailstore.append(alice.number, RAW)

    race(work)
    uids = [entry.uid for entry in kit.mailstore.list(alice.number, limit=100).items]
    assert len(uids) == 24
    assert [uid for uid in uids if uid >= border[0] and is_clear(kit, alice, "INBOX", uid)] == []
    assert faults(kit) == []


def test_a_message_in_somebodys_transaction_is_encrypted_too(kit: MailKit) -> None:
    alice = account(kit)

    def fn(tx: Tx) -> None:
        kit.users.change(kit.principals.get(alice.number, tx=tx), switching(JANE), tx=tx)
        kit.mailstore.append(alice.number, RAW, tx=tx)

    kit.transact(fn)
    assert JANE.opened(stored(kit, alice).raw) == INSIDE


def switching(owner: keys.Owner) -> UserChanges:
    return UserChanges(profile=switched_on(keys.keys_of(owner)))


# ---------------------------------------------------------------- moves and copies


def digests(kit: MailKit, number: int, mailbox: object, uid: int) -> list[bytes]:
    row = kit.mailstore.get(number, mailbox, uid).row  # type: ignore[arg-type]
    return [segment.digest for segment in row.segments if isinstance(segment, BlobRef)]


LONG = RAW + b"more of it, xylophone\r\n" * 100


@OWNERS
def test_a_message_that_is_moved_into_an_encrypting_mailbox_is_encrypted_there(kit: MailKit, owner: keys.Owner) -> None:
    alice = give_key(kit, account(kit), owner) if owner is JANE else switch(kit, account(kit), owner)
    switch(kit, alice, None)
    box = secret_box(kit, alice)
    kit.mailstore.append(alice.number, LONG, meta='{"a":1}', idate=5_000, flags=["\\Flagged"])
    before = kit.mailstore.get(alice.number, "INBOX", 1).row
    (clear,) = digests(kit, alice.number, "INBOX", 1)
    (moved,) = kit.mailstore.move(alice.number, "INBOX", ALL, box, Change(add=["\\Seen"]))
    assert (moved.old, moved.new) == (1, 1)
    entry = kit.mailstore.get(alice.number, box, 1)
    assert owner.opened(stored(kit, alice, box).raw).endswith(LONG.partition(b"\r\n\r\n")[2])
    row = entry.row
    assert (row.id, row.thread, row.meta, row.idate) == (before.id, before.thread, '{"a":1}', 5_000)
    assert (row.intro, before.intro != "") == ("", True)
    assert entry.state.has("\\Seen")
    assert entry.state.has("\\Flagged")
    assert kit.used(alice.number) == row.size == kit.mailstore.mailbox(alice.number, box).size
    with kit.store.snapshot() as tx:
        left = content(tx, clear)
    assert left is None or left.count == 0
    assert hits(kit, alice, "xylophone") == []
    assert hits(kit, alice, "subject:plans is:flagged") == [1]
    assert faults(kit) == []


def test_drafts_and_what_is_encrypted_already_move_as_they_are(kit: MailKit) -> None:
    alice = switch(kit, account(kit), JANE)
    box = secret_box(kit, alice)
    kit.mailstore.append(alice.number, RAW)
    kit.mailstore.append(alice.number, RAW, flags=["\\Draft"])
    switch(kit, alice, CERT)
    kit.mailstore.append(alice.number, RAW)
    sources = [kit.mailstore.source(alice.number, "INBOX", uid) for uid in (1, 2, 3)]
    kit.mailstore.move(alice.number, "INBOX", ALL, box)
    assert [kit.mailstore.source(alice.number, box, uid) for uid in (1, 2, 3)] == sources
    kit.mailstore.move(alice.number, box, Selection.of([2]), "INBOX", Change(remove=["\\Draft"]))
    kit.mailstore.move(alice.number, "INBOX", ALL, box)  # it is no draft any more
    assert not is_clear(kit, alice, box, 4)
    assert faults(kit) == []


def test_an_account_that_encrypts_leaves_existing_mail_alone(kit: MailKit) -> None:
    alice = account(kit)
    kit.mailstore.append(alice.number, RAW)
    switch(kit, alice, JANE)
    kit.mailstore.move(alice.number, "INBOX", ALL, "Trash")
    kit.mailstore.copy(alice.number, "Trash", ALL, "INBOX")
    assert is_clear(kit, alice, "Trash")
    assert is_clear(kit, alice, "INBOX", 2)


def test_a_copy_into_an_encrypting_mailbox_is_encrypted_and_the_original_is_not(kit: MailKit) -> None:
    alice = give_key(kit, account(kit), JANE)
    box = secret_box(kit, alice)
    for _ in range(3):
        kit.mailstore.append(alice.number, LONG)
    assert len(kit.mailstore.copy(alice.number, "INBOX", ALL, box, once="a")) == 3
    assert kit.mailstore.copy(alice.number, "INBOX", ALL, box, once="a") == []
    assert [is_clear(kit, alice, "INBOX", uid) for uid in (1, 2, 3)] == [True] * 3
    assert [is_clear(kit, alice, box, uid) for uid in (1, 2, 3)] == [False] * 3
    sizes = [entry.row.size for path in ("INBOX", box) for entry in kit.mailstore.list(alice.number, path).items]
    assert kit.used(alice.number) == sum(sizes)
    assert hits(kit, alice, "xylophone") == [1, 2, 3]
    assert faults(kit) == []


def test_many_messages_go_a_few_at_a_time(kit: MailKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkit.mailstore.service.STEP", 3)
    monkeypatch.setattr("mailkit.mailstore.entering.STEP", 3)
    monkeypatch.setattr("mailkit.mailstore.entering._AT_ONCE", len(RAW))
    alice = give_key(kit, account(kit), JANE)
    box = secret_box(kit, alice)
    for n in range(11):
        kit.mailstore.append(alice.number, RAW, flags=["\\Draft"] if n % 4 == 1 else [])
    kit.mailstore.remove(alice.number, "INBOX", Selection.of([7]))
    moved = kit.mailstore.move(alice.number, "INBOX", ALL, box)
    assert [one.old for one in moved] == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert [one.new for one in moved if is_clear(kit, alice, box, one.new)] == [2, 6, 9]  # the drafts
    assert kit.mailstore.mailbox(alice.number, "INBOX").total == 0
    assert faults(kit) == []


def test_a_move_for_which_there_is_no_room_changes_nothing(kit: MailKit) -> None:
    alice = give_key(kit, account(kit, quota=len(RAW) + 100), JANE)
    box = secret_box(kit, alice)
    kit.mailstore.append(alice.number, RAW)
    with pytest.raises(OverQuota):
        kit.mailstore.move(alice.number, "INBOX", ALL, box)
    assert is_clear(kit, alice)
    assert kit.used(alice.number) == len(RAW)
    assert faults(kit) == []


def test_a_move_in_somebodys_transaction_needs_what_was_encrypted_before(kit: MailKit) -> None:
    alice = give_key(kit, account(kit), JANE)
    box = secret_box(kit, alice)
    kit.mailstore.append(alice.number, RAW)
    mail = kit.mailstore
    with pytest.raises(Conflict, match=r"encryption\.changed"):
        kit.transact(lambda tx: mail.move(alice.number, "INBOX", ALL, box, tx=tx))
    ahead = mail.ahead(alice.number, "INBOX", ALL, box)
    give_key(kit, alice, JOHN)
    with pytest.raises(Conflict, match=r"encryption\.changed"):
        kit.transact(lambda tx: mail.move(alice.number, "INBOX", ALL, box, ahead=ahead, tx=tx))
    assert is_clear(kit, alice)
    ahead = mail.ahead(alice.number, "INBOX", ALL, box)
    kit.transact(lambda tx: mail.move(alice.number, "INBOX", ALL, box, ahead=ahead, tx=tx))
    assert JOHN.opened(stored(kit, alice, box).raw) == INSIDE
    assert mail.ahead(alice.number, box, ALL, "INBOX") is None
    assert faults(kit) == []


def test_a_mailbox_that_begins_to_encrypt_during_a_move_gets_nothing_in_clear(
    kit: MailKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = give_key(kit, account(kit), JANE)
    kit.mailstore.append(alice.number, RAW)
    real = kit.mailstore.ahead
    turns: Iterator[Callable[[], object]] = iter(
        [
            lambda: kit.mailstore.alter_mailbox(alice.number, "Trash", Alteration(encrypt=True)),
            lambda: give_key(kit, alice, JOHN),
        ]
    )

    def ahead(*args: object, **how: object) -> object:
        made = real(*args, **how)  # type: ignore[arg-type]
        next(turns, lambda: None)()
        return made

    monkeypatch.setattr(kit.mailstore, "ahead", ahead)
    kit.mailstore.move(alice.number, "INBOX", ALL, "Trash")
    assert JOHN.opened(stored(kit, alice, "Trash").raw) == INSIDE
    assert faults(kit) == []


def test_search_and_update_moves_what_it_finds_encrypted(kit: MailKit) -> None:
    alice = give_key(kit, account(kit), JANE)
    box = secret_box(kit, alice)
    for _ in range(5):
        kit.mailstore.append(alice.number, RAW)
    args = apply_args(alice.number, Simple(query="xylophone"), move_to=box, seen=True, flagged=None)
    job = kit.transact(lambda tx: kit.jobs.schedule(tx, APPLY, args, due=kit.clock()))
    kit.run_due()
    assert kit.mailstore.mailbox(alice.number, box).total == 5
    assert not any(is_clear(kit, alice, box, uid) for uid in range(1, 6))
    assert job
    assert faults(kit) == []


def test_what_is_restored_comes_back_as_it_was(kit: MailKit) -> None:
    alice = account(kit)
    kit.mailstore.append(alice.number, RAW)
    kit.mailstore.remove(alice.number, "INBOX", ALL)
    switch(kit, alice, JANE)
    kit.mailstore.alter_mailbox(alice.number, "INBOX", Alteration(encrypt=True))
    (archived,) = kit.mailstore.archive.list(alice.number).items
    kit.mailstore.archive.restore(alice.number, archived.archived.id)
    assert is_clear(kit, alice, "INBOX", 2)


# ---------------------------------------------------------------- what cannot be encrypted


def test_what_cannot_be_encrypted_is_not_stored(kit: MailKit, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    alice = account(kit, owner=keys.Owner(keys.signing_key(), JANE.decrypt))
    with pytest.raises(Unavailable, match=r"encryption\.failed"):
        kit.mailstore.append(alice.number, RAW)
    switch(kit, alice, JANE)
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    with pytest.raises(NotSupported, match=r"mailkit-platform\[openpgp\]"):
        kit.mailstore.append(alice.number, RAW)
    switch(kit, alice, None)
    kit.mailstore.append(alice.number, RAW)
    box = secret_box(kit, alice)
    with pytest.raises(NotSupported, match=r"openpgp\.missing"):
        kit.mailstore.move(alice.number, "INBOX", ALL, box)
    assert kit.mailstore.list(alice.number).total == 1
    assert kit.mailstore.mailbox(alice.number, box).total == 0
    assert faults(kit) == []
