"""A BlobStore in a bucket of S3, or of anything that speaks its protocol. Needs the extra `s3` (obstore).

One object for each content, named by its SHA-256 in hexadecimal behind an optional prefix. Nothing is asked of the
service but put, ranged get, delete and a sorted list; no conditional writes, which many compatibles lack.

Uploads of over 5 MiB are made in parts. What a killed upload leaves is invisible and still costs: give the bucket a
lifecycle rule that aborts incomplete multipart uploads after a day.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from mailkit.errors import Corrupt, NotFound, Unavailable

__all__ = ["S3Blobs"]

_IN_MEMORY = 8 << 20
_CHUNK = 1 << 20


class S3Blobs:
    """See the module. `url` is `s3://bucket` or `s3://bucket/prefix`.

    `options` are obstore's (`endpoint`, `region`, `access_key_id`, `secret_access_key`, ...); what is missing comes
    from the usual environment variables (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, ...). `client` are obstore's options
    of the HTTP client (`timeout`, `allow_http`, ...). Safe to share between threads.
    """

    def __init__(self, url: str, *, client: dict[str, Any] | None = None, **options: Any) -> None:
        if not url.startswith("s3://"):
            raise ValueError(f"not an s3:// address: {url}")
        limits: Any = {"connect_timeout": "5s", "timeout": "300s", **(client or {})}
        retries: Any = {"max_retries": 3}
        with _reported(b""):
            self._bucket = S3Store.from_url(url, client_options=limits, retry_config=retries, **options)

    def put(self, digest: bytes, chunks: Iterable[bytes]) -> int:
        name = _name(digest)
        hashed = hashlib.sha256()
        # an object is visible once it is stored, so what it is has to be known before
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            for chunk in chunks:
                hashed.update(chunk)
                spool.write(chunk)
            if hashed.digest() != digest:
                raise Corrupt("blob.digest", "The content is not what its name says", digest=digest.hex())
            size = spool.tell()
            spool.seek(0)
            with _reported(digest):
                obstore.put(self._bucket, name, cast(BinaryIO, spool))
        return size

    def open(self, digest: bytes, start: int = 0) -> BinaryIO:
        name = _name(digest)
        with _reported(digest):
            if start and start >= obstore.head(self._bucket, name)["size"]:
                return io.BytesIO()  # a range beyond the end is an error in HTTP
            found = obstore.get(self._bucket, name, options={"range": {"offset": start}} if start else None)
            return cast(BinaryIO, io.BufferedReader(_Stream(iter(found.stream(min_chunk_size=_CHUNK)), digest), _CHUNK))

    def delete(self, digest: bytes) -> None:
        name = _name(digest)
        try:
            with _reported(digest):
                obstore.delete(self._bucket, name)
        except NotFound:
            pass

    def list(self, after: bytes = b"") -> Iterator[bytes]:
        with _reported(after):
            for page in obstore.list(self._bucket, offset=after.hex() or None, chunk_size=1000):
                for item in page:
                    name = item["path"]
                    if len(name) == 64 and name > after.hex():
                        yield bytes.fromhex(name)


def _name(digest: bytes) -> str:
    if len(digest) != 32:
        raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
    return digest.hex()


class _Stream(io.RawIOBase):
    """The chunks of a download as a file."""

    def __init__(self, chunks: Iterator[Any], digest: bytes) -> None:
        self._chunks = chunks
        self._digest = digest
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        with _reported(self._digest):
            while not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return 0
                self._rest = memoryview(bytes(chunk))
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


@contextmanager
def _reported(digest: bytes) -> Iterator[None]:
    """The service's failures, in our words."""
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise NotFound("blob.missing", "There is no such content", digest=digest.hex()) from None
    except (BaseError, OSError) as error:
        raise Unavailable("blobs.unavailable", f"The bucket failed: {str(error).splitlines()[0]}") from error
