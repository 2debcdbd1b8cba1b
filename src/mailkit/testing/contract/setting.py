"""What all topics start from: the fixtures, and threads that report."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from mailkit.storage.api import ReadTx, Store
from mailkit.testing.contract.changes import deletes
from mailkit.testing.contract.twice import Twice

__all__ = ["EVERYTHING", "Setting", "all_rows", "examples", "together", "wipe"]

T = TypeVar("T")

EVERYTHING = (b"", b"\xff" * 512)
"""A range that holds every legal key."""


class Setting:
    """Derive from the topics, and say how to open the store."""

    effort: int = 1

    @pytest.fixture
    def open_store(self) -> Callable[[], Store]:
        """Opens the store; each test gets one of its own, empty."""
        raise NotImplementedError("define a fixture open_store that returns a callable")

    @pytest.fixture(params=["once", "twice"])
    def store(self, request: pytest.FixtureRequest, open_store: Callable[[], Store]) -> Iterator[Store]:
        """The open store; once as it is, once with every function run twice."""
        opened = open_store()
        try:
            yield opened if request.param == "once" else Twice(opened)
        finally:
            opened.close()

    @pytest.fixture
    def plain_store(self, open_store: Callable[[], Store]) -> Iterator[Store]:
        """The open store, for tests that are about what happens when."""
        opened = open_store()
        try:
            yield opened
        finally:
            opened.close()


def examples(count: int) -> settings:
    """Hypothesis settings for tests that share one store between examples, and one function between backends."""
    health = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow]
    return settings(max_examples=count, deadline=None, suppress_health_check=health)


def all_rows(store: Store) -> list[tuple[bytes, bytes]]:
    """Every pair in the store."""
    with store.snapshot() as tx:
        return rows(tx)


def rows(tx: ReadTx) -> list[tuple[bytes, bytes]]:
    """Every pair that a transaction sees."""
    return list(tx.scan(*EVERYTHING))


def wipe(store: Store) -> None:
    """Deletes all rows."""
    keys = [key for key, _ in all_rows(store)]
    if keys:
        store.transact(deletes(keys))


def together(count: int, work: Callable[[int], T]) -> list[T]:
    """Runs `work(n)` in `count` threads at once; their results, or the first failure."""
    results: dict[int, T] = {}
    failures: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait()
            results[number] = work(number)
        except BaseException as failure:
            failures.append(failure)

    threads: list[Any] = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [results[number] for number in range(count)]
