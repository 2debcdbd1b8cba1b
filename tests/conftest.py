"""What the tests of several packages share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailkit.storage.api import Store
from mailkit.storage.backends.memory import MemoryStore

BACKENDS: dict[str, Callable[[Path], Store]] = {"memory": lambda _: MemoryStore()}


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each backend."""
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()
