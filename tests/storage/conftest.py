"""Stores and BlobStores to run the same tests on."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from mailkit.storage.api import BlobStore, Store
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.instore import StoreBlobs
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.backends.postgres import PostgresStore
from mailkit.storage.backends.s3 import S3Blobs


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


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server that speaks S3, on the loopback interface."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_address(s3_server: str) -> tuple[str, dict[str, str]]:
    """The address of an empty bucket, and how to reach it."""
    bucket = f"b{uuid.uuid4().hex}"
    with urlopen(Request(f"{s3_server}/{bucket}", method="PUT")):
        pass
    return f"s3://{bucket}", {
        "endpoint": s3_server,
        "region": "us-east-1",
        "access_key_id": "key",
        "secret_access_key": "secret",
    }


@pytest.fixture
def s3_bucket(s3_address: tuple[str, dict[str, str]]) -> S3Blobs:
    """An empty bucket."""
    url, options = s3_address
    return S3Blobs(url, client={"allow_http": True}, **options)


@pytest.fixture(params=["files", "instore", "s3"])
def blob_store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Every BlobStore there is, empty."""
    if request.param == "files":
        return FileBlobs(tmp_path / "blobs")
    if request.param == "instore":
        return StoreBlobs(MemoryStore(), piece=1000)
    bucket: S3Blobs = request.getfixturevalue("s3_bucket")
    return bucket
