"""The index in the Store: the contract on every backend, with segments so small that there are many."""

from pathlib import Path

import pytest

from mailkit.clock import FixedClock
from mailkit.mailstore.follower import Emptied
from mailkit.search.merging import merge
from mailkit.search.query import ALL, In, Not
from mailkit.search.store import StoreIndex
from mailkit.storage.api import Store
from mailkit.testing.contract.search import SearchContract, Walk


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


def test_real_mail_is_found_as_match_says(indexed: Small) -> None:
    """The conformance suites' messages, asked for words that stand in them."""
    root = Path(__file__).parents[1]
    files = sorted(file for folder in ("mime", "conformance/mime") for file in (root / folder).rglob("*.eml"))
    assert len(files) > 10
    walk = Walk(indexed, 7)
    for file in files:
        walk.add(5, file.read_bytes())
    indexed.settle()
    hits = 0
    for _ in range(300):
        query = walk.query()
        found = walk.found(5, query)
        assert found == walk.meant(5, query), query
        hits += bool(found)
    assert hits > 60


def test_message_of_a_deleted_mailbox_is_gone_before_its_rows_are(indexed: Small) -> None:
    walk = Walk(indexed, 3)
    for _ in range(30):
        walk.add(5, walk.message())
    indexed.settle()
    box = next(iter(walk.mail))[1]
    walk.tell(Emptied(5, box))
    for key in [key for key in walk.mail if key[1] == box]:
        del walk.mail[key]
    assert walk.found(5, ALL) == walk.meant(5, ALL)
    assert walk.found(5, Not(In((box,)))) == walk.meant(5, ALL)
