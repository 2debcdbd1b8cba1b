"""Stores and BlobStores to run the same tests on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkit.storage.api import BlobStore, Store
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.instore import StoreBlobs
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.backends.postgres import PostgresStore


@pytest.fixture(params=["memory", "lmdb", "postgres"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Every store there is, empty."""
    store: Store
    if request.param == "memory":
        store = MemoryStore()
    elif request.param == "lmdb":
        store = LmdbStore(tmp_path / "store", sync=False)
    else:
        store = PostgresStore(request.getfixturevalue("postgres_url"))
    yield store
    store.close()


@pytest.fixture(params=["files", "instore"])
def blob_store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Every BlobStore there is, empty."""
    if request.param == "files":
        return FileBlobs(tmp_path / "blobs")
    return StoreBlobs(MemoryStore(), piece=1000)
