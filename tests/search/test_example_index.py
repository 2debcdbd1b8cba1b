"""The search index that the documentation tells people to copy keeps the law."""

import importlib.util
import sys
from pathlib import Path

import pytest

from mailkit.mailstore.follower import Emptied
from mailkit.search.query import ALL
from mailkit.storage.backends.memory import MemoryStore
from mailkit.testing.contract import SearchContract
from mailkit.testing.contract.search import Walk

_PATH = Path(__file__).parents[2] / "examples" / "search_index.py"
_SPEC = importlib.util.spec_from_file_location("search_index", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
search_index = importlib.util.module_from_spec(_SPEC)
sys.modules["search_index"] = search_index
_SPEC.loader.exec_module(search_index)


class OverTantivy:
    """A store, and tantivy beside it: nothing is left to be done in the background."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.index = search_index.TantivyIndex(folder)

    def settle(self) -> None:
        pass


@pytest.fixture
def indexed(tmp_path: Path) -> OverTantivy:
    return OverTantivy(tmp_path / "tantivy")


class TestExample(SearchContract):
    pass


def test_what_happened_while_it_was_closed_is_taken_up(indexed: OverTantivy) -> None:
    walk = Walk(indexed, 1)
    for _ in range(5):
        walk.add(5, walk.message())
    assert walk.found(5, ALL) == walk.meant(5, ALL)
    indexed.index.close()
    walk.add(5, walk.message())
    walk.tell(Emptied(5, box := next(iter(walk.mail))[1]))
    walk.mail = {key: known for key, known in walk.mail.items() if key[1] != box}
    indexed.index = search_index.TantivyIndex(indexed.folder)
    assert walk.found(5, ALL) == walk.meant(5, ALL)
