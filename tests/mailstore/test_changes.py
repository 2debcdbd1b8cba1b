"""Messages that change, move, are copied and go; mailboxes that are made, renamed and deleted; on every store."""

from collections.abc import Callable

import pytest

from mailkit import MailKit, journal
from mailkit.clock import FixedClock
from mailkit.errors import AlreadyExists, Invalid, NotFound, OverQuota
from mailkit.ids import Id
from mailkit.mailstore import change as changes
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.selection import Selection
from mailkit.principals.records import Principal
from mailkit.storage import keyspace
from mailkit.verify import verify

RAW = b"From: bob@example.net\r\nSubject: %d\r\nMessage-ID: <%d@x>\r\n\r\n" + b"body " * 300 + b"\r\n"
SEEN = Change(add=["\\Seen"])
ALL = Selection(((1, 1 << 31),))


def fill(kit: MailKit, alice: Principal, count: int, mailbox: str = "INBOX", *, alike: bool = False) -> int:
    """Appends messages; returns the size of one."""
    with kit.transaction() as tx:
        for n in range(count):
            number = 1 if alike else n % 9 + 1
            kit.mailstore.append(alice.id, kit.mailstore.prepare(RAW % (number, number)), mailbox=mailbox, tx=tx)
    return len(RAW % (1, 1))


def kinds(kit: MailKit) -> list[str]:
    with kit.store.snapshot() as tx:
        return [entry.kind for _, entry in journal.read(tx)]


def faults(kit: MailKit) -> list[str]:
    """What `mailkit check` finds, content that waits for its purge aside."""
    return [str(finding) for finding in verify(kit) if finding.level == "error"]


def finish(kit: MailKit) -> None:
    while kit.run_due():
        pass


def uids(kit: MailKit, alice: Principal, mailbox: str | Id) -> list[int]:
    return sorted(entry.uid for entry in kit.mailstore.list(alice.id, mailbox, limit=1000).items)


def test_flags_are_counted_numbered_and_told(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice, 3)
    before = kit.mailstore.mailbox(alice.id, "INBOX")
    assert kit.mailstore.update(alice.id, "INBOX", Selection.of([1, 3, 99]), SEEN) == 2
    after = kit.mailstore.mailbox(alice.id, "INBOX")
    assert (before.unseen, after.unseen, after.modseq) == (3, 1, before.modseq + 1)
    assert [kit.mailstore.get(alice.id, "INBOX", uid).state.modseq for uid in (1, 2, 3)] == [4, 2, 4]
    assert kinds(kit)[-2:] == ["message.changed"] * 2
    assert faults(kit) == []


def test_what_is_so_already_keeps_its_modseq_and_is_not_told(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice, 1)
    kit.mailstore.update(alice.id, "INBOX", ALL, SEEN)
    box, told = kit.mailstore.mailbox(alice.id, "INBOX"), kinds(kit)
    assert kit.mailstore.update(alice.id, "INBOX", ALL, SEEN) == 1
    assert kit.mailstore.mailbox(alice.id, "INBOX") == box
    assert kinds(kit) == told


