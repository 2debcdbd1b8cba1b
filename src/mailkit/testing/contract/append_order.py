"""Law 5: a reader that continues after the last position it has seen misses nothing, and sees the order of commits."""

import threading
import time

import pytest

from mailkit.storage.api import Store, Tx, Waits
from mailkit.testing.contract.changes import append, appends, do, put, trim
from mailkit.testing.contract.races import QUEUE, append_in_order
from mailkit.testing.contract.setting import Setting, together

__all__ = ["AppendOrderContract", "Follower"]

_PATIENCE = 60.0


class Follower:
    """Reads a space as journal readers do: in snapshots, a few entries at a time, after the last position seen."""

    def __init__(self, store: Store, space: bytes) -> None:
        self._store = store
        self._space = space
        self.after = 0
        self.values: list[bytes] = []

    def step(self, limit: int = 7) -> int:
        """Reads on; how many entries there were."""
        with self._store.snapshot() as tx:
            entries = list(tx.appended(self._space, self.after, limit=limit))
            head = tx.head(self._space)
        positions = [position for position, _ in entries]
        assert positions == sorted(set(positions))
        if entries:
            assert positions[0] > self.after
            assert positions[-1] <= head
            self.after = positions[-1]
        self.values += [value for _, value in entries]
        return len(entries)

    def until(self, count: int) -> list[bytes]:
        """Follows until `count` entries were seen, with patience."""
        deadline = time.monotonic() + _PATIENCE
        while len(self.values) < count:
            if not self.step():
                assert time.monotonic() < deadline, f"{len(self.values)} of {count} entries"
                time.sleep(0.002)
        assert self.step() == 0
        return self.values


