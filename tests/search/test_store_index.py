"""The index in the Store: the contract on every backend, with segments so small that there are many."""

import pytest

from mailkit.clock import FixedClock
from mailkit.search.merging import merge
from mailkit.search.store import StoreIndex
from mailkit.storage.api import Store
from mailkit.testing.contract.search import SearchContract


class Small:
    """An index that merges after 5 messages, and 3 segments."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.due: set[int] = set()
        self.index = StoreIndex(lambda tx, account: self.due.add(account), batch=5, fan=3)
        self.clock = FixedClock()

    def settle(self) -> None:
        for account in self.due:
            while merge(self.store, self.index, account, clock=self.clock):
                pass
        self.due.clear()


@pytest.fixture
def indexed(store: Store) -> Small:
    return Small(store)


class TestStoreIndex(SearchContract):
    pass
