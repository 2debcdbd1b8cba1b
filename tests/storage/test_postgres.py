"""What the contract cannot see: lost servers, restored tables, timeouts, and the order of the journal."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from mailkit.errors import Conflict, Unavailable
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.backends.postgres import PostgresStore
from mailkit.storage.backends.postgres.connection import Connection
from mailkit.storage.backends.postgres.statements import bytes_array, int8_array
from mailkit.storage.calls import OWN, reads
from mailkit.storage.open import open_store


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresStore]:
    with PostgresStore(postgres_url) as opened:
        yield opened


@pytest.fixture
def server(postgres_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The same tables, seen by an ordinary client."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def test_it_opens_by_its_address(postgres_url: str) -> None:
    store = open_store(postgres_url)
    store.transact(lambda tx: tx.put(b"k", b"v"))
    store.close()
    store.close()
    with pytest.raises(Unavailable):
        store.transact(lambda tx: None)


def test_arrays_are_what_the_server_takes_for_them(server: psycopg.Connection[tuple[object, ...]]) -> None:
    for values in ([], [b""], [b"a", b"\x00\xff" * 300]):
        result = server.pgconn.exec_params(
            b"select array_length($1::bytea[], 1), $1::bytea[] = $2::bytea[]",
            [bytes_array(values), ("{" + ",".join(f'"\\\\x{v.hex()}"' for v in values) + "}").encode()],
            None,
            [1, 0],
        )
        assert result.get_value(0, 0) == (str(len(values)).encode() if values else None)
        assert not values or result.get_value(0, 1) == b"t"
    result = server.pgconn.exec_params(b"select $1::bigint[]", [int8_array([1, -2, 1 << 40])], None, [1])
    assert result.get_value(0, 0) == b"{1,-2,1099511627776}"


def test_scans_fetch_in_portions_and_stop_early(store: PostgresStore) -> None:
    store.transact(lambda tx: [tx.put(b"%05d" % n, b"x" * (n % 50)) for n in range(3000)])
    everything = [b"%05d" % n for n in range(3000)]
    with store.snapshot() as tx:
        assert [key for key, _ in tx.scan(b"0", b"1")] == everything
        assert [key for key, _ in tx.scan(b"0", b"1", reverse=True)] == everything[::-1]
        for limit in (0, 1, 31, 32, 33, 161, 2999, 5000):
            assert [key for key, _ in tx.scan(b"0", b"1", limit=limit)] == everything[:limit]


def test_values_near_the_limit_are_fetched_one_by_one(store: PostgresStore) -> None:
    store.transact(lambda tx: [tx.put(b"%d" % n, bytes(9 << 20)) for n in range(4)])
    with store.snapshot() as tx:
        assert [len(value) for _, value in tx.scan(b"0", b"9")] == [9 << 20] * 4


# --- serialisable ----------------------------------------------------------------------------------------------------


def test_a_snapshot_shows_no_state_that_never_was(postgres_url: str) -> None:
    """The read-only anomaly (Fekete, O'Neil, O'Neil 2004): the charge is decided on a balance without the deposit,
    the report sees the deposit and not the charge; no order of the three explains that."""
    with PostgresStore(postgres_url) as one, PostgresStore(postgres_url) as other, PostgresStore(postgres_url) as third:
        one.transact(lambda tx: (tx.put(b"checking", b"0"), tx.put(b"savings", b"0")))
        refused = False
        seen = None
        try:
            with one.transaction() as withdrawal:
                total = int(withdrawal.get(b"checking") or b"") + int(withdrawal.get(b"savings") or b"")
                other.transact(lambda tx: tx.put(b"savings", b"%d" % (int(tx.get(b"savings") or b"") + 20)))
                with third.snapshot() as report:
                    seen = (report.get(b"checking"), report.get(b"savings"))
                withdrawal.put(b"checking", b"-11" if total < 10 else b"-10")
        except Conflict:
            refused = True
        assert seen == (b"0", b"20")
        assert refused


def overtaken(store: PostgresStore, also: bytes | None = None) -> tuple[bytes | None, bytes | None]:
    """What a snapshot reads of a and b, when between the two a transaction commits that had not seen the a it saw."""
    store.transact(lambda tx: (tx.put(b"a", b"old"), tx.put(b"b", b"old")))
    with ExitStack() as stack:
        with store.transaction() as slow:
            slow.get(b"a")
            store.transact(lambda tx: tx.put(b"a", b"new"))
            report = stack.enter_context(store.snapshot())
            first = report.get(b"a")
            slow.put(b"b", b"new")
        if also is not None:
            store.transact(lambda tx: tx.put(also, b"newer"))
        return first, report.get(b"b")


def test_a_snapshot_that_fits_no_order_moves_on_unnoticed(store: PostgresStore) -> None:
    assert overtaken(store) == (b"new", b"new")


def test_a_snapshot_that_cannot_move_on_unnoticed_is_a_conflict(store: PostgresStore) -> None:
    with pytest.raises(Conflict):
        overtaken(store, also=b"a")


def test_a_read_method_runs_again_after_such_a_conflict(store: PostgresStore) -> None:
    runs: list[bytes | None] = []

    class Service:
        def __init__(self) -> None:
            self.store = store

        @reads
        def both(self, *, tx: ReadTx = OWN) -> tuple[bytes | None, bytes | None]:
            runs.append(tx.get(b"a"))
            if len(runs) == 1:
                slow.put(b"b", b"new")
                stack.close()  # commits
                store.transact(lambda tx: tx.put(b"a", b"newer"))
            return tx.get(b"a"), tx.get(b"b")

    store.transact(lambda tx: (tx.put(b"a", b"old"), tx.put(b"b", b"old")))
    with ExitStack() as stack:
        slow = stack.enter_context(store.transaction())
        slow.get(b"a")
        store.transact(lambda tx: tx.put(b"a", b"new"))
        assert Service().both() == (b"newer", b"new")
    assert runs == [b"new", b"newer"]


def test_small_tables_do_not_make_everybody_conflict(
    store: PostgresStore, server: psycopg.Connection[tuple[object, ...]]
) -> None:
    """A sequential scan would lock the whole table against serialisable writers."""
    store.transact(lambda tx: [tx.put(b"%d" % n, b"") for n in range(5)])
    server.execute("vacuum analyze mailkit_kv")
    with store.transaction() as one:
        one.get(b"1")
        one.put(b"2", b"one")
        with store.transaction() as two:
            two.get(b"3")
            two.put(b"4", b"two")
    assert (value(store, b"2"), value(store, b"4")) == (b"one", b"two")


def test_losers_of_one_hot_counter_all_get_through(store: PostgresStore) -> None:
    def count(tx: Tx) -> None:
        tx.put(b"n", b"%d" % (int(tx.get(b"n") or b"0") + 1))

    threads = [threading.Thread(target=lambda: [store.transact(count) for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.snapshot() as tx:
        assert tx.get(b"n") == b"200"


def test_who_keeps_losing_hears_of_it(postgres_url: str) -> None:
    with PostgresStore(postgres_url, patience=0.2) as store:

        def beaten(tx: Tx) -> None:
            seen = tx.get(b"k") or b""
            with psycopg.connect(postgres_url) as rival:
                rival.execute("insert into mailkit_kv values ('k', 'x') on conflict (key) do update set value = 'y'")
            tx.put(b"k", seen + b"1")

        with pytest.raises(Conflict) as caught:
            store.transact(beaten)
    assert caught.value.code == "store.busy"


# --- the journal -----------------------------------------------------------------------------------------------------


def test_a_reader_waits_for_older_transactions_so_that_nothing_overtakes_it(
    store: PostgresStore, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as older:
        older.execute("insert into mailkit_log values ('j', (pg_current_xact_id()::text::bigint) << 18, 'older')")
        store.transact(lambda tx: tx.append(b"j", b"newer"))
        with store.snapshot() as tx:
            assert list(tx.appended(b"j")) == []
            head = tx.head(b"j")
        assert not store.wait(b"j", 0, 0.05)
        threading.Timer(0.2, older.commit).start()
        assert store.wait(b"j", 0, 10)
        with store.snapshot() as tx:
            entries = list(tx.appended(b"j", head))
            assert [value for _, value in entries] == [b"older", b"newer"]
            assert tx.head(b"j") >= entries[-1][0]


def test_positions_go_on_growing_when_the_tables_move_to_another_server(
    postgres_url: str, server: psycopg.Connection[tuple[object, ...]]
) -> None:
    def entries(store: PostgresStore, after: int = 0) -> list[tuple[int, bytes]]:
        with store.snapshot() as tx:
            return list(tx.appended(b"j", after))

    with PostgresStore(postgres_url) as store:
        store.transact(lambda tx: tx.append(b"j", b"1"))
        (last, _), *_ = entries(store)
    # as a restore leaves them: made by another server, whose transaction ids were far ahead
    server.execute("update mailkit_meta set value = 1 where name = 'cluster'")
    server.execute("update mailkit_log set position = position + (1::bigint << 50)")
    last += 1 << 50
    with PostgresStore(postgres_url) as store:
        with store.snapshot() as tx:
            head = tx.head(b"j")
        assert head > last
        store.transact(lambda tx: tx.append(b"j", b"2"))
        assert [value for _, value in entries(store, last)] == [b"2"]
        assert entries(store, last)[0][0] > head
        store.transact(lambda tx: tx.trim(b"j", 1 << 62))
        ((highest,),) = server.execute("select value from mailkit_meta where name = 'highest'").fetchall()
        assert highest > head
    with PostgresStore(postgres_url) as again, again.snapshot() as tx:
        assert tx.head(b"j") > head


def test_a_notification_ends_the_wait_of_another_store(postgres_url: str) -> None:
    with PostgresStore(postgres_url) as one, PostgresStore(postgres_url) as other:
        heard: list[bool] = []
        waiting = threading.Thread(target=lambda: heard.append(other.wait(b"j", 0, 20)))
        waiting.start()
        time.sleep(0.1)
        one.transact(lambda tx: tx.append(b"j", b"news"))
        waiting.join()
        assert heard == [True]


# --- trouble ---------------------------------------------------------------------------------------------------------


class Line:
    """A real connection to the server that can be cut: at once, or when the answer to a commit is due."""

    def __init__(self, folder: Path, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._server = f"{query['host'][0]}/.s.PGSQL.5432"
        self.path = folder / ".s.PGSQL.5432"
        self.url = (
            f"{parts.scheme}://postgres@/postgres?host={folder}&options={query['options'][0].replace('=', '%3D')}"
        )
        self.cut_answers_to: bytes | None = None
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def up(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        assert self._listener is not None
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink()
        self._cut(*self._open)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.cut_answers_to is not None and self.cut_answers_to in data:
                    self.cut_answers_to = None
                    source.shutdown(socket.SHUT_RDWR)  # the client is gone; what it said still arrives
                    target.sendall(data)
                    time.sleep(0.2)
                    break
                target.sendall(data)
        self._cut(source, target)

    def _cut(self, *sockets: socket.socket) -> None:
        for end in sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def line(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    made = Line(tmp_path_factory.mktemp("l"), postgres_url)
    made.up()
    yield made
    with suppress(OSError, AssertionError):
        made.down()


def value(store: PostgresStore, key: bytes) -> bytes | None:
    with store.snapshot() as tx:
        return tx.get(key)


def test_idle_connections_that_the_server_closed_are_not_noticed(line: Line) -> None:
    with PostgresStore(line.url) as store:
        store.transact(lambda tx: tx.put(b"k", b"1"))
        line.down()
        line.up()
        store.transact(lambda tx: tx.put(b"k", b"2"))
        line.down()
        line.up()
        assert value(store, b"k") == b"2"


def test_a_lost_server_is_unavailable_until_it_is_back(line: Line) -> None:
    with PostgresStore(line.url) as store:
        store.transact(lambda tx: tx.put(b"k", b"1"))
        line.down()
        for _ in range(2):
            with pytest.raises(Unavailable):
                store.transact(lambda tx: tx.put(b"k", b"2"))
            with pytest.raises(Unavailable):
                value(store, b"k")
        line.up()
        assert value(store, b"k") == b"1"
        store.transact(lambda tx: tx.put(b"k", b"3"))
        assert value(store, b"k") == b"3"


def test_a_connection_lost_before_the_commit_means_that_nothing_happened(line: Line) -> None:
    with PostgresStore(line.url) as store:

        def interrupted(tx: Tx) -> None:
            tx.get(b"k")
            tx.put(b"k", b"1")
            line.down()
            line.up()

        with pytest.raises(Unavailable) as caught:
            store.transact(interrupted)
        assert caught.value.code == "store.unavailable"
        assert value(store, b"k") is None


def test_a_commit_whose_answer_is_lost_is_reported_and_never_run_again(line: Line) -> None:
    runs = []
    with PostgresStore(line.url) as store:

        def add(tx: Tx) -> None:
            runs.append(tx.get(b"k"))
            tx.put(b"k", b"%d" % (int(runs[-1] or b"0") + 1))
            line.cut_answers_to = b"commit"

        with pytest.raises(Unavailable) as caught:
            store.transact(add)
        assert caught.value.code == "store.outcome_unknown"
        deadline = time.monotonic() + 5
        while value(store, b"k") is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert value(store, b"k") == b"1"  # this time it happened
        assert len(runs) == 1


def test_no_server_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        PostgresStore(f"postgresql:///postgres?host={tmp_path}")
    assert caught.value.code == "store.unavailable"


def test_a_statement_that_takes_too_long_is_stopped(postgres_url: str) -> None:
    with PostgresStore(postgres_url, statement_timeout=0.2) as store, psycopg.connect(postgres_url) as rival:
        store.transact(lambda tx: tx.put(b"k", b"1"))
        rival.execute("update mailkit_kv set value = 'x'")
        with pytest.raises(Unavailable) as caught:
            store.transact(lambda tx: tx.put(b"k", b"2"))
        assert caught.value.code == "store.timeout"
        rival.rollback()
        assert value(store, b"k") == b"1"


def test_callers_wait_for_a_free_connection_and_not_for_ever(postgres_url: str) -> None:
    with PostgresStore(postgres_url, connections=1, patience=0.2) as store, store.snapshot() as tx:
        assert tx.get(b"k") is None
        with pytest.raises(Unavailable) as caught, store.snapshot():
            pass
        assert caught.value.code == "store.busy"


def test_a_transaction_or_snapshot_that_is_over_says_so(store: PostgresStore) -> None:
    kept: list[ReadTx] = []
    store.transact(kept.append)
    with store.snapshot() as tx:
        kept.append(tx)
    for tx in kept:
        with pytest.raises(Unavailable):
            tx.get(b"k")


def test_a_forked_child_is_told_to_open_its_own(store: PostgresStore) -> None:
    store.transact(lambda tx: tx.put(b"k", b"1"))
    child = os.fork()
    if child == 0:
        try:
            store.transact(lambda tx: tx.put(b"k", b"2"))
        except Unavailable as error:
            os._exit(0 if error.code == "store.forked" else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert value(store, b"k") == b"1"


def test_the_event_loop_goes_on_during_a_transaction(store: PostgresStore) -> None:
    async def main() -> int:
        ticks = 0

        def slow(tx: Tx) -> None:
            time.sleep(0.2)
            tx.put(b"k", b"1")

        writing = asyncio.ensure_future(store.atransact(slow))
        while not writing.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await writing
        return ticks

    assert asyncio.run(main()) > 5
    assert value(store, b"k") == b"1"


# --- the tables ------------------------------------------------------------------------------------------------------


def test_a_server_that_ends_a_new_connection_is_unavailable(postgres_url: str) -> None:
    """There is nothing left to roll back on, which must not hide what happened."""
    connection = Connection(postgres_url, "select 1", patience=5.0)
    with pytest.raises(Unavailable, match="terminating connection"):
        connection.simple("select pg_terminate_backend(pg_backend_pid())")
    connection.close()


def test_eight_first_openers_make_the_tables_once(postgres_url: str) -> None:
    opened: list[PostgresStore] = []
    failures: list[BaseException] = []

    def open_one() -> None:
        try:
            opened.append(PostgresStore(postgres_url))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for number, store in enumerate(opened):
        store.transact(lambda tx, n=number: tx.put(b"%d" % n, b""))  # type: ignore[misc]
    assert value(opened[0], b"7") == b""
    for store in opened:
        store.close()


def test_newer_tables_are_left_alone(postgres_url: str, server: psycopg.Connection[tuple[object, ...]]) -> None:
    PostgresStore(postgres_url).close()
    server.execute("update mailkit_meta set value = 99 where name = 'version'")
    with pytest.raises(Unavailable) as caught:
        PostgresStore(postgres_url)
    assert caught.value.code == "store.newer"


def test_commits_wait_for_the_disk_whatever_the_database_says(
    postgres_server: str, postgres_url: str, server: psycopg.Connection[tuple[object, ...]]
) -> None:
    server.execute("alter database postgres set synchronous_commit = off")
    try:
        with PostgresStore(postgres_url) as store:
            connection = store._bare()
            assert connection.simple("show synchronous_commit") == [[("on",)]]
            connection.close()
    finally:
        server.execute("alter database postgres reset synchronous_commit")
