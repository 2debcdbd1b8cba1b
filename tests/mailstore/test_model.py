"""Mailboxes are what this model says, whatever is done to them and in whatever order, on every store.

Bulk work goes in steps of three here, and sweeps come early. The model knows mailboxes by path with what they are for,
UIDs, what was changed and what vanished since any moment, counters, quota, threads, flags, metadata and expiry, the
archive, and all that the journal tells of them; references of blobs are counted by `check`, which is run in between.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailkit import MailKit, journal
from mailkit.clock import FixedClock
from mailkit.errors import AlreadyExists, Invalid, OverQuota
from mailkit.ids import Id
from mailkit.mailstore import service, work
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.lapse import EXPIRE, PURGE
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.mailstore.selection import LAST, Selection
from mailkit.storage.api import ReadTx, Tx
from mailkit.testing.platform import platform
from mailkit.verify import verify

QUOTA = 12_000
STEP = 3
DAY = 86_400_000
ARCHIVED = 25 * DAY
MOST_VANISHED = 5
FLAGS = st.sampled_from(["\\Seen", "\\Flagged", "\\Draft", "\\Deleted", "keyword"])
PATHS = ["INBOX", "Trash", "Junk", "Extra", "Extra/Sub", "Other"]
BOXES = st.sampled_from(PATHS)
OWN = st.sampled_from(PATHS[1:])
PICK = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True).map(Selection.of) | st.builds(
    lambda first, length: Selection(((first, LAST if length > 9 else first + length),)),
    st.integers(1, 12),
    st.integers(0, 12),
)
SIZES = st.sampled_from([10, 600, 1500])
SUBJECTS = st.sampled_from(["a", "Re: a", "b"])
ABOUT = st.sampled_from(["x", "y"])
RETENTIONS = st.sampled_from([0, 5 * DAY, 20 * DAY])


@define
class Letter:
    """A message as the model has it."""

    flags: frozenset[str]
    size: int
    thread: tuple[str, str]  # normalised subject and reference: what makes messages belong together
    body: tuple[str, str, int]  # whoever has the same has the same bytes
    expires: int = 0
    chosen: bool = False  # somebody has said when it expires
    meta: str | None = None


@define
class Box:
    """A mailbox as the model has it."""

    id: Id
    special: str | None
    retention: int
    letters: dict[int, Letter]
    gone: set[int]
    hidden: bool = False
    next: int = 1
    modseq: int = 0  # when it was looked at last
    touched: set[int] = None  # type: ignore[assignment]  # UIDs that came or changed since then
    lost: set[int] = None  # type: ignore[assignment]  # UIDs that went since then

    def __attrs_post_init__(self) -> None:
        self.touched, self.lost = set(), set()


@define
class Old:
    """A letter in the archive: what it was, where it was, and when it went there."""

    letter: Letter
    path: str
    special: str | None
    at: int


Place = tuple[Id, int]


class Model(RuleBasedStateMachine):
    """Mailboxes by path, the archive by mailbox and UID, and what the journal has told."""

    where: str

    @initialize()
    def begin(self) -> None:
        self.clock = FixedClock()
        self.opened = platform(self.where, clock=self.clock, settings={"mailstore.most_vanished": MOST_VANISHED})
        self.kit: MailKit = self.opened.__enter__()
        name = f"u{sum(1 for _ in self.kit.principals.list_by_id('individual', limit=10_000).items)}"
        self.account = self.kit.accounts.create(name, address=f"{name}@example.org", quota=QUOTA).number
        rows = self.kit.mailstore.mailboxes(self.account)
        self.boxes = {row.path: Box(row.id, row.special_use, row.retention, {}, set()) for row in rows}
        self.left: list[tuple[Place, Old]] = []  # messages of deleted mailboxes that still leave
        self.archive: dict[Place, Old] = {}
        self.threads: dict[tuple[str, str], Id] = {}
        self.clears: dict[Id, int] = {}
        self.days = 0
        self.names = 0
        with self.kit.store.snapshot() as tx:
            self.position = journal.head(tx)
        self.told: dict[Place, frozenset[str] | None] = {}  # what the journal has said of each message's flags
        self.told_boxes = {box.id: path for path, box in self.boxes.items()}
        self.marks: list[tuple[str, Id, int]] = []
        self.make("Extra", 0)
        self.make("Extra/Sub", 5 * DAY)
        for path, count in (("INBOX", 5), ("Junk", 3), ("Extra", 4), ("Extra/Sub", 2), ("Trash", 1)):
            for n in range(count):
                self.append(path, frozenset(["\\Seen"] if n % 2 else ["keyword"]), 10, "a" if n < 3 else "b", "x")

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.sound()
            self.opened.__exit__(None, None, None)

    def sound(self) -> None:
        """References equal blobs, indexes have no holes, and what else `check` looks at."""
        assert [str(finding) for finding in verify(self.kit) if finding.level == "error"] == []

    def used(self) -> int:
        live = sum(letter.size for box in self.boxes.values() for letter in box.letters.values())
        return live + sum(old.letter.size for _, old in self.left)

    def there(self, path: str, wanted: Selection) -> list[int]:
        uids = sorted(self.boxes[path].letters)
        return [uid for uid in uids if any(low <= uid <= high for low, high in wanted.ranges)]

    def arrive(self, path: str, letter: Letter) -> int:
        box = self.boxes[path]
        uid = box.next
        kept = self.clock.now + box.retention if box.retention else 0
        box.letters[uid] = evolve(letter, expires=kept, chosen=False)
        box.touched.add(uid)
        box.next += 1
        return uid

    def depart(self, path: str, uid: int, *, archived: bool) -> Letter:
        box = self.boxes[path]
        letter = box.letters.pop(uid)
        box.gone.add(uid)
        box.lost.add(uid)
        if archived and "\\Draft" not in letter.flags:
            self.archive[box.id, uid] = Old(letter, path, box.special, self.clock.now)
        return letter

    def crossed(self, source: str | None, path: str, uid: int) -> None:
        """The border of Junk, which somebody's word moves a message across."""
        box = self.boxes[path]
        if (source == "\\Junk") != (box.special == "\\Junk") and box.special != "\\Trash":
            self.marks.append(("marked.spam" if box.special == "\\Junk" else "marked.ham", box.id, uid))

    # messages

    @rule(path=BOXES, flags=st.frozensets(FLAGS), size=SIZES, subject=SUBJECTS, about=ABOUT)
    def append(self, path: str, flags: frozenset[str], size: int, subject: str, about: str) -> None:
        if path not in self.boxes:
            return
        raw = f"Subject: {subject}\r\nIn-Reply-To: <{about}@x>\r\n\r\n{'x' * size}".encode()
        if self.used() + len(raw) > QUOTA:
            with pytest.raises(OverQuota):
                self.kit.mailstore.append(self.account, raw, mailbox=path, flags=flags)
            return
        stored = self.kit.mailstore.append(self.account, raw, mailbox=path, flags=flags)
        thread = (subject.removeprefix("Re: "), about)
        assert stored.uid == self.arrive(path, Letter(flags, len(raw), thread, (subject, about, size)))
        assert self.threads.setdefault(thread, stored.thread) == stored.thread
        assert len(set(self.threads.values())) == len(self.threads)

    @rule(
        path=BOXES,
        wanted=PICK,
        add=st.frozensets(FLAGS),
        remove=st.frozensets(FLAGS),
        days=st.sampled_from([None, 0, 9]),
        meta=st.sampled_from([None, "{}", '{"a":1}']),
    )
    def update(
        self,
        path: str,
        wanted: Selection,
        add: frozenset[str],
        remove: frozenset[str],
        days: int | None,
        meta: str | None,
    ) -> None:
        if path not in self.boxes:
            return
        there = self.there(path, wanted)
        expires = None if days is None else self.clock.now + days * DAY if days else 0
        change = Change(add, remove, expires, meta)
        assert self.kit.mailstore.update(self.account, path, wanted, change) == len(there)
        box = self.boxes[path]
        for uid in there:
            letter = evolve(box.letters[uid], flags=(box.letters[uid].flags - remove) | add)
            if expires is not None:
                letter = evolve(letter, expires=expires, chosen=True)
            if meta is not None:
                letter = evolve(letter, meta=meta)
            if letter != box.letters[uid]:  # one that is so already has not changed
                box.touched.add(uid)
            box.letters[uid] = letter

    @rule(path=BOXES, wanted=PICK)
    def remove(self, path: str, wanted: Selection) -> None:
        if path not in self.boxes:
            return
        there = self.there(path, wanted)
        assert self.kit.mailstore.remove(self.account, path, wanted) == len(there)
        for uid in there:
            self.depart(path, uid, archived=True)

    @rule(path=BOXES, into=BOXES, wanted=PICK, add=st.frozensets(FLAGS))
    def move(self, path: str, into: str, wanted: Selection, add: frozenset[str]) -> None:
        if path not in self.boxes or into not in self.boxes:
            return
        there = self.there(path, wanted)
        moved = self.kit.mailstore.move(self.account, path, wanted, into, Change(add))
        want = []
        for uid in there:
            letter = self.depart(path, uid, archived=False)
            want.append((uid, self.arrive(into, evolve(letter, flags=letter.flags | add))))
            self.crossed(self.boxes[path].special, into, want[-1][1])
        assert [(one.old, one.new) for one in moved] == want

    @rule(path=BOXES, into=BOXES, wanted=PICK, repeats=st.integers(0, 2))
    def copy(self, path: str, into: str, wanted: Selection, repeats: int) -> None:
        """Steps of three: those before the one that finds no room stay. What has a name is made once."""
        if path not in self.boxes or into not in self.boxes:
            return
        there, want, full = self.there(path, wanted), [], False
        for at in range(0, len(there), STEP):
            step = there[at : at + STEP]
            if self.used() + sum(self.boxes[path].letters[uid].size for uid in step) > QUOTA:
                full = True
                break
            for uid in step:
                want.append((uid, self.arrive(into, self.boxes[path].letters[uid])))
                self.crossed(self.boxes[path].special, into, want[-1][1])
        self.names += 1
        name = f"copy {self.names}" if repeats else None
        if full:
            with pytest.raises(OverQuota):
                self.kit.mailstore.copy(self.account, path, wanted, into, once=name)
            return
        copied = self.kit.mailstore.copy(self.account, path, wanted, into, once=name)
        assert [(one.old, one.new) for one in copied] == want
        for _ in range(repeats if want else 0):
            assert self.kit.mailstore.copy(self.account, path, wanted, into, once=name) == []

    @rule(path=BOXES, skip=st.booleans())
    def clear(self, path: str, skip: bool) -> None:
        if path in self.boxes:
            uids = list(self.boxes[path].letters)
            assert self.kit.mailstore.clear(self.account, path, skip_archive=skip) == len(uids)
            for uid in uids:
                self.depart(path, uid, archived=not skip)

    @rule(path=BOXES)
    def clear_later(self, path: str) -> None:
        """What comes in until the job runs stays; a second wish changes nothing about the first."""
        if path in self.boxes:
            box = self.boxes[path]
            _, known = self.kit.mailstore.clear_later(self.account, path)
            assert known == (box.id in self.clears)
            self.clears.setdefault(box.id, box.next - 1)

    @rule()
    def renumber(self) -> None:
        before = {box.path: box.uid_validity for box in self.kit.mailstore.mailboxes(self.account)}
        boxes, messages = self.kit.mailstore.renumber(self.account)
        assert (boxes, messages) == (len(self.boxes), sum(len(box.letters) for box in self.boxes.values()))
        after = {box.path: box.uid_validity for box in self.kit.mailstore.mailboxes(self.account)}
        assert all(after[path] > before[path] for path in before)
        for path, box in self.boxes.items():
            for uid in sorted(box.letters):
                letter = self.depart(path, uid, archived=False)
                box.letters[self.arrive(path, letter)] = letter  # all but the UID stays

    @rule(data=st.data(), into=st.none() | BOXES)
    def restore(self, data: st.DataObject, into: str | None) -> None:
        """To where it was, to what has its path now, or to INBOX; or to where somebody says."""
        if not self.archive or (into is not None and into not in self.boxes):
            return
        place = data.draw(st.sampled_from(sorted(self.archive)))
        old = self.archive[place]
        listed = self.kit.mailstore.archive.list(self.account, limit=1000).items
        id = next(one.archived.id for one in listed if (one.archived.mailbox, one.archived.uid) == place)
        if self.used() + old.letter.size > QUOTA:
            with pytest.raises(OverQuota):
                self.kit.mailstore.archive.restore(self.account, id, mailbox=into)
            return
        if into is None:
            by_id = next((path for path, box in self.boxes.items() if box.id == place[0]), None)
            into = by_id or (old.path if old.path in self.boxes else "INBOX")
            done = self.kit.mailstore.archive.restore(self.account, id)
        else:
            done = self.kit.mailstore.archive.restore(self.account, id, mailbox=into)
        del self.archive[place]
        assert (done.mailbox, done.uid) == (self.boxes[into].id, self.arrive(into, old.letter))
        self.crossed(old.special, into, done.uid)

    # mailboxes

    @rule(path=OWN, retention=RETENTIONS)
    def make(self, path: str, retention: int) -> None:
        if path in self.boxes:
            with pytest.raises(AlreadyExists):
                self.kit.mailstore.create_mailbox(self.account, Folder(path, retention=retention))
            return
        row = self.kit.mailstore.create_mailbox(self.account, Folder(path, retention=retention))
        assert (row.uid_next, row.total, row.modseq) == (1, 0, 0)
        self.boxes[path] = Box(row.id, None, retention, {}, set())

    @rule(path=BOXES)
    def delete(self, path: str) -> None:
        if path not in self.boxes:
            return
        box = self.boxes[path]
        if path == "INBOX" or box.special or box.hidden:
            with pytest.raises(Invalid):
                self.kit.mailstore.delete_mailbox(self.account, path)
            return
        self.kit.mailstore.delete_mailbox(self.account, path)
        del self.boxes[path]
        self.left += [((box.id, uid), Old(letter, path, None, 0)) for uid, letter in box.letters.items()]

    @rule(path=BOXES, to=OWN, children=st.booleans())
    def rename(self, path: str, to: str, children: bool) -> None:
        if path not in self.boxes:
            return
        below = [one for one in self.boxes if children and one.startswith(f"{path}/")]
        becomes = {path: to} | {one: to + one[len(path) :] for one in below}
        alteration = Alteration(path=to)
        refused: type[Exception] | None = None
        if path != to:
            into_itself = children and to.startswith(f"{path}/")
            if path == "INBOX" or into_itself or any(self.boxes[one].hidden for one in becomes):
                refused = Invalid
            if not into_itself and (self.boxes.keys() - becomes.keys()) & set(becomes.values()):
                refused = (Invalid, AlreadyExists) if refused else AlreadyExists  # type: ignore[assignment]
        if refused:
            with pytest.raises(refused):
                self.kit.mailstore.alter_mailbox(self.account, path, alteration, children=children)
            return
        self.kit.mailstore.alter_mailbox(self.account, path, alteration, children=children)
        if path != to:
            moved = {new: self.boxes.pop(old) for old, new in becomes.items()}
            self.boxes.update(moved)

    @rule(path=BOXES, retention=st.none() | RETENTIONS, hidden=st.none() | st.booleans())
    def alter(self, path: str, retention: int | None, hidden: bool | None) -> None:
        """What is there keeps its time; what comes has the new one."""
        if path not in self.boxes:
            return
        box = self.boxes[path]
        self.kit.mailstore.alter_mailbox(self.account, path, Alteration(retention=retention, hidden=hidden))
        box.retention = box.retention if retention is None else retention
        box.hidden = box.hidden if hidden is None else hidden

    # time and jobs

    @rule()
    def work(self) -> None:
        while self.kit.run_due():
            pass
        for place, old in self.left:
            if "\\Draft" not in old.letter.flags:
                self.archive[place] = evolve(old, at=self.clock.now)
        self.left.clear()
        for path, box in self.boxes.items():
            for uid in [uid for uid in box.letters if uid <= self.clears.get(box.id, 0)]:
                self.depart(path, uid, archived=True)
        self.clears.clear()
        self.sound()

    @precondition(lambda self: self.days < 150)  # threads are remembered for 180
    @rule(days=st.sampled_from([1, 10, 31]))
    def wait(self, days: int) -> None:
        """Time passes, and what is to be removed by then is."""
        self.days += days
        self.clock.advance(days=days)

        def due(tx: Tx) -> None:
            for kind in (EXPIRE, PURGE):
                self.kit.jobs.schedule(tx, kind, due=self.clock.now, key="")

        self.kit.transact(due)
        self.work()
        for path, box in self.boxes.items():
            for uid in [uid for uid, letter in box.letters.items() if 0 < letter.expires <= self.clock.now]:
                self.depart(path, uid, archived=True)
        self.archive = {place: old for place, old in self.archive.items() if old.at + ARCHIVED > self.clock.now}

    # what must hold

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "boxes"):
            return
        kit, account = self.kit, self.account
        with kit.store.snapshot() as tx:
            rows = kit.mailstore.mailboxes(account, tx=tx)
            assert {row.path: row.id for row in rows} == {path: box.id for path, box in self.boxes.items()}
            assert kit.quota.used(tx, account) == self.used()
            sizes = kit.mailstore.thread_sizes(account, self.threads.values(), tx=tx)
            live = [letter for box in self.boxes.values() for letter in box.letters.values()]
            belong = Counter(letter.thread for letter in [*live, *(old.letter for _, old in self.left)])
            assert sizes == {id: belong[thread] for thread, id in self.threads.items()}
            assert kit.search.find(account, "", limit=1, tx=tx).total == len(live)
            for row in rows:
                self.box_agrees(row.path, tx)
            self.archive_agrees(tx)
            self.journal_agrees(tx)

    def box_agrees(self, path: str, tx: ReadTx) -> None:
        kit, account, box = self.kit, self.account, self.boxes[path]
        want = box.letters
        row = kit.mailstore.mailbox(account, path, tx=tx)
        assert (row.special_use, row.retention, row.hidden) == (box.special, box.retention, box.hidden)
        assert (row.uid_next, row.total) == (box.next, len(want))
        assert row.unseen == sum("\\Seen" not in letter.flags for letter in want.values())
        assert row.size == sum(letter.size for letter in want.values())
        page = kit.mailstore.list(account, row.id, limit=250, tx=tx)
        found = {
            e.uid: (frozenset(e.state.names), e.row.size, e.row.thread, e.state.expires, e.state.chosen, e.row.meta)
            for e in page.items
        }
        assert found == {
            uid: (one.flags, one.size, self.threads[one.thread], one.expires, one.chosen, one.meta)
            for uid, one in want.items()
        }
        # All there is, and the latest of what vanished at least.
        told = kit.mailstore.changes(account, row.id, 0, tx=tx)
        vanished = {uid for _, uid in told.vanished}
        assert {uid for _, uid in told.changed} == want.keys()
        assert told.resync == (row.forgotten > 0)
        assert vanished == box.gone or (row.forgotten and vanished < box.gone and len(vanished) >= MOST_VANISHED)
        # And exactly what became of it since it was looked at last.
        news = kit.mailstore.changes(account, row.id, box.modseq, tx=tx)
        assert {uid for _, uid in news.changed} == box.touched & want.keys()
        assert news.resync == (row.forgotten > box.modseq)
        assert news.resync or {uid for _, uid in news.vanished} == box.lost
        assert all(box.modseq < modseq <= row.modseq for modseq, _ in [*news.changed, *news.vanished])
        assert not (box.touched or box.lost) or row.modseq > box.modseq
        assert row.modseq >= box.modseq
        box.modseq = row.modseq
        box.touched.clear()
        box.lost.clear()

    def archive_agrees(self, tx: ReadTx) -> None:
        listed = self.kit.mailstore.archive.list(self.account, limit=1000, tx=tx)
        found = {
            (one.archived.mailbox, one.archived.uid): (
                frozenset(one.archived.names), one.archived.path, one.archived.deleted, one.row.size, one.row.meta
            )
            for one in listed.items
        }  # fmt: skip
        assert len(found) == len(listed.items) == listed.total
        assert found == {
            place: (old.letter.flags, old.path, old.at, old.letter.size, old.letter.meta)
            for place, old in self.archive.items()
        }
        size = sum(old.letter.size for old in self.archive.values())
        assert self.kit.mailstore.archive.size(self.account, tx=tx) == (len(self.archive), size)

    def journal_agrees(self, tx: ReadTx) -> None:
        """Whoever has followed the journal knows what is there."""
        marks = []
        for position, entry in journal.read(tx, self.position, limit=10_000):
            self.position = position
            said = entry.payload
            if entry.account != self.account or "mailbox" not in said:
                continue
            box = Id(said["mailbox"])
            place = (box, said.get("uid", 0))
            match entry.kind:
                case "message.added":
                    assert place not in self.told
                    self.told[place] = None
                case "message.removed":
                    del self.told[place]
                case "message.changed":
                    assert place in self.told
                    self.told[place] = frozenset(said["flags"])
                case "mailbox.created":
                    self.told_boxes[box] = said["path"]
                case "mailbox.renamed":
                    assert self.told_boxes[box] == said["previous"]
                    self.told_boxes[box] = said["current"]
                case "mailbox.deleted":
                    assert self.told_boxes.pop(box) == said["path"]
                    self.told = {one: flags for one, flags in self.told.items() if one[0] != box}
                case kind:
                    marks.append((kind, *place))
        assert sorted(marks) == sorted(self.marks)
        self.marks.clear()
        assert self.told_boxes == {box.id: path for path, box in self.boxes.items()}
        flags = {(box.id, uid): one.flags for box in self.boxes.values() for uid, one in box.letters.items()}
        assert self.told.keys() == flags.keys()
        assert all(flags[place] == known for place, known in self.told.items() if known is not None)


@pytest.fixture(params=["memory", "lmdb", "postgres"])
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Where each run keeps its own platform; on PostgreSQL all runs share one."""
    if request.param == "memory":
        yield lambda: "memory:"
    elif request.param == "lmdb":
        yield lambda: str(tmp_path_factory.mktemp("model") / "data")
    else:
        url = request.getfixturevalue("postgres_url")
        yield lambda: url


def explored(places: Callable[[], str], monkeypatch: pytest.MonkeyPatch, *, examples: int, steps: int) -> None:
    monkeypatch.setattr(service, "STEP", STEP)
    monkeypatch.setattr(work, "_LOOSE", 6)

    class Placed(Model):
        def __init__(self) -> None:
            super().__init__()
            self.where = places()

    how: Any = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Placed, settings=how)


def test_mailboxes_are_what_the_model_says(
    places: Callable[[], str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = "memory" in request.node.name
    explored(places, monkeypatch, examples=settings().max_examples // 2 if quick else 6, steps=30)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_mailboxes_are_what_the_model_says_for_long(
    places: Callable[[], str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = "memory" in request.node.name
    explored(places, monkeypatch, examples=1_500 if quick else 100, steps=60)