class AppendOrderContract(Setting):
    """Append spaces."""

    def test_entries_come_in_the_order_of_their_commits(self, store: Store) -> None:
        for number in range(10):
            store.transact(appends(b"s", (b"%d%s" % (number, part) for part in (b"a", b"b"))))
        follower = Follower(store, b"s")
        assert follower.until(20) == [b"%d%s" % (number, part) for number in range(10) for part in (b"a", b"b")]

    def test_spaces_have_nothing_to_do_with_each_other_nor_with_keys(self, store: Store) -> None:
        spaces = [b"a", b"aa", b"b", b"\x00", b"\xff" * 32]
        store.transact(do(*(append(space, space) for space in spaces)))
        store.transact(put(b"a", b"row"))
        with store.snapshot() as tx:
            for space in spaces:
                assert [value for _, value in tx.appended(space)] == [space]
            assert list(tx.appended(b"c")) == []
            assert list(tx.scan(b"", b"\xff" * 512)) == [(b"a", b"row")]
        follower = Follower(store, b"a")
        follower.until(1)
        store.transact(trim(b"a", follower.after))
        with store.snapshot() as tx:
            assert list(tx.appended(b"a")) == []
            assert [value for _, value in tx.appended(b"aa")] == [b"aa"]

    @pytest.mark.parametrize("space", [b"", b"s" * 33], ids=["empty", "too long"])
    def test_an_illegal_name_is_refused(self, store: Store, space: bytes) -> None:
        with pytest.raises(ValueError):
            store.transact(append(space, b"1"))
        with pytest.raises(ValueError):
            store.transact(trim(space, 1))

    def test_a_reader_starts_where_it_says_and_gets_as_many_as_it_wants(self, store: Store) -> None:
        store.transact(appends(b"s", (b"%d" % number for number in range(9))))
        with store.snapshot() as tx:
            entries = list(tx.appended(b"s"))
            assert [value for _, value in entries] == [b"%d" % number for number in range(9)]
            for at, (position, _) in enumerate(entries):
                assert list(tx.appended(b"s", position)) == entries[at + 1 :]
                assert list(tx.appended(b"s", position, limit=2)) == entries[at + 1 : at + 3]
            assert list(tx.appended(b"s", limit=0)) == []

    def test_a_transaction_does_not_see_what_it_appends_itself(self, store: Store) -> None:
        store.transact(append(b"s", b"before"))

        def look(tx: Tx) -> list[bytes]:
            head = tx.head(b"s")
            tx.append(b"s", b"mine")
            assert tx.head(b"s") == head
            return [value for _, value in tx.appended(b"s")]

        assert store.transact(look) == [b"before"]
        assert Follower(store, b"s").until(2) == [b"before", b"mine"]

    def test_what_comes_after_the_head_is_above_it_and_what_was_before_is_not(self, store: Store) -> None:
        with store.snapshot() as tx:
            empty = tx.head(b"s")
        store.transact(append(b"s", b"1"))
        with store.snapshot() as tx:
            assert [value for _, value in tx.appended(b"s", empty)] == [b"1"]
            head = tx.head(b"s")
            assert list(tx.appended(b"s", head)) == []
        store.transact(append(b"s", b"2"))
        with store.snapshot() as tx:
            assert [value for _, value in tx.appended(b"s", head)] == [b"2"]

    def test_trimming_removes_what_was_read_and_never_takes_a_position_back(self, store: Store) -> None:
        store.transact(appends(b"s", (b"%d" % number for number in range(5))))
        with store.snapshot() as tx:
            positions = [position for position, _ in tx.appended(b"s")]
        store.transact(trim(b"s", positions[2]))
        with store.snapshot() as tx:
            assert [position for position, _ in tx.appended(b"s")] == positions[3:]
        store.transact(trim(b"s", positions[-1]))
        store.transact(trim(b"s", 0))
        store.transact(trim(b"s", 1 << 40))  # of what is there, all; of what comes, nothing
        with store.snapshot() as tx:
            assert list(tx.appended(b"s")) == []
            assert tx.head(b"s") >= positions[-1]
        store.transact(append(b"s", b"next"))
        with store.snapshot() as tx:
            entries = list(tx.appended(b"s"))
        assert [(position > positions[-1], value) for position, value in entries] == [(True, b"next")]

    def test_a_row_and_its_entry_are_one_transaction(self, plain_store: Store) -> None:
        """An entry that a reader sees tells of rows that the same snapshot has."""
        done = threading.Event()
        rounds = 50 * self.effort

        def work(number: int) -> None:
            if number:
                try:
                    for turn in range(rounds):
                        key = b"%d-%d" % (number, turn)
                        plain_store.transact(do(append(b"s", key), put(key, b"1")))
                finally:
                    done.set()
                return
            after = 0
            while not done.is_set():
                with plain_store.snapshot() as tx:
                    for position, key in tx.appended(b"s", after):
                        assert tx.get(key) == b"1"
                        after = position

        together(3, work)

    def test_a_reader_that_follows_eight_writers_misses_nothing_and_sees_the_order_of_commits(
        self, plain_store: Store
    ) -> None:
        rounds = 25 * self.effort
        follower = Follower(plain_store, QUEUE)

        def work(number: int) -> list[int]:
            if number:
                return append_in_order(plain_store, number, rounds)
            follower.until(8 * rounds)
            return []

        numbers = together(9, work)
        assert sorted(n for mine in numbers for n in mine) == list(range(1, 8 * rounds + 1))
        assert [int(value.split()[0]) for value in follower.values] == list(range(1, 8 * rounds + 1))

    def test_waiting_ends_when_there_is_something_to_read(self, plain_store: Store) -> None:
        """For stores that can; on others there is nothing to ask."""
        store = plain_store
        if not isinstance(store, Waits):
            return
        assert not store.wait(b"s", 0, 0.01)
        plain_store.transact(append(b"other", b"1"))
        assert not store.wait(b"s", 0, 0.01)

        def work(number: int) -> bool:
            if number:
                return store.wait(b"s", 0, _PATIENCE)
            time.sleep(0.05)
            plain_store.transact(append(b"s", b"1"))
            return True

        assert together(3, work) == [True] * 3
        assert store.wait(b"s", 0, 0)
        follower = Follower(plain_store, b"s")
        follower.until(1)
        assert not store.wait(b"s", follower.after, 0.01)
