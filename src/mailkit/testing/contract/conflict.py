"""Laws 2 and 3: transactions that cannot have run one after the other do not both commit.

A store may refuse more than it must. What is refused here is refused by any serialisable store: each case is a circle
in which every transaction would have to come before the other.
"""

import threading
from collections.abc import Callable

import pytest

from mailkit.errors import Conflict
from mailkit.storage.api import Store, Tx
from mailkit.testing.contract.changes import delete, do, put
from mailkit.testing.contract.races import claim_names, spend_quota
from mailkit.testing.contract.setting import Setting, all_rows, together

__all__ = ["ConflictContract"]


def refused(store: Store, reads: Callable[[Tx], object], meanwhile: Callable[[Tx], object]) -> bool:
    """An open transaction reads and then writes `mine`; `meanwhile` commits in between. Did it lose?"""
    try:
        with store.transaction() as tx:
            reads(tx)
            store.transact(meanwhile)
            tx.put(b"mine", b"1")
            tx.append(b"s", b"mine")
    except Conflict:
        return True
    return False


class ConflictContract(Setting):
    """Who loses."""

    def test_an_update_is_not_lost(self, plain_store: Store) -> None:
        plain_store.transact(put(b"n", b"1"))
        with pytest.raises(Conflict), plain_store.transaction() as tx:
            count = int(tx.get(b"n") or b"0")
            plain_store.transact(put(b"n", b"5"))
            tx.put(b"n", b"%d" % (count + 1))
        assert all_rows(plain_store) == [(b"n", b"5")]

    @pytest.mark.parametrize(
        ("reads", "changes"),
        [
            (lambda tx: tx.get(b"k"), put(b"k", b"2")),
            (lambda tx: tx.get(b"k"), delete(b"k")),
            (lambda tx: tx.get(b"absent"), put(b"absent", b"2")),
            (lambda tx: list(tx.scan(b"a", b"z")), put(b"k", b"2")),
            (lambda tx: list(tx.scan(b"a", b"z")), delete(b"k")),
            (lambda tx: list(tx.scan(b"a", b"z")), put(b"b", b"2")),
            (lambda tx: list(tx.scan(b"a", b"z", reverse=True)), put(b"y", b"2")),
            (lambda tx: list(tx.scan(b"p", b"q")), put(b"pp", b"2")),
            (lambda tx: list(tx.scan(b"a", b"z", limit=1)), put(b"b", b"2")),
            (lambda tx: list(tx.scan(b"a", b"z", limit=1, reverse=True)), put(b"y", b"2")),
            (lambda tx: next(tx.scan(b"a", b"z")), delete(b"k")),
        ],
        ids=[
            "changed key",
            "deleted key",
            "key that was absent",
            "changed row of a range",
            "deleted row of a range",
            "new row of a range",
            "new row of a range read backwards",
            "new row of an empty range",
            "new row before the only one wanted",
            "new row behind the only one wanted, backwards",
            "row at which a scan was left",
        ],
    )
    def test_what_was_read_and_changed_by_one_that_read_what_is_written_here(
        self, plain_store: Store, reads: Callable[[Tx], object], changes: Callable[[Tx], object]
    ) -> None:
        plain_store.transact(put(b"k", b"1"))

        def meanwhile(tx: Tx) -> None:
            assert tx.get(b"mine") is None  # so it comes before; and what it changes was read, so it comes after
            changes(tx)

        assert refused(plain_store, reads, meanwhile)
        assert b"mine" not in dict(all_rows(plain_store))
        with plain_store.snapshot() as tx:
            assert list(tx.appended(b"s")) == []

    def test_two_that_each_read_what_the_other_writes_do_not_both_commit(self, plain_store: Store) -> None:
        plain_store.transact(do(put(b"a", b"on call"), put(b"b", b"on call")))
        lost = 0
        try:
            with plain_store.transaction() as first:
                assert first.get(b"b") == b"on call"
                try:
                    with plain_store.transaction() as second:
                        assert second.get(b"a") == b"on call"
                        second.put(b"b", b"off")
                except Conflict:
                    lost += 1
                first.put(b"a", b"off")
        except Conflict:
            lost += 1
        assert lost == 1
        assert sorted(value for _, value in all_rows(plain_store)) == [b"off", b"on call"]

    def test_a_conflict_that_the_function_itself_raises_is_for_the_caller(self, store: Store) -> None:
        def give_up(tx: Tx) -> None:
            tx.put(b"a", b"1")
            raise Conflict("blob.condemned")

        with pytest.raises(Conflict) as caught:
            store.transact(give_up)
        assert caught.value.code == "blob.condemned"
        assert all_rows(store) == []

    def test_an_open_transaction_that_is_left_by_an_exception_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(LookupError), store.transaction() as tx:
            tx.put(b"a", b"1")
            tx.append(b"s", b"1")
            raise LookupError
        assert all_rows(store) == []
        with store.snapshot() as snapshot:
            assert list(snapshot.appended(b"s")) == []

    def test_eight_threads_count_to_the_sum(self, plain_store: Store) -> None:
        rounds = 25 * self.effort

        def count(tx: Tx) -> int:
            number = int(tx.get(b"n") or b"0") + 1
            tx.put(b"n", b"%d" % number)
            return number

        counted = together(8, lambda _: [plain_store.transact(count) for _ in range(rounds)])
        assert sorted(number for numbers in counted for number in numbers) == list(range(1, 8 * rounds + 1))

    def test_of_eight_threads_one_gets_each_name(self, plain_store: Store) -> None:
        names = 20 * self.effort
        won = together(8, lambda number: claim_names(plain_store, number, names))
        assert sorted(name for mine in won for name in mine) == list(range(names))

    def test_eight_threads_never_store_more_than_the_quota(self, plain_store: Store) -> None:
        limit = 5_000 * self.effort
        stored = together(8, lambda number: spend_quota(plain_store, number, limit))
        assert sum(map(sum, stored)) == limit  # the smallest piece is one byte: they go on until nothing is left

    def test_open_transactions_in_threads_lose_or_count(self, plain_store: Store) -> None:
        rounds = 10 * self.effort
        lost = threading.Semaphore(0)

        def work(_: int) -> int:
            won = 0
            for _ in range(rounds):
                try:
                    with plain_store.transaction() as tx:
                        number = int(tx.get(b"n") or b"0") + 1
                        tx.put(b"n", b"%d" % number)
                    won += 1
                except Conflict:
                    lost.release()
            return won

        won = together(4, work)
        assert all_rows(plain_store) == [(b"n", b"%d" % sum(won))]
