"""The index in the Store: the contract on every backend, with segments so small that there are many."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.clock import FixedClock
from mailkit.ids import Id
from mailkit.mailstore.follower import Emptied
from mailkit.search import lookup, postings, segment
from mailkit.search.api import Order
from mailkit.search.merging import merge
from mailkit.search.query import ALL, In, Not
from mailkit.search.store import StoreIndex
from mailkit.storage.api import Store
from mailkit.storage.backends.memory import MemoryStore
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


class TestStoreIndexInSmallPieces(SearchContract):
    """Where terms are frequent early, blocks have a few terms and are cut in the middle: every way to write a term."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module, name, value in (
            (postings, "FEW", 3), (postings, "MANY", 12), (segment, "MANY", 12), (segment, "BLOCK", 48),
            (lookup, "BLOCK", 48), (segment, "CHUNK", 70), (lookup, "CHUNK", 70),
        ):  # fmt: skip
            monkeypatch.setattr(module, name, value)


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


@given(seed=st.integers(0, 1 << 32), order=st.sampled_from(("arrival", "oldest", "newest")), limit=st.integers(1, 9))
def test_pages_show_what_stays_exactly_once(seed: int, order: Order, limit: int) -> None:
    """Whatever comes, goes, moves and is flagged between two pages."""
    indexed = Small(MemoryStore())
    walk = Walk(indexed, seed)
    for _ in range(walk.random.randint(0, 30)):
        walk.add(5, walk.message())

    def places() -> dict[tuple[Id, int], tuple[int, int]]:
        with indexed.store.snapshot() as tx:
            found = indexed.index.find(tx, 5, ALL, order=order, limit=1_000)
        return {(hit.mailbox, hit.uid): hit.at for hit in found.hits}

    stays = set(places().values())
    seen: list[tuple[int, int]] = []
    after: tuple[int, int] | None = None
    while True:
        with indexed.store.snapshot() as tx:
            page = indexed.index.find(tx, 5, ALL, order=order, limit=limit, after=after)
        assert len(page.hits) <= limit
        assert page.total == len(walk.mail)
        seen += [hit.at for hit in page.hits]
        if not page.after:
            break
        after = page.hits[-1].at
        for _ in range(walk.random.randint(0, 4)):
            walk.add(5, walk.message()) if walk.random.random() < 0.4 else walk.change()
        if walk.random.random() < 0.3:
            indexed.settle()
        stays &= set(places().values())
    assert seen == sorted(set(seen), reverse=order != "oldest")
    assert stays <= set(seen)
