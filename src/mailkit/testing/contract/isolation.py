"""Law 2: a transaction sees one state and its own writes; what is committed is seen by all who begin later."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailkit.storage.api import Store, Tx
from mailkit.testing.contract.changes import append, delete, do, put, puts
from mailkit.testing.contract.setting import EVERYTHING, Setting, all_rows, together

__all__ = ["IsolationContract"]


class IsolationContract(Setting):
    """Who sees what."""

    def test_a_transaction_sees_its_own_writes(self, store: Store) -> None:
        store.transact(puts((key, b"0") for key in (b"a", b"b", b"c")))

        def change(tx: Tx) -> None:
            tx.put(b"b", b"1")
            tx.put(b"bb", b"1")
            tx.delete(b"c")
            tx.put(b"d", b"1")
            tx.delete(b"d")
            assert (tx.get(b"a"), tx.get(b"b"), tx.get(b"c"), tx.get(b"d")) == (b"0", b"1", None, None)
            expected = [(b"a", b"0"), (b"b", b"1"), (b"bb", b"1")]
            assert list(tx.scan(*EVERYTHING)) == expected
            assert list(tx.scan(*EVERYTHING, reverse=True)) == expected[::-1]
            assert list(tx.scan(b"b", b"c", limit=1)) == expected[1:2]

        store.transact(change)
        with store.transaction() as tx:
            tx.put(b"b", b"0")
            tx.delete(b"bb")
            change(tx)

    def test_an_open_transactions_writes_are_nobody_elses(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put(b"a", b"1")
            assert all_rows(store) == []
            with store.snapshot() as snapshot:
                assert snapshot.get(b"a") is None
        assert all_rows(store) == [(b"a", b"1")]

    def test_a_snapshot_stays_what_it_was(self, store: Store) -> None:
        store.transact(puts((b"%d" % number, b"old") for number in range(10)))
        store.transact(append(b"s", b"old"))
        with store.snapshot() as before:
            rows = before.scan(*EVERYTHING)
            first = next(rows)
            store.transact(puts((b"%d" % number, b"new") for number in range(5, 15)))
            store.transact(do(delete(b"1"), append(b"s", b"new")))
            assert [first, *rows] == [(b"%d" % number, b"old") for number in range(10)]
            assert before.get(b"1") == b"old"
            assert before.get(b"12") is None
            assert [value for _, value in before.appended(b"s")] == [b"old"]
            with store.snapshot() as now:
                assert now.get(b"1") is None
                assert now.get(b"12") == b"new"

    def test_a_snapshot_that_begins_after_a_commit_sees_it_in_every_thread(self, plain_store: Store) -> None:
        def read() -> bytes | None:
            with plain_store.snapshot() as tx:
                return tx.get(b"n")

        with ThreadPoolExecutor(3) as pool:
            for number in range(100 * self.effort):
                value = b"%d" % number
                plain_store.transact(put(b"n", value))
                assert read() == value
                assert [future.result() for future in [pool.submit(read) for _ in range(3)]] == [value] * 3

    def test_no_reader_ever_sees_half_of_a_transfer(self, plain_store: Store) -> None:
        accounts, total = 6, 600
        rounds = 40 * self.effort
        plain_store.transact(puts((b"%d" % n, b"%d" % (total // accounts)) for n in range(accounts)))

        def transfer(source: bytes, target: bytes, amount: int) -> Callable[[Tx], None]:
            def move(tx: Tx) -> None:
                have = int(tx.get(source) or b"0")
                tx.put(source, b"%d" % (have - amount))
                tx.put(target, b"%d" % (int(tx.get(target) or b"0") + amount))

            return move

        def work(number: int) -> None:
            for turn in range(rounds):
                if number < 4:
                    source, target = (number + turn) % accounts, (number * 2 + turn * 5 + 1) % accounts
                    if source != target:
                        plain_store.transact(transfer(b"%d" % source, b"%d" % target, turn % 7))
                else:
                    with plain_store.snapshot() as tx:
                        amounts = [int(value) for _, value in tx.scan(*EVERYTHING)]
                        again = [int(tx.get(b"%d" % n) or b"0") for n in range(accounts)]
                    assert sum(amounts) == total
                    assert again == amounts

        together(6, work)
        assert sum(int(value) for _, value in all_rows(plain_store)) == total

    def test_a_transaction_reads_one_state_however_long_it_takes(self, store: Store) -> None:
        store.transact(puts((b"%d" % number, b"0") for number in range(4)))
        with store.transaction() as tx:
            first = tx.get(b"0")
            store.transact(puts((b"%d" % number, b"1") for number in range(5)))
            assert [value for _, value in tx.scan(*EVERYTHING)] == [first] * 4
            assert tx.get(b"4") is None

    @pytest.mark.parametrize("reading", [True, False], ids=["a reader", "an empty transaction"])
    def test_a_transaction_that_only_reads_commits(self, store: Store, reading: bool) -> None:
        with store.transaction() as tx:
            if reading:
                assert tx.get(b"a") is None
        assert store.transact(lambda tx: tx.get(b"a")) is None
