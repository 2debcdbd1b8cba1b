"""A mailbox is what this model says, whatever is done to it and in whatever order, on every store."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
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
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import Selection
from mailkit.testing.platform import platform
from mailkit.verify import verify

QUOTA = 6_000
FLAGS = st.sampled_from(["\\Seen", "\\Flagged", "keyword"])
BOXES = st.sampled_from(["INBOX", "Trash", "Junk", "Extra"])
PICK = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True)
SIZES = st.sampled_from([10, 600, 1500])


class Model(RuleBasedStateMachine):
    """Each mailbox: UID -> (flags, size); its highest UID and modseq ever."""

    where: str

    @initialize()
    def begin(self) -> None:
        self.clock = FixedClock()
        self.opened = platform(self.where, clock=self.clock)
        self.kit: MailKit = self.opened.__enter__()
        name = f"u{sum(1 for _ in self.kit.principals.list_by_id('individual', limit=10_000).items)}"
        self.account = self.kit.accounts.create(name, address=f"{name}@example.org", quota=QUOTA).number
        self.boxes: dict[str, dict[int, tuple[frozenset[str], int]]] = {
            box.path: {} for box in self.kit.mailstore.mailboxes(self.account)
        }
        self.next = dict.fromkeys(self.boxes, 1)
        self.modseq = dict.fromkeys(self.boxes, 0)
        self.gone: dict[str, set[int]] = {path: set() for path in self.boxes}
        self.left = 0  # bytes of deleted mailboxes that still leave

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            assert [str(finding) for finding in verify(self.kit) if finding.level == "error"] == []
            self.opened.__exit__(None, None, None)

    def used(self) -> int:
        return self.left + sum(size for box in self.boxes.values() for _, size in box.values())

    def arrive(self, path: str, flags: frozenset[str], size: int) -> int:
        uid = self.next[path]
        self.boxes[path][uid] = (flags, size)
        self.next[path] = uid + 1
        return uid

    def depart(self, path: str, uid: int) -> tuple[frozenset[str], int]:
        self.gone[path].add(uid)
        return self.boxes[path].pop(uid)

    @rule(path=BOXES, flags=st.frozensets(FLAGS), size=SIZES)
    def append(self, path: str, flags: frozenset[str], size: int) -> None:
        if path not in self.boxes:
            return
        raw = b"Subject: x\r\n\r\n" + b"x" * size
        if self.used() + len(raw) > QUOTA:
            with pytest.raises(OverQuota):
                self.kit.mailstore.append(self.account, raw, mailbox=path, flags=flags)
            return
        stored = self.kit.mailstore.append(self.account, raw, mailbox=path, flags=flags)
        assert stored.uid == self.arrive(path, flags, len(raw))

    @rule(path=BOXES, uids=PICK, add=st.frozensets(FLAGS), remove=st.frozensets(FLAGS))
    def update(self, path: str, uids: list[int], add: frozenset[str], remove: frozenset[str]) -> None:
        if path not in self.boxes:
            return
        there = [uid for uid in uids if uid in self.boxes[path]]
        assert self.kit.mailstore.update(self.account, path, Selection.of(uids), Change(add, remove)) == len(there)
        for uid in there:
            flags, size = self.boxes[path][uid]
            self.boxes[path][uid] = ((flags - remove) | add, size)

    @rule(path=BOXES, uids=PICK)
    def remove(self, path: str, uids: list[int]) -> None:
        if path not in self.boxes:
            return
        there = [uid for uid in uids if uid in self.boxes[path]]
        assert self.kit.mailstore.remove(self.account, path, Selection.of(uids)) == len(there)
        for uid in there:
            self.depart(path, uid)

    @rule(path=BOXES, into=BOXES, uids=PICK)
    def move(self, path: str, into: str, uids: list[int]) -> None:
        if path not in self.boxes or into not in self.boxes:
            return
        moved = self.kit.mailstore.move(self.account, path, Selection.of(uids), into)
        there = sorted(uid for uid in uids if uid in self.boxes[path])
        want = [(uid, self.arrive(into, *self.depart(path, uid))) for uid in there]
        assert [(one.old, one.new) for one in moved] == want

    @rule(path=BOXES, into=BOXES, uids=PICK)
    def copy(self, path: str, into: str, uids: list[int]) -> None:
        if path not in self.boxes or into not in self.boxes:
            return
        there = sorted(uid for uid in uids if uid in self.boxes[path])
        if self.used() + sum(self.boxes[path][uid][1] for uid in there) > QUOTA:
            with pytest.raises(OverQuota):
                self.kit.mailstore.copy(self.account, path, Selection.of(uids), into)
            return
        copied = self.kit.mailstore.copy(self.account, path, Selection.of(uids), into)
        want = [(uid, self.arrive(into, *self.boxes[path][uid])) for uid in there]
        assert [(one.old, one.new) for one in copied] == want

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
        self.left += sum(size for _, size in self.boxes.pop("Extra").values())

    @rule()
    def work(self) -> None:
        while self.kit.run_due():
            pass
        self.left = 0

    @rule(path=BOXES)
    def clear(self, path: str) -> None:
        if path in self.boxes:
            assert self.kit.mailstore.clear(self.account, path) == len(self.boxes[path])
            for uid in list(self.boxes[path]):
                self.depart(path, uid)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "boxes"):
            return
        kit, account = self.kit, self.account
        with kit.store.snapshot() as tx:
            rows = kit.mailstore.mailboxes(account, tx=tx)
            assert {row.path for row in rows} == self.boxes.keys()
            assert kit.quota.used(tx, account) == self.used()
            for row in rows:
                want = self.boxes[row.path]
                assert row.uid_next == self.next[row.path]
                assert row.total == len(want)
                assert row.unseen == sum("\\Seen" not in flags for flags, _ in want.values())
                assert row.size == sum(size for _, size in want.values())
                assert row.modseq >= self.modseq[row.path]
                told = kit.mailstore.changes(account, row.id, 0, tx=tx)
                assert {uid for _, uid in told.changed} == want.keys()
                assert {uid for _, uid in told.vanished} == self.gone[row.path]
                news = kit.mailstore.changes(account, row.id, self.modseq[row.path], tx=tx)
                assert bool(news.changed or news.vanished) == (row.modseq > self.modseq[row.path])
                self.modseq[row.path] = row.modseq
                page = kit.mailstore.list(account, row.id, limit=100, tx=tx)
                assert {e.uid: (frozenset(e.state.names), e.row.size) for e in page.items} == want


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


def test_mailboxes_are_what_the_model_says(places: Callable[[], str], request: pytest.FixtureRequest) -> None:
    class Placed(Model):
        def __init__(self) -> None:
            super().__init__()
            self.where = places()

    quick = "memory" in request.node.name
    how: Any = settings(
        max_examples=60 if quick else 6, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Placed, settings=how)
