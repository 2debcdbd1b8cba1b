"""Searching through the whole platform, on every store: what happens to messages is found at once."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import Invalid
from mailkit.ids import Id
from mailkit.jobs import Step
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import Selection
from mailkit.principals.records import Principal
from mailkit.search import merging
from mailkit.search.apply import APPLY, apply_args
from mailkit.search.records import MANIFESTS
from mailkit.search.simple import Simple
from mailkit.storage import keyspace
from mailkit.storage.api import Store, Tx
from mailkit.verify import verify


def mail(n: int, text: str = "") -> bytes:
    return f"From: bob{n % 3}@example.net\r\nSubject: Number {n}\r\n\r\nword{n} common {text}\r\n".encode()


@pytest.fixture
def alice(kit: MailKit) -> Principal:
    kit.search.index.batch, kit.search.index.fan = 4, 2  # type: ignore[attr-defined]
    return kit.accounts.create("alice", address="alice@example.org")


def subjects(kit: MailKit, account: Id, query: str) -> list[str]:
    page = kit.search.find(account, query, limit=100)
    assert page.total == len(page.items)
    return sorted(result.row.subject for result in page.items)


def fill(kit: MailKit, account: Id, count: int) -> None:
    for n in range(count):
        kit.mailstore.append(account, mail(n))


def test_delivered_mail_is_found_at_once_and_by_nobody_else(kit: MailKit, alice: Principal) -> None:
    bob = kit.accounts.create("bob", address="bob@example.org")
    fill(kit, alice.id, 10)
    assert subjects(kit, alice.id, "word7") == ["Number 7"]
    kit.run_due()
    assert subjects(kit, alice.id, "word7") == ["Number 7"]
    assert kit.search.find(alice.id, "common").total == 10
    assert kit.search.find(bob.id, "common").total == 0


def test_flags_moves_copies_and_removals_are_found_at_once(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice.id, 10)
    kit.run_due()
    store = kit.mailstore
    store.update(alice.id, "INBOX", Selection.of([1]), Change(add=["\\Seen", "\\Flagged"]))
    assert subjects(kit, alice.id, "is:flagged") == ["Number 0"]
    store.move(alice.id, "INBOX", Selection.of([2]), "Trash", Change(add=["\\Seen"]))
    assert subjects(kit, alice.id, "in:trash common") == ["Number 1"]
    assert subjects(kit, alice.id, "is:read") == ["Number 0", "Number 1"]
    store.copy(alice.id, "INBOX", Selection.of([3]), "Trash")
    assert subjects(kit, alice.id, "word2") == ["Number 2", "Number 2"]
    store.remove(alice.id, "INBOX", Selection.of([3]))
    assert subjects(kit, alice.id, "word2") == ["Number 2"]
    store.clear(alice.id, "Trash")
    assert subjects(kit, alice.id, "in:trash") == []
    assert kit.search.find(alice.id, "common").total == 8
    store.renumber(alice.id)
    assert [result.uid > 10 for result in kit.search.find(alice.id, "common").items] == [True] * 8


def test_messages_of_a_deleted_mailbox_are_found_no_more(kit: MailKit, alice: Principal) -> None:
    box = kit.mailstore.create_mailbox(alice.id, Folder("Old"))
    for n in range(6):
        kit.mailstore.append(alice.id, mail(n), mailbox=box.id)
    kit.mailstore.append(alice.id, mail(9))
    kit.mailstore.delete_mailbox(alice.id, box.id)
    assert subjects(kit, alice.id, "common") == ["Number 9"]
    kit.run_due()
    assert subjects(kit, alice.id, "common") == ["Number 9"]
    assert list(verify(kit)) == []


def test_erased_account_leaves_nothing_of_its_index(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fill(kit, alice.id, 10)
    kit.accounts.delete(alice.id)
    clock.advance(days=15)
    kit.run_due()
    with kit.store.snapshot() as tx:
        assert list(tx.scan(*keyspace.account_range(alice.number))) == []


def test_pages_continue_behind_a_result(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice.id, 7)
    first = kit.search.find(alice.id, "common", limit=3)
    fill(kit, alice.id, 2)
    second = kit.search.find(alice.id, "common", limit=3, after=first.items[-1].at)
    assert [result.row.subject for result in first.items + second.items] == [f"Number {n}" for n in (6, 5, 4, 3, 2, 1)]
    back = kit.search.find(alice.id, "common", limit=3, after=second.items[0].at, backwards=True)
    assert [result.at for result in back.items] == [result.at for result in first.items]


def test_wrong_query_is_refused(kit: MailKit, alice: Principal) -> None:
    with pytest.raises(Invalid):
        kit.search.find(alice.id, "(lunch")


def test_search_and_update_touches_each_message_once(kit: MailKit, alice: Principal) -> None:
    fill(kit, alice.id, 10)
    junk = kit.mailstore.mailbox(alice.id, "Junk").id
    args = apply_args(alice.number, Simple(unseen=True, from_="bob1"), move_to=junk, seen=True, flagged=None)
    job = kit.transact(lambda tx: kit.jobs.schedule(tx, APPLY, args, due=kit.clock()))
    kit.run_due()
    with kit.store.snapshot() as tx:
        row = kit.jobs.get(tx, job)
    assert (row.state, row.progress["done"], row.progress["moved"]) == ("done", 3, 3)
    assert subjects(kit, alice.id, "in:junk is:read") == ["Number 1", "Number 4", "Number 7"]
    args = apply_args(alice.number, "from:bob2", move_to=None, seen=None, flagged=True)
    kit.transact(lambda tx: kit.jobs.schedule(tx, APPLY, args, due=kit.clock()))
    kit.run_due()
    assert subjects(kit, alice.id, "is:flagged") == ["Number 2", "Number 5", "Number 8"]


def _wreck(kit: MailKit, account: int) -> None:
    """Takes words, facts and a whole message out of the index."""

    def fn(tx: object) -> None:
        for space in (keyspace.SEARCH_BLOCK, keyspace.SEARCH_FACTS):
            for key, _ in list(tx.scan(*space.range(account))):  # type: ignore[attr-defined]
                if space is keyspace.SEARCH_BLOCK:
                    tx.delete(key)  # type: ignore[attr-defined]
        box = kit.mailstore.mailbox(account, "INBOX", tx=tx).id  # type: ignore[arg-type]
        tx.delete(keyspace.SEARCH_PLACE.key(account, box, 1))  # type: ignore[attr-defined]
        tx.delete(keyspace.SEARCH_DOC.key(account, 0))  # type: ignore[attr-defined]

    kit.store.transact(fn)


def test_rebuild_makes_the_index_whole_while_mail_flows(
    kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(kit, alice.id, 21)
    kit.run_due()
    kit.mailstore.update(alice.id, "INBOX", Selection.of([5]), Change(add=["\\Flagged"]))
    _wreck(kit, alice.number)
    assert subjects(kit, alice.id, "word7") == []
    kit.search.rebuild(alice.id)
    saves = 0
    save = Step.save

    def deliver_between(step: Step, tx: object, progress: dict[str, object]) -> None:
        nonlocal saves
        saves += 1
        save(step, tx, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Step, "save", deliver_between)
    delivered, runs = 21, 0
    while kit.jobs.run_due(kit.clock(), limit=1, stopping=_once()):
        runs += 1
        assert runs < 500
        if runs % 3 == 0 and runs < 60:
            kit.mailstore.append(alice.id, mail(delivered))
            assert kit.search.find(alice.id, f"word{delivered}").total == 1
            delivered += 1
    assert saves > 3
    for n in range(delivered):
        assert subjects(kit, alice.id, f"word{n}") == [f"Number {n}"]
    assert kit.search.find(alice.id, "common").total == delivered
    assert subjects(kit, alice.id, "is:flagged") == ["Number 4"]
    with kit.store.snapshot() as tx:
        manifest = MANIFESTS.get(tx, alice.number)
    assert manifest.outgoing == ()


def _once():  # type: ignore[no-untyped-def]
    """Says "go on" to who claims a job, and "stop" to the job itself."""
    asked = iter([False])
    return lambda: next(asked, True)


def _merge_for_ever(folder: str, account: int, started: Path) -> None:
    with MailKit.open(folder) as kit:
        kit.search.index.batch, kit.search.index.fan = 4, 2  # type: ignore[attr-defined]
        n = 1000
        while True:
            if n == 1040:
                started.touch()
            for _ in range(4):
                kit.mailstore.append(account, mail(n))
                n += 1
            while merging.merge(kit.store, kit.search.index, account, clock=kit.clock):  # type: ignore[arg-type]
                pass


def test_killed_merge_loses_nothing_and_the_next_one_sweeps(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    with MailKit.open(folder) as kit:
        account = kit.accounts.create("alice", address="alice@example.org").number
    spawn = multiprocessing.get_context("spawn")
    for round in range(3):
        started = tmp_path / f"started{round}"
        process = spawn.Process(target=_merge_for_ever, args=(folder, account, started))
        process.start()
        while not started.exists() and process.is_alive():
            time.sleep(0.01)
        time.sleep(0.13 * round)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    clock = FixedClock(int(time.time() * 1000) + 120_000)
    with MailKit.open(folder, clock=clock) as kit:
        kit.search.index.batch, kit.search.index.fan = 4, 2  # type: ignore[attr-defined]
        inbox = kit.mailstore.mailbox(account, "INBOX")
        assert inbox.total > 0
        assert kit.search.find(account, "common").total == inbox.total
        while merging.merge(kit.store, kit.search.index, account, clock=clock):  # type: ignore[arg-type]
            pass
        assert kit.search.find(account, "common").total == inbox.total
        assert kit.search.find(account, '"number 1000"').total == kit.search.find(account, "word1000").total > 0
        with kit.store.snapshot() as tx:
            listed = {segment.id for segment in MANIFESTS.get(tx, account).segments}
            for space in (keyspace.SEARCH_HEAD, keyspace.SEARCH_BLOCK):
                assert {space.parts(key)[1] for key, _ in tx.scan(*space.range(account))} == listed
        assert list(verify(kit)) == []


def segments(kit: MailKit, account: Principal) -> tuple[object, ...]:
    with kit.store.snapshot() as tx:
        manifest = MANIFESTS.find(tx, account.number)
    return () if manifest is None else manifest.segments


class Meanwhile:
    """A store in front of which something happens, once, before the first transaction."""

    def __init__(self, store: Store, act: Callable[[], object]) -> None:
        self._store, self._act = store, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def transact(self, fn: Callable[[Tx], Any]) -> Any:
        act, self._act = self._act, lambda: None
        act()
        return self._store.transact(fn)


@pytest.mark.parametrize("arrived", [4, 32])
def test_who_merges_what_somebody_else_has_merged_meanwhile_lets_it_be(
    kit: MailKit, alice: Principal, arrived: int
) -> None:
    """Both want to fold the same messages, or to join the same segments."""
    index: Any = kit.search.index
    index.batch, index.fan = 4, 8
    for n in range(arrived):
        kit.mailstore.append(alice.id, mail(n))
    while arrived == 32 and merging.merge(kit.store, index, alice.number, clock=kit.clock):
        if len(segments(kit, alice)) == 8:
            break

    def other() -> None:
        assert merging.merge(kit.store, index, alice.number, clock=kit.clock)

    slow: Any = Meanwhile(kit.store, other)
    assert not merging.merge(slow, index, alice.number, clock=kit.clock)
    assert kit.search.find(alice.id, "common").total == arrived
    assert list(verify(kit)) == []


def test_searches_never_lag_behind_acknowledged_mail(kit: MailKit, alice: Principal) -> None:
    """Two threads search, a third merges, while mail arrives: each sees at least what was there when it asked."""
    arrived, stop = 0, threading.Event()

    def search(word: str) -> int:
        asked = 0
        while not stop.is_set() or not asked:
            before = arrived
            assert kit.search.find(alice.id, word).total >= before
            assert before == 0 or kit.search.find(alice.id, f"word{before - 1} {word}").total == 1
            asked += 1
        return asked

    def fold() -> None:
        while not stop.is_set():
            merging.merge(kit.store, kit.search.index, alice.number, clock=kit.clock)  # type: ignore[arg-type]

    with ThreadPoolExecutor(3) as pool:
        works = [pool.submit(search, "common"), pool.submit(search, '"common"'), pool.submit(fold)]
        try:
            for n in range(60):
                kit.mailstore.append(alice.id, mail(n))
                arrived = n + 1
        finally:
            stop.set()
        for work in works:
            work.result()
    while merging.merge(kit.store, kit.search.index, alice.number, clock=kit.clock):  # type: ignore[arg-type]
        pass
    assert kit.search.find(alice.id, "common").total == 60
    assert list(verify(kit)) == []
