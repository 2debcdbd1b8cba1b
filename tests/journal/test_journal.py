"""The journal: order, readers, retention, waiting."""

import threading
from itertools import pairwise

import pytest

from mailkit import journal
from mailkit.errors import Conflict, NotFound, ResyncNeeded
from mailkit.ids import new_id
from mailkit.journal import Entry, Retention
from mailkit.storage.api import Store

NOW = 1_700_000_000_000
HOUR = 3_600_000


def add(store: Store, *uids: int, at: int = NOW) -> None:
    for uid in uids:
        store.transact(lambda tx, uid=uid: journal.add(tx, Entry(kind="m.added", account=7, at=at, payload={"u": uid})))


def uids(store: Store, after: int = 0) -> list[int]:
    with store.snapshot() as tx:
        return [entry.payload["u"] for _, entry in journal.read(tx, after)]


def end(store: Store) -> int:
    with store.snapshot() as tx:
        return journal.head(tx)


def test_entries_come_back_whole_and_in_order(store: Store) -> None:
    made = [
        Entry(kind="message.added", account=7, at=NOW, payload={"id": bytes(new_id()), "flags": ["\\Seen"], "n": {}}),
        Entry(kind="settings.changed", at=NOW + 1),
    ]
    store.transact(lambda tx: journal.add(tx, *made))
    with store.snapshot() as tx:
        found = list(journal.read(tx))
    assert [entry for _, entry in found] == made
    assert all(a < b for (a, _), (b, _) in pairwise(found))


def test_an_id_in_a_payload_comes_back_as_its_bytes(store: Store) -> None:
    made = new_id()
    store.transact(lambda tx: journal.add(tx, Entry(kind="x", at=NOW, payload={"id": made})))
    with store.snapshot() as tx:
        assert [entry.payload for _, entry in journal.read(tx)] == [{"id": bytes(made)}]


def test_a_failed_transaction_leaves_no_entry(store: Store) -> None:
    def fails(tx) -> None:
        journal.add(tx, Entry(kind="x", at=NOW))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.transact(fails)
    assert uids(store) == []


def test_reading_goes_on_after_a_position_and_in_pages(store: Store) -> None:
    add(store, *range(10))
    with store.snapshot() as tx:
        first = list(journal.read(tx, limit=4))
        rest = list(journal.read(tx, first[-1][0]))
    assert [entry.payload["u"] for _, entry in first + rest] == list(range(10))


def test_a_reader_starts_at_the_end_and_misses_nothing_from_there(store: Store) -> None:
    add(store, 1, 2)
    store.transact(lambda tx: journal.register(tx, "hooks", now=NOW))
    add(store, 3)
    with store.snapshot() as tx:
        at = journal.position(tx, "hooks")
        assert journal.lag(tx, "hooks", now=NOW + 5000).waiting == 5000
    assert uids(store, at) == [3]
    store.transact(lambda tx: journal.advance(tx, "hooks", journal.head(tx), now=NOW))
    with store.snapshot() as tx:
        lag = journal.lag(tx, "hooks", now=NOW + 5000)
    assert lag.waiting == 0
    assert lag.position <= lag.head  # on PostgreSQL the head moves with every transaction


def test_registering_again_keeps_the_position(store: Store) -> None:
    add(store, 1)
    first = store.transact(lambda tx: journal.register(tx, "index", after=0, now=NOW))
    assert first == store.transact(lambda tx: journal.register(tx, "index", now=NOW)) == 0
    store.transact(lambda tx: journal.unregister(tx, "index"))
    with pytest.raises(NotFound) as caught, store.snapshot() as tx:
        journal.position(tx, "index")
    assert caught.value.code == "journal.reader_unknown"


def test_a_reader_never_moves_back(store: Store) -> None:
    add(store, 1, 2)
    last = store.transact(lambda tx: journal.register(tx, "hooks", now=NOW))
    with pytest.raises(Conflict) as caught:
        store.transact(lambda tx: journal.advance(tx, "hooks", last - 1, now=NOW))
    assert caught.value.code == "journal.reader_moved"


