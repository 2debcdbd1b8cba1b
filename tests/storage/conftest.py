"""Stores and BlobStores to run the same tests on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkit.storage.api import BlobStore, Store
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.instore import StoreBlobs
from mailkit.storage.backends.memory import MemoryStore


@pytest.fixture(params=["memory"])
def any_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Every store there is, empty."""
    store = MemoryStore()
    yield store
    store.close()


@pytest.fixture(params=["files", "instore"])
def blob_store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Every BlobStore there is, empty."""
    if request.param == "files":
        return FileBlobs(tmp_path / "blobs")
    return StoreBlobs(MemoryStore(), piece=1000)
