"""What is particular to LMDB: groups, the map, processes. The contract suite judges the rest."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailkit.errors import AlreadyExists, Unavailable
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.backends.lmdb import LmdbStore

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LmdbStore]:
    with LmdbStore(tmp_path / "store") as store:
        yield store


def all_rows(store: LmdbStore) -> list[tuple[bytes, bytes]]:
    with store.snapshot() as tx:
        return list(tx.scan(b"", b"\xff"))


def run(script: str, *arguments: Any, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Runs Python code in another process; `arguments` are its sys.argv[1:]."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        check=check,
        capture_output=True,
        text=True,
        timeout=60,
        env=ENVIRONMENT,
    )


def queued_behind(store: LmdbStore, *fns: Callable[[Tx], Any]) -> list[Any]:
    """Runs the functions as one group, by holding the writer until all are queued; outcomes in their order."""
    started, release = threading.Event(), threading.Event()
    blocker = threading.Thread(target=store.transact, args=(lambda tx: (started.set(), release.wait(10)),))
    blocker.start()
    started.wait()
    outcomes: list[Any] = [None] * len(fns)

    def call(at: int) -> None:
        try:
            outcomes[at] = store.transact(fns[at])
        except Exception as error:
            outcomes[at] = error

    writer = store._usable().writer
    threads = []
    for at in range(len(fns)):
        threads.append(threading.Thread(target=call, args=(at,)))
        threads[-1].start()
        while writer._queue.qsize() <= at:
            time.sleep(0.001)
    release.set()
    for thread in (blocker, *threads):
        thread.join()
    return outcomes


def test_functions_that_queue_up_become_one_commit_and_see_each_other_in_order(store: LmdbStore) -> None:
    def add(tx: Tx) -> int:
        count = int(tx.get(b"n") or b"0") + 1
        tx.put(b"n", b"%d" % count)
        return count

    before = store.figures()["last_transaction"]
    assert queued_behind(store, *[add] * 20) == list(range(1, 21))
    assert store.figures()["last_transaction"] == before + 1


def test_a_function_that_raises_leaves_nothing_and_the_others_of_its_group_stand(store: LmdbStore) -> None:
    def fail(tx: Tx) -> None:
        tx.put(b"bad", b"1")
        tx.append(b"s", b"bad")
        raise LookupError("no")

    outcomes = queued_behind(
        store,
        lambda tx: (tx.put(b"a", b"1"), tx.append(b"s", b"a")),
        fail,
        lambda tx: (tx.put(b"b", b"1"), tx.append(b"s", b"b")),
    )
    assert isinstance(outcomes[1], LookupError)
    assert all_rows(store) == [(b"a", b"1"), (b"b", b"1")]
    with store.snapshot() as tx:
        assert list(tx.appended(b"s")) == [(1, b"a"), (2, b"b")]


def test_a_full_map_grows_and_the_group_runs_again(tmp_path: Path) -> None:
    with LmdbStore(tmp_path, map_size=1 << 17) as store:
        runs: list[int] = []

        def large(tx: Tx, at: int) -> int:
            runs.append(at)
            tx.put(b"%d" % at, b"x" * 50_000)
            return at

        outcomes = queued_behind(store, *[lambda tx, at=at: large(tx, at) for at in range(10)])
        assert outcomes == list(range(10))
        assert len(runs) > 10
        assert [len(value) for _, value in all_rows(store)] == [50_000] * 10


def test_at_the_last_map_size_only_what_does_not_fit_fails_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    def large(tx: Tx) -> None:
        tx.put(b"first", b"1")
        tx.put(b"large", b"x" * 2_000_000)

    def swallows(tx: Tx) -> str:
        tx.put(b"second", b"1")
        try:
            tx.put(b"large", b"x" * 2_000_000)
        except Exception:
            return "carried on"
        return "fitted"

    with LmdbStore(tmp_path, map_size=1 << 20, max_map_size=1 << 20) as store:
        outcomes = queued_behind(store, lambda tx: tx.put(b"a", b"1"), large, swallows, lambda tx: tx.put(b"b", b"1"))
        assert [getattr(outcome, "code", outcome) for outcome in outcomes] == [None, "store.full", "store.full", None]
        with pytest.raises(Unavailable):
            store.transact(large)
        assert all_rows(store) == [(b"a", b"1"), (b"b", b"1")]


def test_growth_by_another_process_is_followed_by_readers_and_writers(tmp_path: Path) -> None:
    grow = (
        "import sys; from mailkit.storage.backends.lmdb import LmdbStore\n"
        "with LmdbStore(sys.argv[1], map_size=1 << 20) as store:\n"
        "    for at in range(60): store.transact(lambda tx: tx.put(b'%03d' % at, b'x' * 100_000))\n"
    )
    with LmdbStore(tmp_path, map_size=1 << 20) as store:
        store.transact(lambda tx: tx.put(b"a", b"1"))
        run(grow, tmp_path)
        assert len(all_rows(store)) == 61
        run(grow.replace("x'", "y'").replace("60", "200"), tmp_path)
        store.transact(lambda tx: tx.put(b"b", b"1"))
        assert len(all_rows(store)) == 202


def test_a_snapshot_that_outlives_its_second_while_the_map_grows_is_refused(tmp_path: Path) -> None:
    with LmdbStore(tmp_path, map_size=1 << 20) as store:
        store.transact(lambda tx: tx.put(b"a", b"1"))
        with store.snapshot() as old:
            rows = old.scan(b"", b"\xff")
            store.transact(lambda tx: tx.put(b"large", b"x" * 2_000_000))
            with pytest.raises(Unavailable):
                old.get(b"a")
            with pytest.raises(Unavailable):
                next(rows)
        assert store.figures()["readers"] == 0


def test_snapshots_opened_while_the_map_grows_wait_for_it(tmp_path: Path) -> None:
    with LmdbStore(tmp_path, map_size=1 << 20) as store:
        store.transact(lambda tx: tx.put(b"000", b"1"))
        failures: list[BaseException] = []
        done = threading.Event()

        def read() -> None:
            try:
                while not done.is_set():
                    with store.snapshot() as tx:
                        assert tx.get(b"000") == b"1"
                        assert next(tx.scan(b"", b"\xff"))[0] == b"000"
            except BaseException as error:
                failures.append(error)

        readers = [threading.Thread(target=read) for _ in range(4)]
        for thread in readers:
            thread.start()
        for at in range(1, 60):
            store.transact(lambda tx, at=at: tx.put(b"%03d" % at, b"x" * 300_000))
        done.set()
        for thread in readers:
            thread.join()
        assert failures == []


def test_functions_that_raise_are_answered_while_other_threads_are_busy_reading(store: LmdbStore) -> None:
    store.transact(lambda tx: tx.put(b"a", b"1"))
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            with store.snapshot() as tx:
                tx.get(b"a")

    def fail(tx: Tx) -> None:
        tx.put(b"b", b"1")
        raise LookupError("no")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in readers:
        thread.start()
    for _ in range(5):
        with pytest.raises(LookupError):
            store.transact(fail)
    done.set()
    for thread in readers:
        thread.join()
    assert all_rows(store) == [(b"a", b"1")]


def test_transact_inside_a_transacts_function_is_refused_at_once(store: LmdbStore) -> None:
    with pytest.raises(RuntimeError, match="use the tx it was given"):
        store.transact(lambda tx: store.transact(lambda inner: inner.put(b"a", b"1")))
    with pytest.raises(RuntimeError, match="use the tx it was given"):
        store.transact(lambda tx: store.close())
    assert all_rows(store) == []


def test_stores_on_one_folder_share_an_environment_until_the_last_closes(tmp_path: Path) -> None:
    first, second = LmdbStore(tmp_path), LmdbStore(str(tmp_path) + "/.")
    first.transact(lambda tx: tx.put(b"a", b"1"))
    first.close()
    first.close()
    with pytest.raises(Unavailable):
        first.transact(lambda tx: None)
    with pytest.raises(Unavailable):
        first.snapshot()
    assert all_rows(second) == [(b"a", b"1")]
    with pytest.raises(ValueError):
        LmdbStore(tmp_path, sync=False)
    second.close()
    with LmdbStore(tmp_path, sync=False) as again:
        assert all_rows(again) == [(b"a", b"1")]


def test_opening_and_closing_from_many_threads_always_gives_a_working_store(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def work(at: int) -> None:
        try:
            for _ in range(20):
                with LmdbStore(tmp_path, sync=False) as store:
                    store.transact(lambda tx: tx.put(b"%d" % at, b"1"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path)
    started = threading.Event()

    def slow(tx: Tx) -> None:
        started.set()
        time.sleep(0.05)
        tx.put(b"slow", b"1")

    threads = [threading.Thread(target=store.transact, args=(slow,))]
    threads[0].start()
    started.wait()
    for at in range(5):
        threads.append(threading.Thread(target=store.transact, args=(lambda tx, at=at: tx.put(b"%d" % at, b"1"),)))
        threads[-1].start()
    while store._usable().writer._queue.qsize() < 5:
        time.sleep(0.001)
    store.close()
    for thread in threads:
        thread.join()
    with LmdbStore(tmp_path) as again:
        assert len(all_rows(again)) == 6


def test_an_open_snapshot_is_over_when_the_store_closes(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path)
    store.transact(lambda tx: tx.put(b"a", b"1"))
    with store.snapshot() as tx:
        store.close()
        with pytest.raises(Unavailable):
            tx.get(b"a")


def test_a_slow_function_is_reported_after_its_callers_were_answered(tmp_path: Path) -> None:
    reports: list[tuple[Any, float]] = []
    with LmdbStore(tmp_path, slow=lambda fn, seconds: reports.append((fn, seconds))) as store:

        def slow(tx: Tx) -> None:
            time.sleep(0.03)

        store.transact(slow)
        store.transact(lambda tx: None)
    assert [fn for fn, _ in reports] == [slow]
    assert reports[0][1] >= 0.03


def test_after_a_fork_the_parents_store_is_refused_and_the_child_may_open_its_own(store: LmdbStore) -> None:
    store.transact(lambda tx: tx.put(b"parent", b"1"))
    folder = store._usable().environment.folder
    snapshot = store.snapshot()
    snapshot.__enter__()
    child = os.fork()
    if not child:
        status = 1
        try:
            snapshot.__exit__(None, None, None)  # must not free the parent's slot
            with pytest.raises(Unavailable, match="open it again in the child"):
                store.transact(lambda tx: None)
            with LmdbStore(folder) as own:
                own.transact(lambda tx: tx.put(b"child", b"1"))
            store.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert store.figures()["oldest_reader_lag"] == 1
    snapshot.__exit__(None, None, None)
    store.transact(lambda tx: tx.put(b"after", b"1"))
    assert [key for key, _ in all_rows(store)] == [b"after", b"child", b"parent"]


def test_a_reader_killed_in_mid_snapshot_does_not_pin_pages_for_ever(store: LmdbStore) -> None:
    store.transact(lambda tx: tx.put(b"a", b"1"))
    run(
        "import os, sys; from mailkit.storage.backends.lmdb import LmdbStore\n"
        "store = LmdbStore(sys.argv[1]); store.snapshot().__enter__(); os.kill(os.getpid(), 9)\n",
        store._usable().environment.folder,
        check=False,
    )
    for _ in range(3):
        store.transact(lambda tx: tx.put(b"a", b"2"))
    assert store.figures()["oldest_reader_lag"] == 3
    store._usable().environment.clear_stale_readers(now=True)
    assert store.figures()["oldest_reader_lag"] == 0


def test_a_writer_killed_inside_its_transaction_does_not_block_others(store: LmdbStore) -> None:
    run(
        "import os, sys; from mailkit.storage.backends.lmdb import LmdbStore\n"
        "def die(tx): tx.put(b'dead', b'1'); os.kill(os.getpid(), 9)\n"
        "LmdbStore(sys.argv[1]).transact(die)\n",
        store._usable().environment.folder,
        check=False,
    )
    store.transact(lambda tx: tx.put(b"alive", b"1"))
    assert all_rows(store) == [(b"alive", b"1")]


def test_a_copy_made_while_writers_run_opens_with_one_consistent_state(store: LmdbStore, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        at = 0
        while not done.is_set():
            at += 1
            # two rows and an entry that always agree
            store.transact(
                lambda tx, at=at: (tx.put(b"a", b"%d" % at), tx.put(b"z", b"%d" % at), tx.append(b"s", b"%d" % at))
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            store.copy_to(tmp_path / f"copy{n}")
            with LmdbStore(tmp_path / f"copy{n}") as copy:
                with copy.snapshot() as tx:
                    entries = list(tx.appended(b"s"))
                    last = entries[-1][1] if entries else None
                    assert tx.get(b"a") == tx.get(b"z") == last
                    head = tx.head(b"s")
                copy.transact(lambda tx: tx.append(b"s", b"next"))
                with copy.snapshot() as tx:
                    assert [value for _, value in tx.appended(b"s", head)] == [b"next"]
    finally:
        done.set()
        writer.join()
    with pytest.raises(AlreadyExists):
        store.copy_to(tmp_path / "copy0")


def test_wait_notices_another_processs_append(store: LmdbStore) -> None:
    folder = store._usable().environment.folder
    store.transact(lambda tx: tx.append(b"other", b"1"))
    assert not store.wait(b"s", 0, 0.01)
    script = (
        "import sys; from mailkit.storage.backends.lmdb import LmdbStore\n"
        "LmdbStore(sys.argv[1]).transact(lambda tx: tx.append(b's', b'1'))"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(folder)], env=ENVIRONMENT)
    assert store.wait(b"s", 0, 30)
    assert writer.wait() == 0


def test_waiting_goes_on_while_the_map_grows_and_ends_when_the_store_closes(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path, map_size=1 << 16)
    outcomes: list[object] = []

    def wait() -> None:
        try:
            outcomes.append(store.wait(b"s", 0, 30))
        except Unavailable as refusal:
            outcomes.append(refusal.code)

    waiters = [threading.Thread(target=wait) for _ in range(4)]
    for waiter in waiters:
        waiter.start()
    for at in range(50):
        store.transact(lambda tx, at=at: (tx.put(b"%d" % at, b"x" * 30_000), tx.append(b"other", b"1")))
    store.close()
    for waiter in waiters:
        waiter.join()
    assert set(outcomes) <= {"store.closed", "snapshot.over"}


def test_async_callers_get_results_and_errors_and_may_go_away(store: LmdbStore) -> None:
    def fail(tx: Tx) -> None:
        raise LookupError("no")

    def stop(tx: Tx) -> None:
        raise StopIteration

    async def main() -> None:
        assert await asyncio.gather(*[store.atransact(lambda tx, n=n: n) for n in range(300)]) == list(range(300))
        with pytest.raises(LookupError):
            await store.atransact(fail)
        with pytest.raises(RuntimeError):
            await store.atransact(stop)
        gone = asyncio.ensure_future(store.atransact(lambda tx: (time.sleep(0.02), tx.put(b"gone", b"1"))))
        await asyncio.sleep(0.005)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await store.atransact(lambda tx: None)

    asyncio.run(main())
    assert all_rows(store) == [(b"gone", b"1")]

    async def leave() -> None:
        left = asyncio.ensure_future(store.atransact(lambda tx: (time.sleep(0.05), tx.put(b"left", b"1"))))
        await asyncio.sleep(0.005)
        left.cancel()

    asyncio.run(leave())
    store.transact(lambda tx: None)
    assert b"left" in dict(all_rows(store))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_survives_any_write_ahead_of_and_behind_it(store: LmdbStore, reverse: bool) -> None:
    keys = [b"%03d" % n for n in range(300)]
    store.transact(lambda tx: [tx.put(key, b"old") for key in keys])

    def rewrite(tx: Tx) -> list[bytes]:
        seen = []
        for key, _ in tx.scan(b"", b"\xff", reverse=reverse):
            seen.append(key)
            tx.delete(key)
            tx.put(b"%03d" % (int(key) // 2), b"new" * 300)
            tx.put(b"~" + key if reverse else b"!" + key, b"behind")
        return seen

    seen = store.transact(rewrite)
    assert len(set(seen)) == len(seen)
    assert set(seen) == set(keys)


def test_a_transaction_kept_beyond_its_function_refuses_to_read(store: LmdbStore) -> None:
    kept: list[ReadTx] = []
    store.transact(lambda tx: (tx.put(b"a", b"1"), kept.append(tx)))
    with pytest.raises(Unavailable):
        kept[0].get(b"b")