def test_effects_and_position_fall_together(store: Store, race) -> None:
    add(store, *range(20))
    store.transact(lambda tx: journal.register(tx, "sum", after=0, now=NOW))

    def work() -> None:
        def step(tx) -> bool:
            page = list(journal.read(tx, journal.position(tx, "sum"), limit=3))
            if page:
                total = int(tx.get(b"\x7fsum") or b"0") + sum(entry.payload["u"] for _, entry in page)
                tx.put(b"\x7fsum", b"%d" % total)
                journal.advance(tx, "sum", page[-1][0], now=NOW)
            return bool(page)

        while store.transact(step):
            pass

    race(work)
    with store.snapshot() as tx:
        assert tx.get(b"\x7fsum") == b"%d" % sum(range(20))


def trim(store: Store, now: int, *, limit: int = 2000) -> None:
    while store.transact(lambda tx: journal.trim(tx, now=now, retention=Retention(3 * HOUR, 48 * HOUR), limit=limit)):
        pass


def test_entries_live_three_hours_even_when_nobody_reads(store: Store) -> None:
    add(store, 1, 2, at=NOW)
    add(store, 3, at=NOW + HOUR)
    trim(store, NOW + 3 * HOUR)
    assert uids(store) == [1, 2, 3]
    trim(store, NOW + 3 * HOUR + 1)
    with store.snapshot() as tx, pytest.raises(ResyncNeeded) as caught:
        journal.read(tx, 0)
    assert uids(store, caught.value.fields["oldest"]) == [3]


def test_entries_wait_for_the_slowest_reader_but_not_for_ever(store: Store) -> None:
    add(store, 1, 2, 3, at=NOW)
    store.transact(lambda tx: journal.register(tx, "quick", now=NOW))
    store.transact(lambda tx: journal.register(tx, "slow", after=0, now=NOW))
    trim(store, NOW + 4 * HOUR)
    assert uids(store) == [1, 2, 3]
    with store.snapshot() as tx:
        second = list(journal.read(tx, limit=2))[-1][0]
    store.transact(lambda tx: journal.advance(tx, "slow", second, now=NOW))
    trim(store, NOW + 4 * HOUR)
    assert uids(store, second) == [3]
    trim(store, NOW + 49 * HOUR)
    with store.snapshot() as tx, pytest.raises(ResyncNeeded):
        journal.read(tx, journal.position(tx, "slow"))
    at = store.transact(lambda tx: journal.restart(tx, "slow", now=NOW))
    add(store, 4, at=NOW + 49 * HOUR)
    assert uids(store, at) == [4]


def test_long_journals_are_trimmed_in_short_steps(store: Store) -> None:
    add(store, *range(25), at=NOW)
    assert store.transact(lambda tx: journal.trim(tx, now=NOW + 200 * HOUR, limit=10))
    assert uids(store, _oldest(store)) == list(range(10, 25))
    trim(store, NOW + 200 * HOUR, limit=10)
    assert uids(store, _oldest(store)) == []
    add(store, 99, at=NOW + 200 * HOUR)
    assert uids(store, _oldest(store)) == [99]


def _oldest(store: Store) -> int:
    with store.snapshot() as tx:
        try:
            journal.read(tx, 0)
        except ResyncNeeded as gap:
            return int(gap.fields["oldest"])
    return 0


class _Plain:
    """A store without the capability to wait."""

    def __init__(self, store: Store) -> None:
        self.snapshot = store.snapshot


@pytest.mark.parametrize("wrap", [lambda store: store, _Plain], ids=["waits", "polls"])
def test_followers_get_what_comes(store: Store, wrap) -> None:
    after = end(store)
    assert journal.follow(wrap(store), after, timeout=0.01) == []
    later = threading.Timer(0.05, add, (store, 5))
    later.start()
    found = journal.follow(wrap(store), after, timeout=30)
    later.join()
    assert [entry.payload["u"] for _, entry in found] == [5]
