"""Deleted messages on every store: every way there, back again, and for good."""

from collections.abc import Callable

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import Invalid, NotFound, OverQuota
from mailkit.ids import Id
from mailkit.journal import Entry, read
from mailkit.journal.entries import trimmed
from mailkit.mailstore.archive_match import Wanted
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.records import Archived
from mailkit.mailstore.selection import LAST, Selection
from mailkit.mailstore.tables import ARCHIVE_SIZE, ARCHIVED, ARCHIVED_ROWS, BY_DELETION, BY_END, BY_HASH, HOLDS
from mailkit.principals.records import Principal
from mailkit.storage.api import Tx
from mailkit.testing.platform import platform
from mailkit.verify import verify

ALL = Selection(((1, LAST),))
RAW = b"From: Bob <bob@example.net>\r\nSubject: plan %d\r\n\r\nThe plan, part %d.\r\n"
DAY = 86_400_000


def faults(kit: MailKit) -> list[str]:
    return [str(finding) for finding in verify(kit) if finding.level == "error"]


def fill(kit: MailKit, alice: Principal, count: int, mailbox: str = "INBOX", **more: object) -> None:
    for number in range(count):
        kit.mailstore.append(alice.number, RAW % (number, number), mailbox=mailbox, **more)  # type: ignore[arg-type]


def work(kit: MailKit) -> None:
    with kit.background():
        pass  # makes the jobs that come back
    while kit.run_due():
        pass


def archived(kit: MailKit, alice: Principal) -> list[Archived]:
    return [item.archived for item in kit.mailstore.archive.list(alice.number, limit=1000).items]


def told(kit: MailKit) -> list[Entry]:
    """What the journal still has."""
    with kit.store.snapshot() as tx:
        return [entry for _, entry in read(tx, trimmed.get(tx), limit=10_000)]


def kinds(kit: MailKit) -> list[str]:
    return [entry.kind for entry in told(kit)]


def delete_message(kit: MailKit, account: int) -> None:
    kit.mailstore.remove(account, "Work", Selection.of([1]))


def clear_mailbox(kit: MailKit, account: int) -> None:
    kit.mailstore.clear(account, "Work")


def clear_later(kit: MailKit, account: int) -> None:
    kit.mailstore.clear_later(account, "Work")
    work(kit)


def delete_mailbox(kit: MailKit, account: int) -> None:
    kit.mailstore.delete_mailbox(account, "Work")
    work(kit)


def let_expire(kit: MailKit, account: int) -> None:
    kit.mailstore.update(account, "Work", ALL, Change(expires=kit.clock()))
    work(kit)


