"""The LMDB store beside bare py-lmdb: `python -m benchmarks.storage [--folder ON_A_REAL_DISK]`.

1. Durable puts of 100 bytes over 64 threads; the peer commits each by itself, as py-lmdb's own examples do.
2. One record by its key, through Table; the peer gets the bytes and has msgspec decode them.
3. What a snapshot costs beyond the engine's read transaction.
4. The same small things in a table of 10^3 and of 10^6 rows.
"""

import argparse
import asyncio
import itertools
import os
import platform
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import lmdb
import msgspec

from mailkit.storage.api import Store
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keys import Shape
from mailkit.storage.keyspace import Space
from mailkit.storage.tables import Table

ROUNDS = 5
THREADS = 64
VALUE = bytes(range(100))


class User(Record, frozen=True):
    """About what an account's record is."""

    id: int = msgspec.field(name="i")
    name: str = msgspec.field(name="n")
    address: str = msgspec.field(name="a")
    quota: int = msgspec.field(name="q")
    used: int = msgspec.field(name="u")
    created: int = msgspec.field(name="c")
    enabled: bool = msgspec.field(name="e")
    tags: list[str] = msgspec.field(name="t", default_factory=list)


USERS = Table(Space("users", "bench", Shape(b"\x7d", "u32")), Codec(User))


def user(number: int) -> User:
    return User(
        id=number,
        name=f"user-{number}",
        address=f"user-{number}@example.org",
        quota=1 << 30,
        used=number * 1000,
        created=1_700_000_000_000 + number,
        enabled=True,
        tags=["staff", "beta"],
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The best time of each, over rounds in which they take turns."""
    times = [[seconds(work) for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def in_threads(count: int, work: Callable[[int], object]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def durable_puts(folder: Path) -> None:
    each = 40
    total = THREADS * each
    bare = lmdb.open(str(folder / "bare"), map_size=1 << 30)
    with LmdbStore(folder / "ours") as store:

        def key() -> bytes:
            return random.randbytes(16)

        def peer() -> None:
            def work(_: int) -> None:
                for _ in range(each):
                    with bare.begin(write=True) as txn:
                        txn.put(key(), VALUE)

            in_threads(THREADS, work)

        def ours() -> None:
            def work(_: int) -> None:
                for _ in range(each):
                    mine = key()
                    store.transact(lambda tx, mine=mine: tx.put(mine, VALUE))

            in_threads(THREADS, work)

        def awaited() -> None:
            async def task() -> None:
                for _ in range(each):
                    mine = key()
                    await store.atransact(lambda tx, mine=mine: tx.put(mine, VALUE))

            async def main() -> None:
                await asyncio.gather(*[task() for _ in range(THREADS)])

            asyncio.run(main())

        theirs, threads, tasks = best(peer, ours, awaited)
    bare.close()
    print(f"durable 100-byte puts, {THREADS} threads: bare py-lmdb {total / theirs:.0f}/s, one commit each")
    print(f"  transact: {total / threads:.0f}/s, ratio {theirs / threads:.1f} (aim: >= 4)")
    print(f"  atransact from {THREADS} tasks of one loop: {total / tasks:.0f}/s, ratio {theirs / tasks:.1f}")


def gets(folder: Path) -> None:
    rows, count = 10_000, 20_000
    numbers = [random.randrange(rows) for _ in range(count)]
    bare = lmdb.open(str(folder / "bare-gets"), map_size=1 << 30)
    decode = msgspec.msgpack.Decoder(User).decode
    with bare.begin(write=True) as txn:
        for number in range(rows):
            txn.put(number.to_bytes(4, "big"), msgspec.msgpack.encode(user(number)))
    with LmdbStore(folder / "gets") as store:
        store.transact(lambda tx: [USERS.put(tx, user(number), number) for number in range(rows)])

        def peer() -> None:
            with bare.begin() as txn:
                for number in numbers:
                    data = txn.get(number.to_bytes(4, "big"))
                    assert data is not None
                    decode(data)

        def ours() -> None:
            with store.snapshot() as tx:
                for number in numbers:
                    USERS.get(tx, number)

        def peer_each() -> None:
            for number in numbers:
                with bare.begin() as txn:
                    data = txn.get(number.to_bytes(4, "big"))
                    assert data is not None
                    decode(data)

        def ours_each() -> None:
            for number in numbers:
                with store.snapshot() as tx:
                    USERS.get(tx, number)

        def empty_peer() -> None:
            for _ in numbers:
                with bare.begin():
                    pass

        def empty() -> None:
            for _ in numbers:
                with store.snapshot():
                    pass

        times = best(peer, ours, peer_each, ours_each, empty_peer, empty)
    bare.close()
    us = [one / count * 1e6 for one in times]
    print(
        f"get through Table: {us[1]:.2f} us, py-lmdb get + msgspec {us[0]:.2f} us, "
        f"ratio {us[0] / us[1]:.2f} (aim: >= 0.4)"
    )
    print(f"  each in a snapshot of its own: {us[3]:.2f} us, peer {us[2]:.2f} us, ratio {us[2] / us[3]:.2f}")
    print(f"  an empty snapshot: {us[5]:.2f} us, the engine's read transaction {us[4]:.2f} us")


def growth(folder: Path) -> None:
    sizes = (1_000, 1_000_000)
    work: dict[str, list[Callable[[], object]]] = {}
    stores: list[Store] = []
    fresh = itertools.count(1 << 30)
    for size in sizes:
        place = folder / f"rows-{size}"
        with LmdbStore(place, sync=False) as store:
            for start in range(0, size, 5_000):
                numbers = range(start, min(start + 5_000, size))
                store.transact(lambda tx, numbers=numbers: [USERS.put(tx, user(number), number) for number in numbers])
        os.sync()
        store = LmdbStore(place)
        stores.append(store)

        def get(store: Store = store, size: int = size) -> None:
            with store.snapshot() as tx:
                for _ in range(5_000):
                    USERS.get(tx, random.randrange(size))

        def page(store: Store = store, size: int = size) -> None:
            for _ in range(500):
                with store.snapshot() as tx:
                    list(USERS.scan(tx, after=(random.randrange(size - 20),), limit=20))

        def append(store: Store = store) -> None:
            for _ in range(100):
                number = next(fresh)
                store.transact(lambda tx, number=number: USERS.put(tx, user(number), number))

        def change(store: Store = store, size: int = size) -> None:
            for _ in range(100):
                number = random.randrange(size)
                store.transact(lambda tx, number=number: USERS.put(tx, user(number), number))

        for name, one in [("get", get), ("page of 20", page), ("durable append", append), ("durable change", change)]:
            work.setdefault(name, []).append(one)
    counts = {"get": 5_000, "page of 20": 500, "durable append": 100, "durable change": 100}
    print("rows: 10^3 | 10^6 (us each), ratio (aim for pages: <= 1.5)")
    for name, pair in work.items():
        small, large = best(*pair, rounds=ROUNDS)
        print(f"  {name}: {small / counts[name] * 1e6:.1f} | {large / counts[name] * 1e6:.1f}, {large / small:.2f}")
    for store in stores:
        store.close()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, help="where to put the files: a disk, not a tmpfs")
    folder: Path | None = arguments.parse_args().folder
    engine = ".".join(map(str, lmdb.version()))
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"LMDB {engine}, best of {ROUNDS} rounds"
    )
    with tempfile.TemporaryDirectory(dir=folder) as made:
        durable_puts(Path(made))
        gets(Path(made))
        growth(Path(made))


if __name__ == "__main__":
    main()
