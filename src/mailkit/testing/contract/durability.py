"""Law 4: what was acknowledged is there, whatever happens to the process."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from mailkit.storage.api import Store, Tx
from mailkit.testing.contract.append_order import Follower
from mailkit.testing.contract.changes import append, appends, do, put, trim
from mailkit.testing.contract.races import QUEUE, append_in_order
from mailkit.testing.contract.setting import Setting, all_rows

__all__ = ["DurableContract"]


class DurableContract(Setting):
    """Opening again finds everything."""

    def test_what_was_committed_is_there_after_closing_and_opening(self, open_store: Callable[[], Store]) -> None:
        positions: list[int] = []
        for turn in range(3):
            store = open_store()
            assert len(all_rows(store)) == turn
            store.transact(do(put(b"%d" % turn, b"1"), append(b"s", b"%d" % turn)))
            with store.snapshot() as tx:
                entries = list(tx.appended(b"s"))
            assert [value for _, value in entries] == [b"%d" % number for number in range(turn + 1)]
            positions.append(entries[-1][0])
            store.transact(trim(b"t", 1 << 40))
            store.close()
        assert positions == sorted(set(positions))

    def test_a_trimmed_space_goes_on_above_its_old_positions_after_opening_again(
        self, open_store: Callable[[], Store]
    ) -> None:
        store = open_store()
        store.transact(appends(b"s", [b"old"] * 5))
        with store.snapshot() as tx:
            last = max(position for position, _ in tx.appended(b"s"))
        store.transact(trim(b"s", last))
        store.close()
        store = open_store()
        store.transact(append(b"s", b"new"))
        with store.snapshot() as tx:
            assert [(position > last, value) for position, value in tx.appended(b"s")] == [(True, b"new")]
        store.close()

    def test_a_killed_writer_takes_no_acknowledged_write_along(self, open_store: Callable[[], Store]) -> None:
        wanted = 1000 * self.effort
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=_write_until_killed, args=(open_store, there))
        child.start()
        there.close()
        acknowledged: list[tuple[bytes, int]] = []
        while len(acknowledged) < wanted:
            acknowledged.append(here.recv())
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        while here.poll():
            try:
                acknowledged.append(here.recv())
            except EOFError:
                break
        store = open_store()
        try:
            rows = dict(all_rows(store))
            for key, number in acknowledged:
                assert rows[b"a" + key] == rows[b"b" + key] == b"%d" % number
            # and of those that were not acknowledged: all or nothing
            assert {key[1:] for key in rows if key[:1] == b"a"} == {key[1:] for key in rows if key[:1] == b"b"}
            numbers = sorted(int(value) for key, value in rows.items() if key[:1] == b"a")
            assert numbers == list(range(1, int(rows[b"n"]) + 1))
            entries = Follower(store, QUEUE).until(len(numbers))
            assert [int(entry) for entry in entries] == numbers
            append_in_order(store, 1, 3)
        finally:
            store.close()


def _write_until_killed(open_store: Callable[[], Store], there: "Connection[tuple[bytes, int], None]") -> None:
    """Eight threads write two rows, a count and an entry at a time, and report what was acknowledged."""
    store = open_store()
    lock = threading.Lock()

    def work(racer: int) -> None:
        turn = 0
        while True:
            turn += 1
            key = b"%d-%d" % (racer, turn)

            def write(tx: Tx, key: bytes = key) -> int:
                number = int(tx.get(b"n") or b"0") + 1
                tx.put(b"a" + key, b"%d" % number)
                tx.append(QUEUE, b"%d" % number)
                tx.put(b"n", b"%d" % number)
                tx.put(b"b" + key, b"%d" % number)
                return number

            number = store.transact(write)
            with lock:
                there.send((key, number))

    threads = [threading.Thread(target=work, args=(racer,)) for racer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