WAYS = {
    delete_message: "removed",
    clear_mailbox: "cleared",
    clear_later: "cleared",
    delete_mailbox: "mailbox",
    let_expire: "expired",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_out_of_a_mailbox_leads_to_the_archive_and_back(
    kit: MailKit, alice: Principal, way: Callable[[MailKit, int], None]
) -> None:
    box = kit.mailstore.create_mailbox(alice.id, Folder("Work"))
    raw = RAW % (1, 1) + b"x" * 300_000  # in a blob
    flags = ["\\Seen", "\\Flagged", "own"]
    stored = kit.mailstore.append(alice.number, raw, mailbox="Work", flags=flags, idate=5, meta='{"a":1}')
    way(kit, alice.number)
    (old,) = archived(kit, alice)
    assert (old.id, old.mailbox, old.path, old.uid, old.cause) == (stored.id, box.id, "Work", 1, WAYS[way])
    assert (old.deleted, old.until) == (kit.clock(), kit.clock() + 25 * DAY)
    assert set(old.names) == set(flags)
    assert kit.used(alice.number) == 0
    assert kit.mailstore.archive.size(alice.number) == (1, len(raw))
    assert kit.search.find(alice.id, "plan").total == 0
    assert faults(kit) == []

    back = kit.mailstore.archive.restore(alice.number, old.id)
    entry = kit.mailstore.get(alice.id, back.mailbox, back.uid)
    assert entry.mailbox.path == ("INBOX" if way is delete_mailbox else "Work")
    assert (entry.row.id, entry.row.idate, entry.row.meta, entry.row.thread) == (stored.id, 5, '{"a":1}', stored.thread)
    assert set(entry.state.names) == set(flags)
    assert kit.mailstore.source(alice.id, back.mailbox, back.uid) == raw
    assert kit.used(alice.number) == len(raw)
    assert kit.search.find(alice.id, "plan").total == 1
    assert kit.mailstore.archive.size(alice.number) == (0, 0)
    assert faults(kit) == []


def test_drafts_and_what_is_not_wanted_go_for_good(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice, 1, flags=["\\Draft"])
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    fill(kit, alice, 2)
    kit.mailstore.clear(alice.id, "INBOX", skip_archive=True)
    fill(kit, alice, 2)
    kit.mailstore.clear_later(alice.id, "INBOX", skip_archive=True)
    work(kit)
    assert kit.mailstore.mailbox(alice.id, "INBOX").total == 0
    assert archived(kit, alice) == []
    assert faults(kit) == []


def test_without_an_archive_everything_goes_for_good() -> None:
    with platform(settings={"archive.keep": "0"}) as kit:
        alice = kit.accounts.create("alice", address="alice@example.org")
        fill(kit, alice, 1)
        kit.mailstore.remove(alice.id, "INBOX", ALL)
        assert archived(kit, alice) == []
        kit.mailstore.hold(alice.id, reason="inquiry", by="legal")
        fill(kit, alice, 1)
        kit.mailstore.remove(alice.id, "INBOX", ALL)
        assert len(archived(kit, alice)) == 1


def test_a_refused_restore_changes_nothing(kit: MailKit) -> None:
    bob = kit.accounts.create("bob", address="bob@example.org", quota=100)
    kit.mailstore.append(bob.id, b"Subject: a\r\n\r\n" + b"a" * 60)
    kit.mailstore.remove(bob.id, "INBOX", ALL)
    kit.mailstore.append(bob.id, b"Subject: b\r\n\r\n" + b"b" * 60)
    (old,) = archived(kit, bob)
    with pytest.raises(OverQuota):
        kit.mailstore.archive.restore(bob.id, old.id)
    with pytest.raises(NotFound):
        kit.mailstore.archive.restore(bob.id, old.id, mailbox="Nowhere")
    with pytest.raises(NotFound):
        kit.mailstore.archive.restore(bob.id, Id(b"x" * 12))
    assert archived(kit, bob) == [old]
    assert kit.mailstore.mailbox(bob.id, "INBOX").total == 1
    assert faults(kit) == []


def test_nobody_reaches_the_archive_of_another(kit: MailKit, alice: Principal) -> None:
    bob = kit.accounts.create("bob", address="bob@example.org")
    fill(kit, alice, 1)
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    (old,) = archived(kit, alice)
    with pytest.raises(NotFound):
        kit.mailstore.archive.restore(bob.id, old.id)
    assert kit.mailstore.archive.with_hash(old.hash, bob.id) == ()
    assert kit.mailstore.archive.with_hash(old.hash) == (old,)
    assert kit.mailstore.archive.list(bob.id).total == 0


def test_a_copy_that_comes_back_leaves_the_original_there(kit: MailKit, alice: Principal) -> None:
    raw = RAW % (1, 1) + b"x" * 300_000
    kit.mailstore.append(alice.id, raw, flags=["\\Seen"])
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    (old,) = archived(kit, alice)
    back = kit.mailstore.archive.restore(alice.id, old.id, mailbox="Trash", flags=(), idate=7, stays=True)
    entry = kit.mailstore.get(alice.id, "Trash", back.uid)
    assert (entry.row.id != old.id, entry.row.idate, entry.state.names) == (True, 7, ())
    assert archived(kit, alice) == [old]
    assert faults(kit) == []
    kit.mailstore.remove(alice.id, "Trash", ALL)
    assert len(archived(kit, alice)) == 2
    assert faults(kit) == []


def test_coming_back_across_the_border_of_junk_says_what_is_spam(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice, 1)
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    kit.mailstore.archive.restore(alice.id, archived(kit, alice)[0].id, mailbox="Junk")
    assert kinds(kit)[-2:] == ["message.added", "marked.spam"]
    kit.mailstore.remove(alice.id, "Junk", ALL)
    kit.mailstore.archive.restore(alice.id, archived(kit, alice)[0].id, mailbox="INBOX")
    assert kinds(kit)[-1] == "marked.ham"


def test_the_archive_is_searched(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    start = clock()
    for number in range(5):
        kit.mailstore.append(alice.id, RAW % (number, number), mailbox="INBOX" if number % 2 else "Trash")
        clock.advance(days=1)
        kit.mailstore.clear(alice.id, "INBOX")
        kit.mailstore.clear(alice.id, "Trash")

    def subjects(wanted: Wanted) -> list[str]:
        found, after = [], None
        while True:
            page = kit.mailstore.archive.search(alice.id, wanted, limit=2, after=after)
            found += [item.row.subject for item in page.items]
            if page.more is None:
                return found
            after = page.more

    assert subjects(Wanted()) == [f"plan {number}" for number in (4, 3, 2, 1, 0)]
    assert subjects(Wanted(sender="bob")) == subjects(Wanted())
    assert subjects(Wanted(sender="carol")) == []
    assert subjects(Wanted(mailbox="INBOX")) == ["plan 3", "plan 1"]
    assert subjects(Wanted(text="part 2.")) == ["plan 2"]
    assert subjects(Wanted(since=start + 2 * DAY, before=start + 4 * DAY)) == ["plan 2", "plan 1"]
    assert subjects(Wanted(subject="PLAN 1", text="the plan")) == ["plan 1"]


def progress(kit: MailKit, job: Id) -> dict[str, object]:
    with kit.store.snapshot() as tx:
        return kit.jobs.get(tx, job).progress


@pytest.mark.parametrize("into", [None, "Restored (2023-11-14)", "INBOX"])
def test_the_preview_is_what_a_restore_of_many_does(
    kit: MailKit, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, into: str | None
) -> None:
    monkeypatch.setattr("mailkit.mailstore.work.STEP", 3)
    monkeypatch.setattr("mailkit.mailstore.archive._STEP", 2)
    bob = kit.accounts.create("bob", address="bob@example.org", quota=1000)
    for path in ("Work", "Play"):
        kit.mailstore.create_mailbox(bob.id, Folder(path))
    sizes = (100, 700, 50, 300, 15, 15, 20, 20)  # the last that comes back fits exactly
    for number, size in enumerate(sizes):
        path = ("INBOX", "Work", "Play")[number % 3]
        raw = (b"Subject: %d\r\n\r\n" % number).ljust(size, b"x")
        kit.mailstore.append(bob.id, raw, mailbox=path, flags=["\\Deleted", "own"])
        kit.mailstore.remove(bob.id, path, ALL)
        clock.advance(seconds=1)
    kit.mailstore.delete_mailbox(bob.id, "Work")
    kit.mailstore.append(bob.id, b"Subject: here\r\n\r\n".ljust(200, b"y"))
    work(kit)
    start, end = clock() - 7000, clock() - 2000  # without the first and the last
    plan = kit.mailstore.archive.preview(bob.id, start, end, into=into)
    assert (plan.room, plan.tally.messages, plan.tally.refused) == (800, 5, 1)
    assert plan.mailboxes == {None: ("Work",), "INBOX": ()}.get(into, (into,))
    before = {box.path for box in kit.mailstore.mailboxes(bob.id)}

    job = kit.mailstore.archive.restore_later(bob.id, start, end, into=into)
    work(kit)
    done = progress(kit, job)
    tally = plan.tally
    assert (done["messages"], done["bytes"]) == (tally.messages, tally.bytes)
    assert (done["refused"], done["refused_bytes"]) == (tally.refused, tally.refused_bytes)
    assert kit.used(bob.number) == 200 + tally.bytes
    assert {box.path for box in kit.mailstore.mailboxes(bob.id)} - before == set(plan.mailboxes)
    assert len(archived(kit, bob)) == len(sizes) - tally.messages
    for box in kit.mailstore.mailboxes(bob.id):
        for entry in kit.mailstore.list(bob.id, box.id, limit=50).items:
            assert entry.row.subject == "here" or entry.state.names == ("own",)
    assert faults(kit) == []
    with pytest.raises(Invalid):
        kit.mailstore.archive.restore_later(bob.id, 5, 4)


def test_an_archive_that_grows_too_large_loses_its_oldest(
    kit: MailKit, alice: Principal, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkit.mailstore.archiving.most_bytes", lambda quota: 300)
    monkeypatch.setattr("mailkit.mailstore.lapse.STEP", 2)
    kept = kit.mailstore.create_mailbox(alice.id, Folder("Kept"))
    kit.mailstore.hold(alice.id, mailbox=kept.id, reason="inquiry", by="legal")
    for number in range(8):
        path = "Kept" if number == 1 else "INBOX"
        kit.mailstore.append(alice.id, (b"Subject: %d\r\n\r\n" % number).ljust(100, b"x"), mailbox=path)
        kit.mailstore.remove(alice.id, path, ALL)
        clock.advance(seconds=1)
    while kit.run_due():
        pass
    assert kit.mailstore.archive.size(alice.id) == (3, 300)
    rows = kit.mailstore.archive.list(alice.id, oldest_first=True).items
    assert [item.row.subject for item in rows] == ["1", "6", "7"]
    assert faults(kit) == []


# holds


def test_a_hold_stops_time_but_not_the_owner(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fill(kit, alice, 3, "Trash")
    fill(kit, alice, 1, flags=["\\Draft"])
    hold = kit.mailstore.hold(alice.id, reason="inquiry", by="legal")
    kit.mailstore.remove(alice.id, "Trash", Selection.of([1]))
    kit.mailstore.clear(alice.id, "INBOX", skip_archive=True)
    clock.advance(days=365)
    work(kit)
    assert kit.mailstore.mailbox(alice.id, "Trash").total == 2
    assert len(archived(kit, alice)) == 2
    assert kit.mailstore.kept(alice.id, "Trash", 2).until is None
    assert [reason.word for reason in kit.mailstore.kept(alice.id, "Trash", 2).reasons] == ["mailbox.retention", "hold"]
    kit.mailstore.archive.restore(alice.id, archived(kit, alice)[0].id)

    with pytest.raises(NotFound):
        kit.mailstore.holds.release(alice.id, Id(b"x" * 12), by="legal")
    assert kit.mailstore.holds.release(alice.id, hold.id, by="judge") == hold
    (entry,) = [entry for entry in told(kit) if entry.kind == "hold.released"]
    assert (entry.account, entry.payload["by"], entry.payload["reason"]) == (alice.number, "judge", "inquiry")
    clock.advance(days=1)
    work(kit)
    assert kit.mailstore.mailbox(alice.id, "Trash").total == 0
    assert len(archived(kit, alice)) == 2  # what has just expired; what was there is gone
    clock.advance(days=26)
    work(kit)
    assert archived(kit, alice) == []
    assert faults(kit) == []


def test_a_hold_on_a_mailbox_leaves_others_alone_and_outlives_it(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    box = kit.mailstore.create_mailbox(alice.id, Folder("Work", retention=DAY))
    kit.mailstore.create_mailbox(alice.id, Folder("Play", retention=DAY))
    fill(kit, alice, 2, "Work")
    fill(kit, alice, 2, "Play")
    kit.mailstore.hold(alice.id, mailbox="Work", reason="inquiry", by="legal", until=clock() + 100 * DAY)
    clock.advance(days=2)
    work(kit)
    assert kit.mailstore.mailbox(alice.id, "Work").total == 2
    assert kit.mailstore.mailbox(alice.id, "Play").total == 0
    kit.mailstore.delete_mailbox(alice.id, "Work")
    work(kit)
    clock.advance(days=60)
    work(kit)
    assert {row.mailbox for row in archived(kit, alice)} == {box.id}
    clock.advance(days=40)
    work(kit)
    assert archived(kit, alice) == []
    assert kit.mailstore.holds.list().items == ()  # it has ended by itself
    assert faults(kit) == []


def test_holds_are_listed_and_say_who_and_why(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    bob = kit.accounts.create("bob", address="bob@example.org")
    made = [kit.mailstore.hold(who.number, reason=f"r{n}", by="legal") for n, who in enumerate((alice, bob, alice))]
    assert [hold.reason for hold in kit.mailstore.holds.list().items] == ["r0", "r2", "r1"]
    assert [hold.reason for hold in kit.mailstore.holds.list(bob.id).items] == ["r1"]
    page = kit.mailstore.holds.list(limit=2)
    rest = kit.mailstore.holds.list(limit=2, after=(page.items[-1].account, page.items[-1].id))
    assert ([hold.reason for hold in rest.items], page.after, rest.after) == (["r1"], True, False)
    assert kinds(kit)[-3:] == ["hold.placed"] * 3
    assert made[0].at == clock()
    for bad in ({"reason": " "}, {"by": ""}, {"until": clock()}, {"reason": "x" * 2000}):
        with pytest.raises(Invalid):
            kit.mailstore.hold(alice.id, **{"reason": "r", "by": "b", **bad})  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        kit.mailstore.hold(alice.id, reason="r", by="b", mailbox="Nowhere")


# accounts


def everything_of(kit: MailKit, number: int) -> list[str]:
    """Keys of the store that are about an account."""
    from mailkit.storage import keyspace
    from mailkit.storage.walk import walk

    start, stop = keyspace.account_range(number)
    found = [key.hex() for key, _ in walk(kit.store, start, stop)]
    for space, at in (
        (keyspace.MAIL_EXPIRY, 1),
        (keyspace.ARCHIVE_END, 1),
        (keyspace.ARCHIVE_HASH, 1),
        (keyspace.HOLD, 0),
        (keyspace.SECRETS, 0),
        (keyspace.OWNER_TOKEN, 0),
        (keyspace.OWNER_ADDRESS, 0),
        (keyspace.PRINCIPAL, 0),
        (keyspace.DELETED, 0),
        (keyspace.AUTHLOG_END, 1),
        (keyspace.ASP_END, 1),
    ):
        found += [
            f"{space.name} {key.hex()}" for key, _ in walk(kit.store, *space.range()) if space.parts(key)[at] == number
        ]
    return found


def test_a_restored_account_has_its_mail_and_its_archive_as_they_were(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    fill(kit, alice, 3, flags=["\\Seen", "own"])
    kit.mailstore.remove(alice.id, "INBOX", Selection.of([2]))
    box = kit.mailstore.mailbox(alice.id, "INBOX")
    before = kit.mailstore.list(alice.id).items
    old = archived(kit, alice)
    kit.accounts.delete(alice.id, due=clock() + 10 * DAY, linger=14 * DAY)
    assert kit.mailstore.kept(alice.number, "INBOX", 1).until == clock() + 24 * DAY
    clock.advance(days=9)
    work(kit)
    kit.accounts.restore(alice.id)
    assert kit.mailstore.list(alice.id).items == before
    assert kit.mailstore.mailbox(alice.id, "INBOX") == box
    assert archived(kit, alice) == old
    assert kit.search.find(alice.id, "plan").total == 2
    assert kit.mailstore.kept(alice.number, "INBOX", 1).until is None
    clock.advance(days=2)
    work(kit)
    assert kit.mailstore.list(alice.id).items == before
    assert faults(kit) == []


def test_nothing_is_left_of_an_account_after_its_window(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    kit.accounts.set_password(alice.id, "secret")
    fill(kit, alice, 3, "Trash")
    kit.mailstore.append(alice.id, RAW % (9, 9) + b"x" * 300_000)
    kit.mailstore.remove(alice.id, "Trash", Selection.of([2]))
    kit.accounts.delete(alice.id, due=clock() + DAY, linger=14 * DAY)
    clock.advance(days=2)
    work(kit)
    assert kit.mailstore.mailbox(alice.number, "INBOX").total == 1  # out of reach, and not gone yet
    clock.advance(days=15)
    work(kit)
    assert everything_of(kit, alice.number) == []
    clock.advance(days=8)
    for _ in range(2):
        work(kit)
        clock.advance(days=1)
    assert [entry for entry in told(kit) if entry.account == alice.number] == []
    assert faults(kit) == []


def test_a_held_account_is_not_purged_and_can_be_restored(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fill(kit, alice, 2)
    hold = kit.mailstore.hold(alice.id, reason="inquiry", by="legal")
    kit.accounts.delete(alice.id)
    for _ in range(3):
        clock.advance(days=30)
        work(kit)
    assert kit.mailstore.mailbox(alice.number, "INBOX").total == 2
    kit.accounts.restore(alice.id)
    assert kit.mailstore.list(alice.id).total == 2
    kit.accounts.delete(alice.id)
    work(kit)
    kit.mailstore.holds.release(alice.number, hold.id, by="legal")
    clock.advance(days=1)
    work(kit)
    assert everything_of(kit, alice.number) == []
    assert faults(kit) == []


# damage


def lose_row(kit: MailKit, old: Archived, tx: Tx) -> None:
    ARCHIVED_ROWS.delete(tx, old.account, old.id)


def lose_facts(kit: MailKit, old: Archived, tx: Tx) -> None:
    tx.delete(ARCHIVED.space.key(old.account, old.id))


def lose_entry(index: object) -> Callable[[MailKit, Archived, Tx], None]:
    def lose(kit: MailKit, old: Archived, tx: Tx) -> None:
        for entry, _ in index.entries(ARCHIVED.space.key(old.account, old.id), old):  # type: ignore[attr-defined]
            tx.delete(entry)

    return lose


def miscount(kit: MailKit, old: Archived, tx: Tx) -> None:
    ARCHIVE_SIZE.add(tx, 1, old.account, 1)


def misplace(kit: MailKit, old: Archived, tx: Tx) -> None:
    tx.put(BY_HASH.space.key(b"h" * 32, old.account, old.id), ARCHIVED.space.key(old.account, old.id))


def swap_row(kit: MailKit, old: Archived, tx: Tx) -> None:
    from msgspec.structs import replace

    row = ARCHIVED_ROWS.get(tx, old.account, old.id)
    ARCHIVED_ROWS.put(tx, replace(row, segments=(b"x" * row.size,)), old.account, old.id)


def spoil(kit: MailKit, old: Archived, tx: Tx) -> None:
    tx.put(ARCHIVED_ROWS.space.key(old.account, old.id), b"\x01rubbish")


def hold_nobody(kit: MailKit, old: Archived, tx: Tx) -> None:
    hold = kit.mailstore.hold(old.account, reason="r", by="b", tx=tx)
    HOLDS.put(tx, hold, 4711, hold.id)
    from msgspec.structs import replace

    HOLDS.put(tx, replace(hold, account=4711), 4711, hold.id)


@pytest.mark.parametrize(
    "damage",
    [
        lose_row, lose_facts, lose_entry(BY_DELETION), lose_entry(BY_END), lose_entry(BY_HASH), miscount, misplace,
        swap_row, spoil, hold_nobody,
    ],
)  # fmt: skip
def test_check_finds_damage(kit: MailKit, alice: Principal, damage: Callable[[MailKit, Archived, Tx], None]) -> None:
    kit.mailstore.append(alice.id, RAW % (1, 1))
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    assert faults(kit) == []
    (old,) = archived(kit, alice)
    kit.transact(lambda tx: damage(kit, old, tx))
    assert faults(kit) != []


def test_a_year_of_retention(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    """Mail every week into mailboxes that keep it for ever, 90 days and (Trash) 30 days; work once a week."""
    kit.mailstore.create_mailbox(alice.id, Folder("Lists", retention=90 * DAY))
    arrived: list[tuple[int, str, int]] = []
    start = clock()
    for week in range(52):
        for path in ("INBOX", "Lists", "Trash"):
            stored = kit.mailstore.append(alice.id, RAW % (week, week), mailbox=path)
            arrived.append((clock(), path, stored.uid))
        if week == 26:  # counts for what comes in from now on
            kit.mailstore.alter_mailbox(alice.id, "Lists", Alteration(retention=30 * DAY))
        clock.advance(days=7)
        work(kit)
        now = clock()
        for path in ("INBOX", "Lists", "Trash"):
            want = set()
            for at, where, uid in arrived:
                keep = {"INBOX": 1 << 60, "Trash": 30 * DAY}.get(
                    path, 90 * DAY if at <= start + 26 * 7 * DAY else 30 * DAY
                )
                if where == path and now < at + keep:
                    want.add(uid)
            page = kit.mailstore.list(alice.id, path, limit=100)
            assert {entry.uid for entry in page.items} == want, (week, path)
            for entry in page.items:
                kept = kit.mailstore.kept(alice.id, path, entry.uid)
                assert kept.until is None or kept.until > now
        assert all(row.until > now for row in archived(kit, alice))
        assert kit.mailstore.archive.size(alice.id)[0] == len(archived(kit, alice))
    assert len(archived(kit, alice)) > 0
    clock.advance(days=200)
    work(kit)
    clock.advance(days=26)
    work(kit)
    assert archived(kit, alice) == []
    assert kit.mailstore.mailbox(alice.id, "INBOX").total == 52
    assert kit.used(alice.number) == kit.mailstore.mailbox(alice.id, "INBOX").size
    assert faults(kit) == []


def test_of_many_who_restore_a_message_one_does(
    kit: MailKit, alice: Principal, race: Callable[[Callable[[], object]], None]
) -> None:
    kit.mailstore.append(alice.number, RAW % (1, 1) + b"x" * 300_000)
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    (old,) = archived(kit, alice)
    outcomes: list[str] = []

    def restore() -> None:
        try:
            kit.mailstore.archive.restore(alice.number, old.id)
            outcomes.append("restored")
        except NotFound:
            outcomes.append("gone")

    race(restore)
    assert sorted(outcomes) == ["gone"] * 3 + ["restored"]
    assert kit.mailstore.mailbox(alice.id, "INBOX").total == 1
    assert faults(kit) == []


def test_restores_and_purges_at_the_same_time_lose_and_double_nothing(
    kit: MailKit, alice: Principal, clock: FixedClock, race: Callable[[Callable[[], object]], None]
) -> None:
    fill(kit, alice, 40)
    kit.mailstore.remove(alice.id, "INBOX", ALL)
    ids = [row.id for row in archived(kit, alice)]
    clock.advance(days=26)  # all of it may go
    kit.mailstore.upkeep(alice.id)
    restored: list[Id] = []
    turns = iter([False, True, True, True])

    def one() -> None:
        if not next(turns):
            kit.run_due()
            return
        while ids:
            try:
                id = ids.pop()
                kit.mailstore.archive.restore(alice.number, id)
                restored.append(id)
            except (NotFound, IndexError):
                continue

    race(one)
    while kit.run_due():
        pass
    assert archived(kit, alice) == []
    assert {entry.row.id for entry in kit.mailstore.list(alice.id, limit=100).items} == set(restored)
    assert len(set(restored)) == len(restored)
    assert faults(kit) == []
