"""The public contract on the stores that need no server."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mailkit.storage.api import Store
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore
from mailkit.testing.contract import (
    AtomicityContract,
    ConflictContract,
    DurableContract,
    OrderContract,
    ProcessContract,
    RangesContract,
    StoreContract,
)


class TestMemory(StoreContract):
    @pytest.fixture
    def open_store(self) -> Callable[[], Store]:
        return MemoryStore


class TestLmdb(StoreContract, DurableContract, ProcessContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Store]:
        return partial(LmdbStore, tmp_path / "store")


@pytest.mark.soak
class TestMemorySoak(TestMemory):
    effort = 20


@pytest.mark.soak
class TestLmdbSoak(TestLmdb):
    effort = 20


class TestLmdbInATightMap(OrderContract, RangesContract, ConflictContract, AtomicityContract):
    """The map is full every few transactions and has to grow. (Long snapshots would rightly be refused.)"""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Store]:
        return partial(LmdbStore, tmp_path / "store", map_size=1 << 16, sync=False)


@pytest.mark.soak
class TestLmdbInATightMapSoak(TestLmdbInATightMap, ProcessContract):
    """Several processes make it grow."""

    effort = 10
