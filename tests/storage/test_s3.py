"""S3 on a real HTTP server (moto): what is its own; the rest is in the tests of every BlobStore."""

import hashlib
import os
import socket

import pytest

from mailkit.errors import NotFound, Unavailable
from mailkit.storage.backends.s3 import S3Blobs


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_content_in_many_parts_comes_back_whole_and_from_any_byte(s3_bucket: S3Blobs) -> None:
    data = os.urandom(12_345_678)
    assert s3_bucket.put(sha(data), [data]) == len(data)
    with s3_bucket.open(sha(data)) as stream:
        assert stream.read() == data
    with s3_bucket.open(sha(data), 7_000_000) as stream:
        assert stream.read(10) == data[7_000_000:7_000_010]


def test_the_list_goes_over_many_pages(s3_bucket: S3Blobs) -> None:
    digests = sorted(sha(b"%d" % number) for number in range(1003))
    for number in range(1003):
        s3_bucket.put(sha(b"%d" % number), [b"%d" % number])
    assert list(s3_bucket.list()) == digests
    assert list(s3_bucket.list(digests[700])) == digests[701:]


def test_prefixes_keep_two_stores_in_one_bucket_apart(s3_address: tuple[str, dict[str, str]]) -> None:
    url, options = s3_address
    one, other = (S3Blobs(f"{url}/{name}", client={"allow_http": True}, **options) for name in ("one", "other"))
    one.put(sha(b"x"), [b"x"])
    assert list(one.list()) == [sha(b"x")]
    assert list(other.list()) == []
    with pytest.raises(NotFound):
        other.open(sha(b"x"))


def test_a_service_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"access_key_id": "a", "secret_access_key": "b", "region": "us-east-1"}
    gone = S3Blobs("s3://bucket", endpoint=f"http://127.0.0.1:{port}", client={"allow_http": True}, **options)
    for use in (lambda: gone.put(sha(b"x"), [b"x"]), lambda: gone.open(sha(b"x")), lambda: list(gone.list())):
        with pytest.raises(Unavailable):
            use()


def test_only_s3_addresses() -> None:
    with pytest.raises(ValueError):
        S3Blobs("https://bucket")
