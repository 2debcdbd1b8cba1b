"""The whole platform on every backend: what is asked of the domain is asked of it on each store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.storage.api import Store
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore

CHEAP = Cost(memory=8, passes=1)

BACKENDS: dict[str, Callable[[Path], Store]] = {
    "lmdb": lambda folder: LmdbStore(folder / "store"),
    "memory": lambda _: MemoryStore(),
}


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still until moved; its present is 2023-11-14."""
    return FixedClock()


@pytest.fixture(params=["memory", "lmdb"])
def kit(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Iterator[MailKit]:
    """An empty platform."""
    where = {"memory": "memory:", "lmdb": str(tmp_path / "data")}[request.param]
    settings = {"mail.hostname": "mx.example.org"}
    with MailKit.open(where, settings=settings, clock=clock, password_cost=CHEAP) as opened:
        yield opened


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each backend."""
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()
