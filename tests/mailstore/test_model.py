"""A mailbox is what this model says, whatever is done to it and in whatever order, on every store.

Bulk work goes in steps of three here. The model knows UIDs, modseqs, counters, quota, threads and expiry; references of
blobs are counted by `check`, which is run in between.
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

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import OverQuota
from mailkit.ids import Id
from mailkit.mailstore import service
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.lapse import EXPIRE
from mailkit.mailstore.selection import LAST, Selection
from mailkit.testing.platform import platform
from mailkit.verify import verify

QUOTA = 12_000
STEP = 3
DAY = 86_400_000
FLAGS = st.sampled_from(["\\Seen", "\\Flagged", "keyword"])
BOXES = st.sampled_from(["INBOX", "Trash", "Junk", "Extra"])
PICK = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True).map(Selection.of) | st.builds(
    lambda first, length: Selection(((first, LAST if length > 9 else first + length),)),
    st.integers(1, 12),
    st.integers(0, 12),
)
SIZES = st.sampled_from([10, 600, 1500])
SUBJECTS = st.sampled_from(["a", "Re: a", "b"])
ABOUT = st.sampled_from(["x", "y"])


@define
class Letter:
    """A message as the model has it."""

    flags: frozenset[str]
    size: int
    thread: tuple[str, str]  # normalised subject and reference: what makes messages belong together
    body: tuple[str, str, int]  # whoever has the same has the same bytes
    expires: int = 0
    meta: str | None = None


class Model(RuleBasedStateMachine):
    """Each mailbox: UID -> message; its highest UID and modseq ever."""

    where: str

    @initialize()
    def begin(self) -> None:
        self.clock = FixedClock()
        self.opened = platform(self.where, clock=self.clock)
        self.kit: MailKit = self.opened.__enter__()
        name = f"u{sum(1 for _ in self.kit.principals.list_by_id('individual', limit=10_000).items)}"
        self.account = self.kit.accounts.create(name, address=f"{name}@example.org", quota=QUOTA).number
        rows = self.kit.mailstore.mailboxes(self.account)
        self.boxes: dict[str, dict[int, Letter]] = {box.path: {} for box in rows}
        self.retention = {box.path: box.retention for box in rows} | {"Extra": 0}
        self.next = dict.fromkeys(self.boxes, 1)
        self.modseq = dict.fromkeys(self.boxes, 0)
        self.gone: dict[str, set[int]] = {path: set() for path in self.boxes}
        self.left: list[Letter] = []  # messages of deleted mailboxes that still leave
        self.threads: dict[tuple[str, str], Id] = {}
        self.days = 0
        self.names = 0

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.sound()
            self.opened.__exit__(None, None, None)

    def sound(self) -> None:
        """References equal blobs, indexes have no holes, and what else `check` looks at."""
        assert [str(finding) for finding in verify(self.kit) if finding.level == "error"] == []

    def letters(self) -> list[Letter]:
        return [*self.left, *(letter for box in self.boxes.values() for letter in box.values())]

    def used(self) -> int:
        return sum(letter.size for letter in self.letters())

    def there(self, path: str, wanted: Selection) -> list[int]:
        return [uid for uid in sorted(self.boxes[path]) if any(low <= uid <= high for low, high in wanted.ranges)]

    def arrive(self, path: str, letter: Letter) -> int:
        uid = self.next[path]
        kept = self.retention[path]
        self.boxes[path][uid] = evolve(letter, expires=self.clock.now + kept if kept else 0)
        self.next[path] = uid + 1
        return uid

    def depart(self, path: str, uid: int) -> Letter:
        self.gone[path].add(uid)
        return self.boxes[path].pop(uid)

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
    )
    def update(
        self, path: str, wanted: Selection, add: frozenset[str], remove: frozenset[str], days: int | None
    ) -> None:
        if path not in self.boxes:
            return
        there = self.there(path, wanted)
        expires = None if days is None else self.clock.now + days * DAY if days else 0
        meta = None if days is None else f'{{"days":{days}}}'
        change = Change(add, remove, expires, meta)
        assert self.kit.mailstore.update(self.account, path, wanted, change) == len(there)
        for uid in there:
            letter = self.boxes[path][uid]
            letter = evolve(letter, flags=(letter.flags - remove) | add)
            if expires is not None:
                letter = evolve(letter, expires=expires, meta=meta)
            self.boxes[path][uid] = letter

    @rule(path=BOXES, wanted=PICK)
    def remove(self, path: str, wanted: Selection) -> None:
        if path not in self.boxes:
            return
        there = self.there(path, wanted)
        assert self.kit.mailstore.remove(self.account, path, wanted) == len(there)
        for uid in there:
            self.depart(path, uid)

    @rule(path=BOXES, into=BOXES, wanted=PICK, add=st.frozensets(FLAGS))
    def move(self, path: str, into: str, wanted: Selection, add: frozenset[str]) -> None:
        if path not in self.boxes or into not in self.boxes:
            return
        there = self.there(path, wanted)
        moved = self.kit.mailstore.move(self.account, path, wanted, into, Change(add))
        want = []
        for uid in there:
            letter = self.depart(path, uid)
            want.append((uid, self.arrive(into, evolve(letter, flags=letter.flags | add))))
        assert [(one.old, one.new) for one in moved] == want

    @rule(path=BOXES, into=BOXES, wanted=PICK, repeats=st.integers(0, 2))
    def copy(self, path: str, into: str, wanted: Selection, repeats: int) -> None:
        """Steps of three: those before the one that finds no room stay. What has a name is made once."""
        if path not in self.boxes or into not in self.boxes:
            return
        there, want, full = self.there(path, wanted), [], False
        for at in range(0, len(there), STEP):
            step = there[at : at + STEP]
            if self.used() + sum(self.boxes[path][uid].size for uid in step) > QUOTA:
                full = True
                break
            want += [(uid, self.arrive(into, self.boxes[path][uid])) for uid in step]
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

    @rule()
    def make(self) -> None:
        if "Extra" not in self.boxes:
            box = self.kit.mailstore.create_mailbox(self.account, Folder("Extra"))
            self.boxes["Extra"], self.next["Extra"], self.modseq["Extra"] = {}, 1, 0
            self.gone["Extra"] = set()
            assert (box.uid_next, box.total) == (1, 0)

    @precondition(lambda self: "Extra" in self.boxes)
    @rule()
    def delete(self) -> None:
        self.kit.mailstore.delete_mailbox(self.account, "Extra")
        self.left += self.boxes.pop("Extra").values()

    @rule()
    def work(self) -> None:
        while self.kit.run_due():
            pass
        self.left.clear()
        self.sound()

    @precondition(lambda self: self.days < 150)  # threads are remembered for 180
    @rule(days=st.sampled_from([1, 10, 31]))
    def wait(self, days: int) -> None:
        """Time passes, and what is to be removed by then is."""
        self.days += days
        self.clock.advance(days=days)
        self.kit.transact(lambda tx: self.kit.jobs.schedule(tx, EXPIRE, due=self.clock.now, key=""))
        self.work()
        for path, box in self.boxes.items():
            for uid in [uid for uid, letter in box.items() if 0 < letter.expires <= self.clock.now]:
                self.depart(path, uid)

    @rule(path=BOXES)
    def clear(self, path: str) -> None:
        if path in self.boxes:
            assert self.kit.mailstore.clear(self.account, path) == len(self.boxes[path])
            for uid in list(self.boxes[path]):
                self.depart(path, uid)

    @rule()
    def renumber(self) -> None:
        before = {box.path: box.uid_validity for box in self.kit.mailstore.mailboxes(self.account)}
        boxes, messages = self.kit.mailstore.renumber(self.account)
        assert (boxes, messages) == (len(self.boxes), sum(map(len, self.boxes.values())))
        after = {box.path: box.uid_validity for box in self.kit.mailstore.mailboxes(self.account)}
        assert all(after[path] > before[path] for path in before)
        for path, box in self.boxes.items():
            for uid in sorted(box):
                letter = self.depart(path, uid)
                new = self.arrive(path, letter)
                box[new] = letter  # all but the UID stays

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "boxes"):
            return
        kit, account = self.kit, self.account
        with kit.store.snapshot() as tx:
            rows = kit.mailstore.mailboxes(account, tx=tx)
            assert {row.path for row in rows} == self.boxes.keys()
            assert kit.quota.used(tx, account) == self.used()
            sizes = kit.mailstore.thread_sizes(account, self.threads.values(), tx=tx)
            belong = Counter(letter.thread for letter in self.letters())
            assert sizes == {id: belong[thread] for thread, id in self.threads.items()}
            for row in rows:
                want = self.boxes[row.path]
                assert row.uid_next == self.next[row.path]
                assert row.total == len(want)
                assert row.unseen == sum("\\Seen" not in letter.flags for letter in want.values())
                assert row.size == sum(letter.size for letter in want.values())
                assert row.modseq >= self.modseq[row.path]
                told = kit.mailstore.changes(account, row.id, 0, tx=tx)
                assert {uid for _, uid in told.changed} == want.keys()
                assert {uid for _, uid in told.vanished} == self.gone[row.path]
                news = kit.mailstore.changes(account, row.id, self.modseq[row.path], tx=tx)
                assert not (news.changed or news.vanished) or row.modseq > self.modseq[row.path]
                self.modseq[row.path] = row.modseq
                page = kit.mailstore.list(account, row.id, limit=100, tx=tx)
                found = {
                    e.uid: (frozenset(e.state.names), e.row.size, e.row.thread, e.state.expires, e.row.meta)
                    for e in page.items
                }
                assert found == {
                    uid: (one.flags, one.size, self.threads[one.thread], one.expires, one.meta)
                    for uid, one in want.items()
                }


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


def test_mailboxes_are_what_the_model_says(
    places: Callable[[], str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STEP", STEP)

    class Placed(Model):
        def __init__(self) -> None:
            super().__init__()
            self.where = places()

    quick = "memory" in request.node.name
    how: Any = settings(
        max_examples=60 if quick else 6, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Placed, settings=how)
