"""What every BlobStore does, and what the one in a folder and the one in a store do besides."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.errors import Conflict, Corrupt, NotFound, Unavailable
from mailkit.ids import new_id
from mailkit.storage.api import BlobStore, Cleans
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.instore import StoreBlobs
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.backends.postgres import PostgresStore
from mailkit.testing.contract import BlobContract


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def parts(data: bytes, size: int = 777) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def everything(store: BlobStore, data: bytes, start: int = 0) -> bytes:
    with store.open(sha(data), start) as stream:
        return stream.read()


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 5000, 123_456])
def test_content_comes_back_whole_and_from_any_byte(blob_store: BlobStore, size: int) -> None:
    data = os.urandom(size)
    assert blob_store.put(sha(data), parts(data)) == size
    assert everything(blob_store, data) == data
    for start in {0, 1, size // 3, size - 1, size, size + 5}:
        if start >= 0:
            assert everything(blob_store, data, start) == data[start:]


def test_an_open_content_reads_in_small_steps(blob_store: BlobStore) -> None:
    data = os.urandom(4321)
    blob_store.put(sha(data), [data])
    with blob_store.open(sha(data), 100) as stream:
        read = b"".join(iter(lambda: stream.read(37), b""))
    assert read == data[100:]


def test_storing_again_is_harmless(blob_store: BlobStore) -> None:
    data = b"twice" * 1000
    for _ in range(3):
        assert blob_store.put(sha(data), parts(data)) == len(data)
    assert everything(blob_store, data) == data
    assert list(blob_store.list()) == [sha(data)]


@pytest.mark.parametrize("size", [3, 5000])
def test_wrong_content_is_refused_and_leaves_what_was_there(blob_store: BlobStore, size: int) -> None:
    data, other = b"a" * size, b"b" * size
    with pytest.raises(Corrupt):
        blob_store.put(sha(data), parts(other))
    assert list(blob_store.list()) == []
    blob_store.put(sha(data), parts(data))
    with pytest.raises(Corrupt):
        blob_store.put(sha(data), parts(other))
    assert everything(blob_store, data) == data


def test_missing_content_is_not_found(blob_store: BlobStore) -> None:
    with pytest.raises(NotFound):
        blob_store.open(sha(b"never"))


def test_deleted_content_is_gone_and_deleting_again_is_no_error(blob_store: BlobStore) -> None:
    data = os.urandom(5000)
    blob_store.put(sha(data), parts(data))
    blob_store.delete(sha(data))
    blob_store.delete(sha(data))
    assert list(blob_store.list()) == []
    with pytest.raises(NotFound):
        blob_store.open(sha(data))
    blob_store.put(sha(data), parts(data))
    assert everything(blob_store, data) == data


def test_a_failing_source_leaves_nothing(blob_store: BlobStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 5000
        raise RuntimeError("the line broke")

    with pytest.raises(RuntimeError):
        blob_store.put(sha(b"x" * 9000), broken())
    assert list(blob_store.list()) == []


def test_the_list_is_sorted_and_continues_after_any_digest(blob_store: BlobStore) -> None:
    digests = []
    for number in range(250):
        data = b"%d" % number
        digests.append(sha(data))
        blob_store.put(sha(data), [data])
    digests.sort()
    assert list(blob_store.list()) == digests
    for at in (0, 1, 100, 248, 249):
        assert list(blob_store.list(digests[at])) == digests[at + 1 :]
    assert list(blob_store.list(b"\xff" * 32)) == []


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_digest_has_32_bytes(blob_store: BlobStore, length: int) -> None:
    for use in (lambda d: blob_store.put(d, []), blob_store.open, blob_store.delete):
        with pytest.raises(ValueError):
            use(bytes(length))


def test_eight_writers_of_the_same_content_agree(blob_store: BlobStore) -> None:
    data = os.urandom(20_000)
    sizes: list[int] = []
    threads = [threading.Thread(target=lambda: sizes.append(blob_store.put(sha(data), parts(data)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [len(data)] * 8
    assert everything(blob_store, data) == data


def test_a_stopped_writer_leaves_what_clean_removes(blob_store: BlobStore) -> None:
    if not isinstance(blob_store, Cleans):
        pytest.skip("nothing can be left behind here")
    data = os.urandom(5000)

    def stopped() -> Iterator[bytes]:
        yield data[:4000]
        # what a killed process leaves: its own tidying up does not happen
        if isinstance(blob_store, FileBlobs):
            written = next((blob_store.root / "tmp").iterdir())
            (blob_store.root / "tmp" / "left").write_bytes(written.read_bytes())
        else:
            assert isinstance(blob_store, StoreBlobs)
            upload = new_id(1_700_000_000_000)
            blob_store._store.transact(lambda tx: blob_store._put_piece(tx, sha(data), upload, 0, data[:1000]))
            blob_store._store.transact(lambda tx: blob_store._put_piece(tx, sha(data), upload, 1, data[1000:2000]))
        yield data[4000:]

    blob_store.put(sha(data), stopped())
    assert blob_store.clean(0) == 0
    assert blob_store.clean(1 << 43) == 1
    assert blob_store.clean(1 << 43) == 0
    assert everything(blob_store, data) == data


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40)), st.integers(1, 30), st.integers(0, 400))
def test_pieces_of_any_size_make_the_same_content(chunks: list[bytes], piece: int, start: int) -> None:
    store = MemoryStore()
    data = b"".join(chunks)
    StoreBlobs(store, piece=piece).put(sha(data), chunks)
    assert everything(StoreBlobs(store), data, start) == data[start:]


def test_an_upload_that_was_given_up_cannot_finish(blob_store: BlobStore) -> None:
    if not isinstance(blob_store, Cleans):
        pytest.skip("nothing is given up here")
    data = os.urandom(5000)

    def slow() -> Iterator[bytes]:
        yield data[:3000]
        assert blob_store.clean(1 << 43) == 1
        yield data[3000:]

    with pytest.raises(Conflict) as caught:
        blob_store.put(sha(data), slow())
    assert caught.value.code == "blob.gone"
    assert list(blob_store.list()) == []
    assert blob_store.clean(1 << 43) == 0


def test_the_folder_syncs_the_file_before_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path / "blobs")
    steps: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(handle: int) -> None:
        steps.append("sync " + Path(os.readlink(f"/proc/self/fd/{handle}")).parent.name)
        real_fsync(handle)

    def rename(old: Path, new: Path) -> None:
        steps.append("rename")
        real_rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    blobs.put(sha(b"durable"), [b"durable"])
    assert steps == ["sync tmp", f"sync {tmp_path.name}", "rename", "sync blobs"]


def test_a_full_or_read_only_folder_is_unavailable_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path / "blobs")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        blobs.put(sha(b"x"), [b"x"])
    assert list(blobs.list()) == []
    assert list((blobs.root / "tmp").iterdir()) == []


def test_foreign_files_in_the_folder_are_not_listed(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    blobs.put(sha(b"x"), [b"x"])
    (tmp_path / "lost+found").mkdir()
    (tmp_path / sha(b"x").hex()[:2] / ".directory").touch()
    assert list(blobs.list()) == [sha(b"x")]


class TestContract(BlobContract):
    """The public contract."""

    @pytest.fixture
    def blobs(self, blob_store: BlobStore) -> BlobStore:
        return blob_store


class TestInPostgres(BlobContract):
    """The public contract, with the content in PostgreSQL."""

    @pytest.fixture
    def blobs(self, postgres_url: str) -> Iterator[BlobStore]:
        with PostgresStore(postgres_url) as store:
            yield StoreBlobs(store)
