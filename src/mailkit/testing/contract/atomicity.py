"""Laws 3 and 4: all of a transaction or nothing, its result or its error, from threads and from an event loop."""

import asyncio
import threading

import pytest

from mailkit.errors import AlreadyExists, Unavailable
from mailkit.storage.api import Store, Tx
from mailkit.testing.contract.changes import append, deletes, do, put
from mailkit.testing.contract.setting import Setting, all_rows, together

__all__ = ["AtomicityContract"]


class AtomicityContract(Setting):
    """All or nothing."""

    def test_the_functions_result_is_returned_and_its_writes_are_kept(self, store: Store) -> None:
        result = store.transact(lambda tx: (put(b"a", b"1")(tx), {"any": ["thing", tx.get(b"a")]})[1])
        assert result == {"any": ["thing", b"1"]}
        assert all_rows(store) == [(b"a", b"1")]

    def test_a_function_that_raises_leaves_nothing_of_what_it_did(self, store: Store) -> None:
        store.transact(do(put(b"kept", b"1"), put(b"deleted", b"1"), append(b"s", b"1")))
        refusal = AlreadyExists("address.exists", address="alice@example.org")

        def fail(tx: Tx) -> None:
            tx.put(b"kept", b"2")
            tx.delete(b"deleted")
            tx.put(b"new", b"1")
            tx.append(b"s", b"2")
            tx.trim(b"s", 1 << 40)
            raise refusal

        with pytest.raises(AlreadyExists) as caught:
            store.transact(fail)
        assert caught.value.code == "address.exists"
        assert dict(caught.value.fields) == {"address": "alice@example.org"}
        assert all_rows(store) == [(b"deleted", b"1"), (b"kept", b"1")]
        with store.snapshot() as tx:
            assert [value for _, value in tx.appended(b"s")] == [b"1"]

    def test_failures_among_successes_change_nothing_for_them(self, plain_store: Store) -> None:
        """From many threads, so that a store which groups its commits has mixed groups."""

        def work(number: int) -> None:
            for turn in range(20 * self.effort):
                key = b"%d-%d" % (number, turn)

                def change(tx: Tx, key: bytes = key, fails: bool = (number + turn) % 3 == 0) -> None:
                    tx.put(key, b"1")
                    tx.append(b"s", key)
                    if fails:
                        raise LookupError

                try:
                    plain_store.transact(change)
                except LookupError:
                    assert (number + turn) % 3 == 0
                else:
                    assert (number + turn) % 3

        together(8, work)
        expected = {b"%d-%d" % (n, turn) for n in range(8) for turn in range(20 * self.effort) if (n + turn) % 3}
        assert {key for key, _ in all_rows(plain_store)} == expected
        with plain_store.snapshot() as tx:
            assert sorted(value for _, value in tx.appended(b"s")) == sorted(expected)

    def test_many_writes_in_one_transaction(self, store: Store) -> None:
        count = 3_000

        def fill(tx: Tx) -> None:
            for number in range(count):
                tx.put(b"%d" % number, b"x" * (number % 100))

        store.transact(fill)
        assert len(all_rows(store)) == count
        store.transact(lambda tx: deletes(key for key, _ in tx.scan(b"", b"\xff"))(tx))
        assert all_rows(store) == []

    def test_the_same_from_an_event_loop(self, store: Store) -> None:
        def fail(tx: Tx) -> None:
            tx.put(b"failed", b"1")
            raise LookupError

        def add(tx: Tx) -> int:
            count = int(tx.get(b"n") or b"0") + 1
            tx.put(b"n", b"%d" % count)
            return count

        async def main() -> None:
            counted = await asyncio.gather(*[store.atransact(add) for _ in range(50)])
            assert sorted(counted) == list(range(1, 51))
            with pytest.raises(LookupError):
                await store.atransact(fail)

        asyncio.run(main())
        assert all_rows(store) == [(b"n", b"50")]

    def test_an_event_loop_goes_on_while_a_transaction_runs(self, plain_store: Store) -> None:
        release = threading.Event()

        async def main() -> bool:
            # the function waits until the loop has gone on; or it gives up, and this fails
            running = asyncio.ensure_future(plain_store.atransact(lambda tx: release.wait(30)))
            await asyncio.sleep(0.01)
            release.set()
            return await running

        assert asyncio.run(main())

    def test_a_cancelled_caller_leaves_the_store_in_order(self, plain_store: Store) -> None:
        async def main() -> None:
            calls = [asyncio.ensure_future(plain_store.atransact(put(b"%d" % n, b"1"))) for n in range(20)]
            await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            await plain_store.atransact(put(b"last", b"1"))

        asyncio.run(main())
        keys = {key for key, _ in all_rows(plain_store)}
        assert keys >= {b"last", *(b"%d" % n for n in range(1, 20, 2))}

    def test_closing_twice_is_harmless_and_any_use_afterwards_is_refused(self, plain_store: Store) -> None:
        plain_store.transact(put(b"a", b"1"))
        plain_store.close()
        plain_store.close()
        with pytest.raises(Unavailable):
            plain_store.transact(put(b"a", b"2"))
        with pytest.raises(Unavailable):
            asyncio.run(plain_store.atransact(put(b"a", b"2")))
        with pytest.raises(Unavailable), plain_store.snapshot() as tx:
            tx.get(b"a")
        with pytest.raises(Unavailable), plain_store.transaction() as tx:
            tx.put(b"a", b"2")
