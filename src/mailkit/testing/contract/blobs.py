"""The law of `BlobStore`: immutable bytes by the SHA-256 of their content."""

import hashlib
from collections.abc import Iterable, Iterator

import pytest

from mailkit.errors import Corrupt, NotFound
from mailkit.storage.api import BlobStore
from mailkit.testing.contract.setting import together

__all__ = ["BlobContract"]


def _sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _whole(blobs: BlobStore, digest: bytes, start: int = 0) -> bytes:
    with blobs.open(digest, start) as stream:
        return stream.read()


class BlobContract:
    """Derive, and define a fixture `blobs`."""

    @pytest.fixture
    def blobs(self) -> Iterable[BlobStore]:
        """An empty store."""
        raise NotImplementedError("define a fixture blobs that gives a BlobStore")

    @pytest.mark.parametrize("size", [0, 1, 4095, 4096, 70_000, 3_000_001])
    def test_content_comes_back_whole_and_from_any_start(self, blobs: BlobStore, size: int) -> None:
        content = bytes(range(256)) * (size // 256) + b"." * (size % 256)
        digest = _sha(content)
        assert blobs.put(digest, [content[:10], b"", content[10:]]) == size
        assert _whole(blobs, digest) == content
        for start in (1, size // 2, max(size - 1, 0), size, size + 10):
            assert _whole(blobs, digest, start) == content[start:]
        with blobs.open(digest) as stream:
            assert b"".join(iter(lambda: stream.read(65_537), b"")) == content

    def test_chunks_may_come_from_a_generator_of_any_grain(self, blobs: BlobStore) -> None:
        content = b"abcdefghij" * 999
        for size in (1, 7, 4096):
            chunks = (content[at : at + size] for at in range(0, len(content), size))
            assert blobs.put(_sha(content), chunks) == len(content)
            assert _whole(blobs, _sha(content)) == content

    @pytest.mark.parametrize("size", [10, 500_000])
    def test_content_that_is_not_what_its_name_says_is_refused_and_not_kept(self, blobs: BlobStore, size: int) -> None:
        with pytest.raises(Corrupt):
            blobs.put(_sha(b"something else"), [b"x" * size])
        with pytest.raises(NotFound):
            blobs.open(_sha(b"something else"))
        assert list(blobs.list()) == []

    def test_a_refused_second_copy_leaves_the_first(self, blobs: BlobStore) -> None:
        blobs.put(_sha(b"first"), [b"first"])
        with pytest.raises(Corrupt):
            blobs.put(_sha(b"first"), [b"fi", b"rts"])
        assert _whole(blobs, _sha(b"first")) == b"first"

    def test_a_source_that_breaks_off_leaves_nothing(self, blobs: BlobStore) -> None:
        def broken() -> Iterator[bytes]:
            yield b"x" * 300_000
            raise ConnectionError("gone")

        with pytest.raises(ConnectionError):
            blobs.put(_sha(b"x" * 600_000), broken())
        with pytest.raises(NotFound):
            blobs.open(_sha(b"x" * 600_000))
        assert list(blobs.list()) == []

    def test_deleted_content_is_gone_and_may_come_back(self, blobs: BlobStore) -> None:
        digest = _sha(b"content")
        blobs.delete(digest)
        for _ in range(2):
            blobs.put(digest, [b"content"])
            assert list(blobs.list()) == [digest]
            blobs.delete(digest)
            blobs.delete(digest)
            with pytest.raises(NotFound):
                blobs.open(digest)
            assert list(blobs.list()) == []

    def test_the_list_is_in_order_and_goes_on_after_any_digest(self, blobs: BlobStore) -> None:
        digests = sorted(_sha(b"%d" % number) for number in range(300))
        for number in range(300):
            blobs.put(_sha(b"%d" % number), [b"%d" % number])
        assert list(blobs.list()) == digests
        for at in (0, 1, 150, 298, 299):
            assert list(blobs.list(digests[at])) == digests[at + 1 :]
            # a digest that is not there is a place as well
            below = digests[at][:-1] + bytes((digests[at][-1] ^ 1,))
            assert list(blobs.list(below)) == [digest for digest in digests if digest > below]

    def test_eight_writers_of_the_same_content_agree(self, blobs: BlobStore) -> None:
        content = b"shared" * 20_000
        digest = _sha(content)

        def write(number: int) -> int:
            chunks = (content[at : at + 9_999] for at in range(0, len(content), 9_999))
            size = blobs.put(digest, chunks)
            assert _whole(blobs, digest) == content
            return size

        assert together(8, write) == [len(content)] * 8
        assert list(blobs.list()) == [digest]
