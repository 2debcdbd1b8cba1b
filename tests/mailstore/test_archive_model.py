"""Deleting, restoring, purging, holds and time agree with a model, in whatever order, on every store."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import OverQuota
from mailkit.ids import Id
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import LAST, Selection
from mailkit.testing.platform import platform
from mailkit.verify import verify

QUOTA = 4_000
DAY = 86_400_000
KEEP = 25 * DAY
ALL = Selection(((1, LAST),))
RETENTION = {"INBOX": 0, "Trash": 30 * DAY, "Week": 7 * DAY}
BOXES = st.sampled_from(sorted(RETENTION))
PLACES = st.sampled_from(["account", *sorted(RETENTION)])


@define
class Mail:
    """A message: its flags and size, where it is, and until when."""

    flags: frozenset[str]
    size: int
    box: str
    uid: int
    until: int
    """When it leaves: its mailbox (0: never), or the archive."""
    deleted: int = 0


class Model(RuleBasedStateMachine):
    """Live and archived messages by id, holds by id, and the time."""

    where: str

    @initialize()
    def begin(self) -> None:
        self.clock = FixedClock()
        self.opened = platform(self.where, clock=self.clock)
        self.kit: MailKit = self.opened.__enter__()
        name = f"u{sum(1 for _ in self.kit.principals.list_by_id('individual', limit=10_000).items)}"
        self.account = self.kit.accounts.create(name, address=f"{name}@example.org", quota=QUOTA).number
        self.kit.mailstore.create_mailbox(self.account, Folder("Week", retention=RETENTION["Week"]))
        self.live: dict[Id, Mail] = {}
        self.archive: dict[Id, Mail] = {}
        self.holds: dict[Id, str] = {}
        self.next = dict.fromkeys(RETENTION, 1)
        self.id = self.kit.principals.get(self.account).id
        for path in RETENTION:
            for draft in (False, True, False):
                self.append(path, 40, draft)
        self.remove("Trash", [1], skip=False)

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            assert [str(finding) for finding in verify(self.kit) if finding.level == "error"] == []
            self.opened.__exit__(None, None, None)

    def held(self, path: str) -> bool:
        return "account" in self.holds.values() or path in self.holds.values()

    def used(self) -> int:
        return sum(mail.size for mail in self.live.values())

    def enter(self, id: Id, mail: Mail, path: str) -> Mail:
        kept = RETENTION[path]
        mail = Mail(mail.flags, mail.size, path, self.next[path], self.clock() + kept if kept else 0)
        self.next[path] += 1
        self.live[id] = mail
        return mail

    def leave(self, id: Id, *, skip: bool = False) -> None:
        mail = self.live.pop(id)
        if self.held(mail.box) or not (skip or "\\Draft" in mail.flags):
            mail.deleted, mail.until = self.clock(), self.clock() + KEEP
            self.archive[id] = mail

    @rule(path=BOXES, size=st.sampled_from([40, 900]), draft=st.booleans())
    def append(self, path: str, size: int, draft: bool) -> None:
        raw = (b"Subject: %d\r\n\r\n" % sum(self.next.values())).ljust(size, b"x")
        flags = frozenset(["\\Draft", "own"] if draft else ["\\Seen"])
        if self.used() + size > QUOTA:
            with pytest.raises(OverQuota):
                self.kit.mailstore.append(self.account, raw, mailbox=path, flags=flags)
            return
        stored = self.kit.mailstore.append(self.account, raw, mailbox=path, flags=flags)
        assert self.enter(stored.id, Mail(flags, size, path, 0, 0), path).uid == stored.uid

    @rule(path=BOXES, uids=st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True), skip=st.booleans())
    def remove(self, path: str, uids: list[int], skip: bool) -> None:
        gone = [id for id, mail in self.live.items() if mail.box == path and mail.uid in uids]
        count = self.kit.mailstore.remove(self.account, path, Selection.of(uids), skip_archive=skip)
        assert count == len(gone)
        for id in gone:
            self.leave(id, skip=skip)

    @rule(path=BOXES, skip=st.booleans())
    def clear(self, path: str, skip: bool) -> None:
        gone = [id for id, mail in self.live.items() if mail.box == path]
        assert self.kit.mailstore.clear(self.account, path, skip_archive=skip) == len(gone)
        for id in gone:
            self.leave(id, skip=skip)

    @rule(data=st.data(), into=st.sampled_from([None, *sorted(RETENTION)]))
    def restore(self, data: st.DataObject, into: str | None) -> None:
        if not self.archive:
            return
        id = data.draw(st.sampled_from(sorted(self.archive)))
        mail = self.archive[id]
        if self.used() + mail.size > QUOTA:
            with pytest.raises(OverQuota):
                self.kit.mailstore.archive.restore(self.account, id, mailbox=into)
            return
        done = self.kit.mailstore.archive.restore(self.account, id, mailbox=into)
        assert done.id == id
        del self.archive[id]
        assert self.enter(id, mail, into or mail.box).uid == done.uid

    @rule(back=st.integers(0, 40), into=st.sampled_from([None, "Week"]))
    def restore_many(self, back: int, into: str | None) -> None:
        start = self.clock() - back * DAY
        plan = self.kit.mailstore.archive.preview(self.account, start, self.clock(), into=into)
        room, messages, bytes_ = QUOTA - self.used(), 0, 0
        wanted = [(mail.deleted, id) for id, mail in self.archive.items() if mail.deleted >= start]
        self.kit.mailstore.archive.restore_later(self.account, start, self.clock(), into=into)
        while self.kit.run_due():
            pass
        for _, id in sorted(wanted):
            mail = self.archive[id]
            if mail.size <= room - bytes_:
                del self.archive[id]
                self.enter(id, mail, into or mail.box)
                messages += 1
                bytes_ += mail.size
        assert (plan.tally.messages, plan.tally.bytes, plan.room) == (messages, bytes_, room)
        assert plan.tally.messages + plan.tally.refused == len(wanted)

    @rule(days=st.sampled_from([1, 6, 8, 24, 26]))
    def pass_time(self, days: int) -> None:
        self.clock.advance(days=days)
        self.kit.mailstore.upkeep(self.account)
        while self.kit.run_due():
            pass
        self.lapse()

    @rule()
    def housekeeping(self) -> None:
        self.clock.advance(ms=DAY // 96)
        with self.kit.background():
            pass
        while self.kit.run_due():
            pass
        self.lapse()

    def lapse(self) -> None:
        """What is over by now; harmless when the jobs have nothing to do."""
        now = self.clock()
        for id, mail in list(self.live.items()):
            if mail.until and mail.until <= now and not self.held(mail.box):
                self.leave(id)
        for id, mail in list(self.archive.items()):
            if mail.until <= now and not self.held(mail.box):
                del self.archive[id]

    @rule(place=PLACES)
    def hold(self, place: str) -> None:
        box = None if place == "account" else place
        made = self.kit.mailstore.hold(self.account, mailbox=box, reason="inquiry", by="legal")
        self.holds[made.id] = place

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if self.holds:
            id = data.draw(st.sampled_from(sorted(self.holds)))
            self.kit.mailstore.holds.release(self.account, id, by="legal")
            del self.holds[id]

    @rule(days=st.sampled_from([0, 2]))
    def delete_and_restore_account(self, days: int) -> None:
        """A deleted account comes back whole within its window, and with a hold also after it."""
        self.kit.accounts.delete(self.id, due=self.clock() + DAY)
        if not self.holds:
            days = 0
        self.clock.advance(days=days)
        self.kit.mailstore.upkeep(self.account)
        while self.kit.run_due():
            pass
        self.kit.accounts.restore(self.id)
        self.lapse()

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "live"):
            return
        kit, account = self.kit, self.account
        found: dict[Id, Mail] = {}
        for path in RETENTION:
            for entry in kit.mailstore.list(account, path, limit=100).items:
                flags = frozenset(entry.state.names)
                found[entry.row.id] = Mail(flags, entry.row.size, path, entry.uid, entry.state.expires)
                kept = kit.mailstore.kept(account, path, entry.uid)
                assert kept.until == (None if self.held(path) else entry.state.expires or None)
        assert found == {id: evolve(mail, deleted=0) for id, mail in self.live.items()}
        rows = kit.mailstore.archive.list(account, limit=200).items
        told = {item.archived.id: item.archived for item in rows}
        assert told.keys() == self.archive.keys()
        for id, mail in self.archive.items():
            old = told[id]
            assert (frozenset(old.names), old.size, old.path) == (mail.flags, mail.size, mail.box)
            assert (old.deleted, old.until) == (mail.deleted, mail.until)
        assert kit.mailstore.archive.size(account) == (len(told), sum(mail.size for mail in self.archive.values()))
        assert kit.used(account) == self.used()
        assert kit.search.find(account, "", limit=1).total == len(self.live)


@pytest.fixture(params=["memory", "lmdb", "postgres"])
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Where each run keeps its own platform; on PostgreSQL all runs share one."""
    if request.param == "memory":
        yield lambda: "memory:"
    elif request.param == "lmdb":
        yield lambda: str(tmp_path_factory.mktemp("archive") / "data")
    else:
        url = request.getfixturevalue("postgres_url")
        yield lambda: url


def test_the_archive_is_what_the_model_says(places: Callable[[], str], request: pytest.FixtureRequest) -> None:
    class Placed(Model):
        def __init__(self) -> None:
            super().__init__()
            self.where = places()

    quick = "memory" in request.node.name
    how: Any = settings(
        max_examples=settings().max_examples if quick else 4,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Placed, settings=how)
