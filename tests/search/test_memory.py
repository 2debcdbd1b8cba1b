"""What is kept in memory between searches never shows in a snapshot that hasn't it."""

import random
from typing import Any

import pytest
from attrs import evolve
from tests.search.test_store_index import Small

from mailkit.mailstore.follower import Added, Removed
from mailkit.mailstore.records import State
from mailkit.mime.parse import parse
from mailkit.search import memory, waiting
from mailkit.search.memory import Memory
from mailkit.search.merging import merge
from mailkit.search.query import ALL, Text
from mailkit.storage import keyspace
from mailkit.storage.api import Store, Tx
from mailkit.testing.contract.search import Walk


@pytest.fixture
def walk(store: Store) -> Walk:
    return Walk(Small(store), 1)


def words(*some: str) -> bytes:
    return ("Subject: x\r\n\r\n" + " ".join(some)).encode()


def total(walk: Walk, word: str) -> int:
    return len(walk.found(5, Text((word.encode(),))))


def test_words_of_a_transaction_that_failed_are_not_remembered(walk: Walk) -> None:
    """It searched in its own transaction, and the next message gets the same number."""
    index, store = walk.indexed.index, walk.indexed.store
    walk.add(5, words("first"))
    failing = _untold(walk, words("failed"))
    seen = []

    def fails(tx: Tx) -> None:
        index.changed(tx, failing)
        seen.append(index.find(tx, 5, Text((b"failed",))).total)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transact(fails)
    assert set(seen) == {1}
    walk.add(5, words("second"))
    assert (total(walk, "failed"), total(walk, "second"), total(walk, "first")) == (0, 1, 1)


def test_older_snapshot_is_answered_as_it_is(walk: Walk) -> None:
    index, store = walk.indexed.index, walk.indexed.store
    for n in range(4):
        walk.add(5, words("early", f"n{n}"))
    with store.snapshot() as before:
        assert index.find(before, 5, Text((b"early",))).total == 4
        for n in range(8):
            walk.add(5, words("early", "late", f"n{n}"))
        walk.indexed.settle()
        assert total(walk, "early") == 12
        assert total(walk, "late") == 8
        assert index.find(before, 5, Text((b"early",))).total == 4
        assert index.find(before, 5, Text((b"late",))).total == 0
        assert index.find(before, 5, ALL).total == 4
    assert total(walk, "early") == 12


def test_words_that_come_late_are_found(walk: Walk) -> None:
    """A message that was added without words and searched for, and then got them."""
    index, store = walk.indexed.index, walk.indexed.store
    walk.add(5, words("here"))
    known = evolve(_untold(walk, words("tardy")), described=None)
    described = index.describe(parse(words("tardy")))
    store.transact(lambda tx: index.changed(tx, known))
    assert total(walk, "tardy") == 0

    def settle(tx: Tx) -> None:
        waiting.rewrite(tx, 5, 1, known.row, described)
        tx.delete(keyspace.SEARCH_LATE.key(5, 1))

    store.transact(settle)
    assert total(walk, "tardy") == 1


def test_many_words_wait_in_pieces_and_are_found_one_by_one(walk: Walk) -> None:
    """More than one value of the store takes, even compressed."""
    index, store = walk.indexed.index, walk.indexed.store
    chance = random.Random(1)
    many = [f"{chance.randrange(1 << 60):x}" for _ in range(1_000)]
    walk.add(5, words("before"))
    walk.add(5, words(*many))
    walk.add(5, words("after"))
    with store.snapshot() as tx:
        assert len(list(tx.scan(*keyspace.SEARCH_DELTA.range(5)))) > 3
        assert [doc for doc, _ in waiting.scan(tx, 5, 0)] == [0, 1, 2]
        assert [doc for doc, _ in waiting.scan(tx, 5, 1, 2)] == [1]
    assert [total(walk, word) for word in (many[0], many[500], many[-1], "before", "after")] == [1] * 5
    fewer = _untold(walk, words("fewer"))
    assert fewer.described is not None
    store.transact(lambda tx: waiting.rewrite(tx, 5, 1, fewer.row, fewer.described or b""))
    with store.snapshot() as tx:
        assert len(list(tx.scan(*keyspace.SEARCH_DELTA.range(5)))) == 3
    index.memory = Memory()
    assert [total(walk, word) for word in (many[0], "fewer")] == [0, 1]


def test_pieces_of_words_go_with_their_message(walk: Walk) -> None:
    chance = random.Random(1)
    walk.add(5, words(*(f"{chance.randrange(1 << 60):x}" for _ in range(1_000))))
    ((account, mailbox, uid),) = walk.mail
    walk.tell(Removed(account, mailbox, uid))
    with walk.indexed.store.snapshot() as tx:
        assert list(tx.scan(*keyspace.SEARCH_DELTA.range(5))) == []


def _untold(walk: Walk, raw: bytes) -> Added:
    """A message that the index is not told of, nor the walk knows."""
    kept: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "tell", kept.append)
        before = dict(walk.mail)
        walk.add(5, raw)
        walk.mail = before
    return evolve(kept[0], state=State(modseq=1))


def test_memory_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("_HEADS", 12), ("_WAITING", 6), ("_STATES", 2)):
        monkeypatch.setattr(memory, name, most)
    walk = Walk(Small(store), 2)
    accounts = range(5, 10)
    for account in accounts:
        for _ in range(9):
            walk.add(account, walk.message())
        walk.indexed.settle()
    for _ in range(2):
        for account in accounts:
            assert walk.found(account, ALL) == walk.meant(account, ALL)
            query = walk.text()
            assert walk.found(account, query) == walk.meant(account, query)
    kept: Memory = walk.indexed.index.memory  # type: ignore[attr-defined]
    assert sum(len(head.docs) for head in kept._heads.values()) <= 12
    assert sum(len(recent.deltas) for _, recent in kept._recent.values()) <= 6
    assert len(kept._states) <= 2


def test_removed_messages_leave_with_the_merge(store: Store) -> None:
    small = Small(store)
    walk = Walk(small, 3)
    for _ in range(14):
        walk.add(5, walk.message())
    small.settle()
    for key in sorted(walk.mail)[::2]:
        walk.tell(Removed(*key))
        del walk.mail[key]
    for _ in range(5):
        walk.add(5, walk.message())
    while merge(store, small.index, 5, clock=small.clock):
        pass
    for _ in range(50):
        query = walk.query()
        assert walk.found(5, query) == walk.meant(5, query)
