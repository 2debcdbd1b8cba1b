"""The same laws between processes."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from mailkit.storage.api import Store, Waits
from mailkit.testing.contract.append_order import Follower
from mailkit.testing.contract.changes import do, put
from mailkit.testing.contract.races import QUEUE, append_in_order, claim_names, spend_quota
from mailkit.testing.contract.setting import Setting, all_rows, together

__all__ = ["ProcessContract"]

_PROCESSES = 2
_THREADS = 4


class ProcessContract(Setting):
    """Two processes with four threads each."""

    def test_each_name_goes_to_one_of_two_processes(self, open_store: Callable[[], Store]) -> None:
        names = 40 * self.effort
        won = [name for mine in _race(open_store, claim_names, names) for name in mine]
        assert sorted(won) == list(range(names))

    def test_two_processes_never_store_more_than_the_quota(self, open_store: Callable[[], Store]) -> None:
        limit = 5_000 * self.effort
        assert sum(map(sum, _race(open_store, spend_quota, limit))) == limit

    def test_a_reader_that_follows_two_processes_misses_nothing_and_sees_the_order_of_commits(
        self, open_store: Callable[[], Store]
    ) -> None:
        rounds = 50 * self.effort
        total = rounds * _PROCESSES * _THREADS
        store = open_store()
        try:
            follower = Follower(store, QUEUE)

            def work(number: int) -> list[list[int]]:
                if number:
                    return _race(open_store, append_in_order, rounds)
                follower.until(total)
                return []

            _, numbers = together(2, work)
            assert sorted(n for mine in numbers for n in mine) == list(range(1, total + 1))
            assert [int(value.split()[0]) for value in follower.values] == list(range(1, total + 1))
        finally:
            store.close()

    def test_a_commit_is_seen_in_another_process_as_soon_as_it_is_acknowledged(
        self, open_store: Callable[[], Store]
    ) -> None:
        store = open_store()
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        child = context.Process(target=_echo, args=(open_store, there))
        child.start()
        try:
            for number in range(50 * self.effort):
                value = b"%d" % number
                store.transact(put(b"ours", value))
                here.send(value)
                seen, theirs = here.recv()
                assert seen == value
                with store.snapshot() as tx:
                    assert tx.get(b"theirs") == theirs
        finally:
            here.send(None)
            child.join()
            store.close()
        assert child.exitcode == 0

    def test_waiting_ends_with_another_processs_append(self, open_store: Callable[[], Store]) -> None:
        """For stores that can; on others there is nothing to ask."""
        store = open_store()
        try:
            if isinstance(store, Waits):
                with _pool(open_store, 1) as pool:
                    appending = pool.submit(_racing, append_in_order, 0, 1)
                    assert store.wait(QUEUE, 0, 60)
                    appending.result()
        finally:
            store.close()

    def test_a_process_killed_in_mid_transaction_leaves_nothing_and_holds_nobody_up(
        self, open_store: Callable[[], Store]
    ) -> None:
        store = open_store()
        try:
            store.transact(put(b"a", b"1"))
            child = multiprocessing.get_context("spawn").Process(target=_die_inside, args=(open_store,))
            child.start()
            child.join()
            assert child.exitcode == -signal.SIGKILL
            store.transact(put(b"c", b"1"))
            assert all_rows(store) == [(b"a", b"1"), (b"c", b"1")]
        finally:
            store.close()


_store: Store  # a pool's worker opens it once


def _open_in_worker(open_store: Callable[[], Store]) -> None:
    global _store
    _store = open_store()


def _pool(open_store: Callable[[], Store], processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_open_in_worker, initargs=(open_store,)
    )


def _racing(work: Callable[[Store, int, int], list[int]], process: int, amount: int) -> list[list[int]]:
    if process == -1:  # only to have the worker up before the race begins
        time.sleep(0.2)
        return []
    return together(_THREADS, lambda thread: work(_store, process * _THREADS + thread, amount))


def _race(
    open_store: Callable[[], Store], work: Callable[[Store, int, int], list[int]], amount: int
) -> list[list[int]]:
    """Runs `work(store, racer, amount)` in all threads of all processes at once."""
    with _pool(open_store, _PROCESSES) as pool:
        for ready in [pool.submit(_racing, work, -1, 0) for _ in range(_PROCESSES)]:
            ready.result()
        futures: list[Future[list[list[int]]]] = [
            pool.submit(_racing, work, process, amount) for process in range(_PROCESSES)
        ]
        return [mine for future in futures for mine in future.result()]


def _echo(open_store: Callable[[], Store], there: Any) -> None:
    """Answers what it sees, and writes the same under another key."""
    store = open_store()
    while (value := there.recv()) is not None:
        with store.snapshot() as tx:
            seen = tx.get(b"ours")
        store.transact(put(b"theirs", value))
        there.send((seen, value))
    store.close()


def _die_inside(open_store: Callable[[], Store]) -> None:
    store = open_store()
    threading.Timer(30, os._exit, (1,)).start()
    with store.transaction() as tx:
        tx.get(b"a")
        tx.put(b"b", b"1")
        tx.append(QUEUE, b"1")
        store.transact(do(put(b"b", b"2"), lambda _: os.kill(os.getpid(), signal.SIGKILL)))