def test_metadata_and_expiry_change_alone(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fill(kit, alice, 2)
    kit.mailstore.update(alice.id, "INBOX", Selection.of([1]), Change(meta='{"a":1}', expires=clock.now + 1000))
    entry = kit.mailstore.get(alice.id, "INBOX", 1)
    assert (entry.row.meta, entry.state.expires, entry.state.modseq) == ('{"a":1}', clock.now + 1000, 3)
    assert faults(kit) == []
    kit.mailstore.update(alice.id, "INBOX", Selection.of([1]), Change(expires=0))
    assert kit.mailstore.get(alice.id, "INBOX", 1).state.expires == 0
    assert faults(kit) == []


def test_removed_messages_give_everything_back_and_are_remembered(kit: MailKit, alice: Principal) -> None:
    size = fill(kit, alice, 4)
    assert kit.mailstore.remove(alice.id, "INBOX", Selection.of([2, 3])) == 2
    box = kit.mailstore.mailbox(alice.id, "INBOX")
    assert (box.total, box.unseen, box.size, box.uid_next) == (2, 2, 2 * size, 5)
    assert kit.used(alice.number) == 2 * size
    told = kit.mailstore.changes(alice.id, "INBOX", 4)
    assert (told.changed, told.vanished, told.through, told.more) == ((), ((5, 2), (5, 3)), 5, False)
    assert kit.mailstore.append(alice.id, RAW % (9, 9)).uid == 5
    with pytest.raises(NotFound):
        kit.mailstore.get(alice.id, "INBOX", 2)
    assert faults(kit) == []


def test_moved_messages_get_new_uids_and_keep_bytes_and_quota(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice, 3)
    fill(kit, alice, 1, "Drafts")
    used, source = kit.used(alice.number), kit.mailstore.source(alice.id, "INBOX", 3)
    moved = kit.mailstore.move(alice.id, "INBOX", Selection.of([1, 3]), "Drafts", SEEN)
    assert [(m.old, m.new) for m in moved] == [(1, 2), (3, 3)]
    assert kit.used(alice.number) == used
    assert kit.mailstore.source(alice.id, "Drafts", 3) == source
    assert kit.mailstore.get(alice.id, "Drafts", 2).state.has("\\Seen")
    assert uids(kit, alice, "INBOX") == [2]
    assert kinds(kit)[-4:] == ["message.removed"] * 2 + ["message.added"] * 2
    assert kit.mailstore.move(alice.id, "INBOX", Selection.of([1, 3]), "Drafts") == []
    assert faults(kit) == []


def test_move_within_a_mailbox_gives_new_uids(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice, 3)
    moved = kit.mailstore.move(alice.id, "INBOX", Selection(((2, (1 << 32) - 1),)), "INBOX")
    assert [(m.old, m.new) for m in moved] == [(2, 4), (3, 5)]
    assert uids(kit, alice, "INBOX") == [1, 4, 5]
    assert faults(kit) == []


def test_crossing_the_border_of_junk_is_told(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fill(kit, alice, 2)
    kit.mailstore.move(alice.id, "INBOX", Selection.of([1]), "Junk")
    assert kinds(kit)[-1] == "marked.spam"
    assert kit.mailstore.get(alice.id, "Junk", 1).state.expires == clock.now + 30 * 86_400_000
    kit.mailstore.move(alice.id, "Junk", Selection.of([1]), "INBOX")
    assert kinds(kit)[-1] == "marked.ham"
    assert kit.mailstore.get(alice.id, "INBOX", 3).state.expires == 0
    kit.mailstore.move(alice.id, "INBOX", Selection.of([2]), "Junk")
    kit.mailstore.move(alice.id, "Junk", Selection.of([2]), "Trash")
    assert kinds(kit)[-1] == "message.added"


def test_what_the_journal_says_is_what_webhooks_will(kit: MailKit, alice: Principal) -> None:
    """The payloads of W3.13, under their names here; `user` is the entry's account, a message's number its `uid`."""
    raw = (
        b"From: Bob <bob@example.net>\r\nTo: A <a@x.example>, team: t@x.example;\r\n"
        b"Cc: c@x.example\r\nBcc: b@x.example\r\n"
        b"Date: Mon, 2 Jan 2023 01:00:00 +0000\r\nSubject: buy\r\nMessage-ID: <1@x>\r\n\r\nx\r\n"
    )
    kit.mailstore.append(alice.id, raw)
    inbox, junk = (kit.mailstore.mailbox(alice.id, path) for path in ("INBOX", "Junk"))
    kit.mailstore.move(alice.id, "INBOX", Selection.of([1]), "Junk")
    kit.mailstore.copy(alice.id, "Junk", ALL, "INBOX")
    box = kit.mailstore.create_mailbox(alice.id, Folder("Work"))
    kit.mailstore.alter_mailbox(alice.id, box.id, Alteration(path="Play"))
    kit.mailstore.delete_mailbox(alice.id, box.id)
    with kit.store.snapshot() as tx:
        entries = [
            entry for _, entry in journal.read(tx) if entry.kind.split(".")[0] in ("marked", "mailbox", "message")
        ]
    assert {entry.account for entry in entries} == {alice.number}
    marks = [entry for entry in entries if entry.kind.startswith("marked.")]
    said = {
        "from": [{"name": "Bob", "address": "bob@example.net"}],
        "to": [{"name": "A", "address": "a@x.example"}, {"name": "", "address": "t@x.example"}],
        "cc": [{"name": "", "address": "c@x.example"}],
        "bcc": [{"name": "", "address": "b@x.example"}],
        "messageId": "<1@x>",
        "subject": "buy",
        "date": 1_672_621_200_000,
    }
    assert [(entry.kind, entry.payload) for entry in marks] == [
        ("marked.spam", {"mailbox": junk.id, "uid": 1, **said}),
        ("marked.ham", {"mailbox": inbox.id, "uid": 2, **said}),
    ]
    assert [(entry.kind, entry.payload) for entry in entries if entry.kind.startswith("mailbox.")] == [
        ("mailbox.created", {"mailbox": box.id, "path": "Work"}),
        ("mailbox.renamed", {"mailbox": box.id, "previous": "Work", "current": "Play"}),
        ("mailbox.deleted", {"mailbox": box.id, "path": "Play"}),
    ]
    mail = [(entry.kind, entry.payload) for entry in entries if entry.kind.startswith("message.")]
    assert [(kind, payload["mailbox"], payload["uid"], payload.get("junk")) for kind, payload in mail] == [
        ("message.added", inbox.id, 1, None),
        ("message.removed", inbox.id, 1, None),
        ("message.added", junk.id, 1, 1),
        ("message.added", inbox.id, 2, -1),
    ]


def test_copies_share_bytes_and_are_charged(kit: MailKit, alice: Principal) -> None:
    size = fill(kit, alice, 2)
    copied = kit.mailstore.copy(alice.id, "INBOX", ALL, "Drafts")
    assert [(m.old, m.new) for m in copied] == [(1, 1), (2, 2)]
    assert kit.used(alice.number) == 4 * size
    assert kit.mailstore.get(alice.id, "Drafts", 1).row.id != kit.mailstore.get(alice.id, "INBOX", 1).row.id
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    assert kit.mailstore.source(alice.id, "Drafts", 2) == RAW % (2, 2)
    assert faults(kit) == []


def test_copy_over_quota_copies_nothing(kit: MailKit) -> None:
    size = len(RAW % (1, 1))
    carol = kit.accounts.create("carol", address="carol@example.org", quota=size * 3)
    fill(kit, carol, 2)
    with pytest.raises(OverQuota):
        kit.mailstore.copy(carol.id, "INBOX", ALL, "Drafts")
    assert kit.mailstore.list(carol.id, "Drafts").total == 0
    assert faults(kit) == []


def test_a_copy_with_a_name_is_made_once(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fill(kit, alice, 3)
    assert len(kit.mailstore.copy(alice.id, "INBOX", ALL, "Drafts", once="a")) == 3
    fill(kit, alice, 1)  # what comes in later was not meant
    assert kit.mailstore.copy(alice.id, "INBOX", ALL, "Drafts", once="a") == []
    assert [one.old for one in kit.mailstore.copy(alice.id, "INBOX", Selection.of([4]), "Drafts", once="b")] == [4]
    with pytest.raises(Invalid, match="another mailbox"):
        kit.mailstore.copy(alice.id, "INBOX", ALL, "Trash", once="a")
    for name in ("", "x" * 256):
        with pytest.raises(Invalid):
            kit.mailstore.copy(alice.id, "INBOX", ALL, "Drafts", once=name)
    with kit.background():  # makes the jobs that come back by themselves
        pass
    finish(kit)
    assert kit.mailstore.copy(alice.id, "INBOX", ALL, "Drafts", once="a") == []
    clock.advance(days=8)
    finish(kit)
    assert len(kit.mailstore.copy(alice.id, "INBOX", ALL, "Drafts", once="a")) == 4
    with kit.store.snapshot() as tx:
        assert len(list(tx.scan(*keyspace.ONCE_END.range()))) == 1
        assert len(list(tx.scan(*keyspace.ONCE.range(alice.number)))) == 1
    assert faults(kit) == []


def test_a_copy_that_is_repeated_while_it_runs_is_made_once(
    kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch, race: Callable[..., None]
) -> None:
    monkeypatch.setattr("mailkit.mailstore.service.STEP", 2)
    fill(kit, alice, 9)
    made: list[int] = []
    race(lambda: made.extend(one.old for one in kit.mailstore.copy(alice.id, "INBOX", ALL, "Drafts", once="a")))
    assert sorted(made) == list(range(1, 10))  # told once to one of them
    assert uids(kit, alice, "Drafts") == list(range(1, 10))
    assert faults(kit) == []


def test_bulk_changes_go_in_steps(kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkit.mailstore.service.STEP", 4)
    fill(kit, alice, 10)
    assert kit.mailstore.update(alice.id, "INBOX", ALL, SEEN) == 10
    assert kit.mailstore.mailbox(alice.id, "INBOX").modseq == 13  # three steps
    assert len(kit.mailstore.move(alice.id, "INBOX", ALL, "Trash")) == 10
    assert kit.mailstore.clear(alice.id, "Trash") == 10
    assert kit.used(alice.number) == 0
    assert faults(kit) == []


def test_a_move_that_was_cut_off_can_be_repeated(
    kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkit.mailstore.service.STEP", 4)
    fill(kit, alice, 10)
    real, calls = changes.move, []

    def failing(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("cut off")
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(changes, "move", failing)
    with pytest.raises(RuntimeError):
        kit.mailstore.move(alice.id, "INBOX", ALL, "Trash")
    assert len(uids(kit, alice, "Trash")) == 4
    assert faults(kit) == []
    assert len(kit.mailstore.move(alice.id, "INBOX", ALL, "Trash")) == 6
    assert uids(kit, alice, "Trash") == list(range(1, 11))


def test_expired_messages_leave(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fill(kit, alice, 3)
    kit.mailstore.update(alice.id, "INBOX", Selection.of([2]), Change(expires=clock.now + 1000))
    with kit.background():
        pass
    finish(kit)
    assert uids(kit, alice, "INBOX") == [1, 2, 3]
    clock.now += 3_600_000
    finish(kit)
    assert uids(kit, alice, "INBOX") == [1, 3]
    assert faults(kit) == []


def test_clearing_later_spares_what_comes_meanwhile(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice, 3)
    job, existing = kit.mailstore.clear_later(alice.id, "INBOX")
    assert not existing
    assert kit.mailstore.clear_later(alice.id, "INBOX") == (job, True)
    fill(kit, alice, 1)
    finish(kit)
    assert uids(kit, alice, "INBOX") == [4]
    assert faults(kit) == []


def test_a_mailbox_is_made_renamed_and_deleted(kit: MailKit, alice: Principal) -> None:
    box = kit.mailstore.create_mailbox(alice.id, Folder("/inbox/Work", retention=5))
    assert (box.path, box.retention, box.subscribed) == ("INBOX/Work", 5, True)
    child = kit.mailstore.create_mailbox(alice.id, Folder("INBOX/Work/Sub"))
    assert box.uid_validity < child.uid_validity
    with pytest.raises(AlreadyExists):
        kit.mailstore.create_mailbox(alice.id, Folder("INBOX/Work"))
    renamed = kit.mailstore.alter_mailbox(alice.id, box.id, Alteration(path="Play"))
    assert renamed.path == "Play"
    assert kit.mailstore.mailbox(alice.id, "INBOX/Work/Sub") == child
    size = fill(kit, alice, 3, "Play")
    kit.mailstore.delete_mailbox(alice.id, "Play")
    with pytest.raises(NotFound):
        kit.mailstore.mailbox(alice.id, box.id)
    assert kit.used(alice.number) == 3 * size
    assert faults(kit) == []
    again = kit.mailstore.create_mailbox(alice.id, Folder("Play"))
    assert again.id != box.id
    finish(kit)
    assert kit.used(alice.number) == 0
    assert faults(kit) == []
    assert [kind for kind in kinds(kit) if kind.startswith("mailbox.")] == [
        "mailbox.created", "mailbox.created", "mailbox.renamed", "mailbox.deleted", "mailbox.created",
    ]  # fmt: skip
    with kit.store.snapshot() as tx:
        for space in (keyspace.MODSEQ, keyspace.VANISHED, keyspace.STATE, keyspace.MAILBOX_GONE):
            assert list(tx.scan(*space.range(alice.number, box.id))) == []


def test_children_can_be_renamed_along(kit: MailKit, alice: Principal) -> None:
    for path in ("a", "a/b", "a/b/c", "ab"):
        kit.mailstore.create_mailbox(alice.id, Folder(path))
    kit.mailstore.alter_mailbox(alice.id, "a", Alteration(path="z"), children=True)
    paths = {box.path for box in kit.mailstore.mailboxes(alice.id)}
    assert {"z", "z/b", "z/b/c", "ab"} <= paths
    assert not {"a", "a/b"} & paths
    assert faults(kit) == []


def test_a_tree_can_be_moved_up_through_its_own_paths_and_not_below_itself(kit: MailKit, alice: Principal) -> None:
    mail = kit.mailstore
    made = {path: mail.create_mailbox(alice.id, Folder(path)).id for path in ("a/a/a/a", "a/a/a", "a/a", "x")}
    with pytest.raises(Invalid):
        mail.alter_mailbox(alice.id, "x", Alteration(path="x/y"), children=True)
    mail.alter_mailbox(alice.id, "a/a", Alteration(path="a"), children=True)
    now = {str(box.id): box.path for box in mail.mailboxes(alice.id)}
    assert [now[str(made[path])] for path in ("a/a", "a/a/a", "a/a/a/a", "x")] == ["a", "a/a", "a/a/a", "x"]


def test_protected_mailboxes_stay(kit: MailKit, alice: Principal) -> None:
    kit.mailstore.create_mailbox(alice.id, Folder("secret", hidden=True))
    for path in ("INBOX", "secret"):
        with pytest.raises(Invalid, match=r"mailbox\.reserved"):
            kit.mailstore.alter_mailbox(alice.id, path, Alteration(path="other"))
    for path in ("INBOX", "secret", "Junk"):
        with pytest.raises(Invalid, match=r"mailbox\.reserved"):
            kit.mailstore.delete_mailbox(alice.id, path)
    kit.mailstore.alter_mailbox(alice.id, "Junk", Alteration(path="Spam"))
    assert kit.mailstore.mailbox(alice.id, "Spam").special_use == "\\Junk"
    with pytest.raises(AlreadyExists):
        kit.mailstore.alter_mailbox(alice.id, "Spam", Alteration(path="Trash"))


def test_there_is_a_most_of_mailboxes(kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit.mailstore, "_most_mailboxes", lambda: 6)
    kit.mailstore.create_mailbox(alice.id, Folder("six"))
    with pytest.raises(Invalid, match=r"mailbox\.too_many"):
        kit.mailstore.create_mailbox(alice.id, Folder("seven"))


def test_sweep_leaves_the_entries_that_count(kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkit.mailstore.work._LOOSE", 5)
    fill(kit, alice, 3)
    for n in range(3):
        kit.mailstore.update(alice.id, "INBOX", ALL, Change(add=[f"k{n}"]))
    assert kit.mailstore.mailbox(alice.id, "INBOX").stale == 9
    finish(kit)
    box = kit.mailstore.mailbox(alice.id, "INBOX")
    assert box.stale == 0
    assert kit.mailstore.changes(alice.id, "INBOX", 0).changed == tuple((box.modseq, uid) for uid in (1, 2, 3))
    assert faults(kit) == []


def test_of_what_vanished_the_newest_is_remembered(
    kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkit.mailstore.work._LOOSE", 5)
    monkeypatch.setattr(kit.mailstore, "most_vanished", lambda: 4)
    fill(kit, alice, 12)
    for uid in range(1, 9):
        if uid % 2:  # a mailbox whose messages are only ever moved away is swept too
            kit.mailstore.move(alice.id, "INBOX", Selection.of([uid]), "Drafts")
        else:
            kit.mailstore.remove(alice.id, "INBOX", Selection.of([uid]))
    assert not kit.mailstore.changes(alice.id, "INBOX", 1).resync
    finish(kit)
    box = kit.mailstore.mailbox(alice.id, "INBOX")
    oldest = box.forgotten
    assert 1 < oldest < box.modseq
    told = kit.mailstore.changes(alice.id, "INBOX", 0)
    assert told.resync
    assert [uid for _, uid in told.changed] == [9, 10, 11, 12]
    assert 0 < len(told.vanished) <= 4 + 2  # with those that left after the sweep
    assert kit.mailstore.changes(alice.id, "INBOX", oldest - 1).resync
    since = kit.mailstore.changes(alice.id, "INBOX", oldest)
    assert not since.resync
    assert since.vanished == told.vanished
    assert faults(kit) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_changes_in_pages_tell_everything(kit: MailKit, alice: Principal, limit: int) -> None:
    fill(kit, alice, 6)
    kit.mailstore.update(alice.id, "INBOX", Selection.of([1, 2, 3]), SEEN)
    kit.mailstore.remove(alice.id, "INBOX", Selection.of([2, 5]))
    changed, vanished, at, rounds = set(), set(), 2, 0
    while True:
        told = kit.mailstore.changes(alice.id, "INBOX", at, limit=limit)
        changed |= {uid for _, uid in told.changed}
        vanished |= {uid for _, uid in told.vanished}
        assert told.through > at
        at, rounds = told.through, rounds + 1
        if not told.more:
            break
    assert (changed, vanished, at) == ({1, 3, 4, 6}, {2, 5}, 8)
    assert rounds > 1 or limit == 100
