"""Telemetry and jobs beside their bare peers: `python -m benchmarks.ground`.

`emit` without a sink stands beside a disabled stdlib logging call; a durable job (scheduled, claimed, finished) beside
the three durable transactions that it cannot do without, each a put of 100 bytes in the same LMDB store.
"""

import itertools
import logging
import platform
import tempfile
import time
from collections.abc import Callable

from mailkit.jobs import Jobs
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.telemetry import emit

ROUNDS = 5
JOBS = 300
CALLS = 200_000


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The best time of each, over rounds in which they take turns."""
    taken = [[seconds(work) for work in works] for _ in range(rounds)]
    return [min(times) for times in zip(*taken, strict=True)]


def telemetry() -> None:
    logger = logging.getLogger("bench")
    logger.setLevel(logging.WARNING)

    def ours() -> None:
        for n in range(CALLS):
            emit("mail.seen", account=7, size=n)

    def peer() -> None:
        for n in range(CALLS):
            logger.info("mail.seen account=%s size=%s", 7, n)

    mine, other = best(ours, peer)
    print(
        f"emit without a sink: {mine / CALLS * 1e9:.0f} ns (aim: < 1000 ns); "
        f"disabled logging call: {other / CALLS * 1e9:.0f} ns"
    )


def jobs() -> None:
    with tempfile.TemporaryDirectory() as folder, LmdbStore(folder) as store:
        scheduler = Jobs(store)
        scheduler.register("note", lambda step: None, keep=0)
        numbers = itertools.count()

        def ours() -> None:
            for _ in range(JOBS):
                store.transact(lambda tx: scheduler.schedule(tx, "note", due=0))
            assert scheduler.run_due(limit=JOBS) == JOBS

        def peer() -> None:
            for _ in range(3 * JOBS):
                store.transact(lambda tx: tx.put(b"\x7f%d" % next(numbers), bytes(100)))

        mine, other = best(ours, peer)
        print(
            f"durable jobs, one thread: {JOBS / mine:.0f}/s; three bare transactions: {JOBS / other:.0f}/s; "
            f"ratio {other / mine:.2f}"
        )


if __name__ == "__main__":
    print(f"Python {platform.python_version()}, {platform.machine()}, best of {ROUNDS} rounds")
    telemetry()
    jobs()
