"""A BlobStore inside a Store, in pieces of 1 MiB: for `memory:`, and for PostgreSQL when one server is to keep all.

Keys, for each digest:

    digest, zero id, 0       the object: which upload holds the content, its size, its pieces' size
    digest, upload, n        piece n
    digest, upload, last     the upload goes on; its last transaction demands and removes this

Each upload has an id of its own, so that neither a wrong content under a digest nor a writer that was given up can
touch pieces that an object names.
"""

import hashlib
import io
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import BinaryIO, cast

from attrs import frozen

from mailkit.clock import Clock, now_ms
from mailkit.errors import Conflict, Corrupt, NotFound, Unavailable
from mailkit.ids import Id, new_id
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.keys import after_prefix
from mailkit.storage.keyspace import BLOB_PIECES

__all__ = ["StoreBlobs"]

_OBJECT = bytes(12)
_GOING_ON = 0xFFFFFFFF
_PACKED = struct.Struct(">12sIQ")
_STOP = after_prefix(BLOB_PIECES.key())
_TOGETHER = 256
"""Pieces removed in one transaction."""


@frozen
class _Object:
    upload: Id
    piece: int
    size: int

    def encode(self) -> bytes:
        return _PACKED.pack(self.upload, self.piece, self.size)

    @classmethod
    def decode(cls, data: bytes) -> "_Object":
        upload, piece, size = _PACKED.unpack(data)
        return cls(Id(upload), piece, size)


class StoreBlobs:
    """See the module. `piece` is the size of pieces in bytes; content stored with another one stays readable."""

    def __init__(
        self, store: Store, *, piece: int = 1 << 20, clock: Clock = now_ms, ids: Callable[[int], Id] = new_id
    ) -> None:
        self._store = store
        self._piece = piece
        self._clock = clock
        self._ids = ids

    def put(self, digest: bytes, chunks: Iterable[bytes]) -> int:
        _check(digest)
        upload = self._ids(self._clock())
        hashed, size, last = hashlib.sha256(), 0, b""
        pieces = -1
        try:
            for pieces, piece in enumerate(_even(chunks, self._piece)):
                # one piece behind, so that the last one, mostly the only one, travels with the object
                if pieces:
                    number = pieces - 1
                    self._store.transact(
                        partial(self._put_piece, digest=digest, upload=upload, number=number, data=last)
                    )
                hashed.update(piece)
                size, last = size + len(piece), piece
            if hashed.digest() != digest:
                raise Corrupt("blob.digest", "The content is not what its name says", digest=digest.hex())
            made = _Object(upload, self._piece, size)
            if not self._store.transact(lambda tx: self._finish(tx, digest, made, max(pieces, 0), last)):
                self._drop(digest, upload)
        except BaseException:
            self._drop(digest, upload)
            raise
        return size

    def _put_piece(self, tx: Tx, digest: bytes, upload: Id, number: int, data: bytes) -> None:
        if number == 0:
            tx.put(BLOB_PIECES.key(digest, upload, _GOING_ON), b"")
        tx.put(BLOB_PIECES.key(digest, upload, number), data)

    def _finish(self, tx: Tx, digest: bytes, made: _Object, number: int, data: bytes) -> bool:
        if _find(tx, digest) is not None:
            return False
        if number:
            going_on = BLOB_PIECES.key(digest, made.upload, _GOING_ON)
            if tx.get(going_on) is None:
                raise Conflict("blob.gone", "The upload took so long that it was given up")
            tx.delete(going_on)
        if data:
            tx.put(BLOB_PIECES.key(digest, made.upload, number), data)
        tx.put(BLOB_PIECES.key(digest, _OBJECT, 0), made.encode())
        return True

    def open(self, digest: bytes, start: int = 0) -> BinaryIO:
        _check(digest)
        with self._store.snapshot() as tx:
            found = _find(tx, digest)
        if found is None:
            raise NotFound("blob.missing", "There is no such content", digest=digest.hex())
        return cast(BinaryIO, io.BufferedReader(_Pieces(self._store, digest, found, start)))

    def delete(self, digest: bytes) -> None:
        _check(digest)

        def hide(tx: Tx) -> Id | None:
            found = _find(tx, digest)
            if found is None:
                return None
            tx.delete(BLOB_PIECES.key(digest, _OBJECT, 0))
            return found.upload

        upload = self._store.transact(hide)
        if upload is not None:
            self._drop(digest, upload)

    def list(self, after: bytes = b"") -> Iterator[bytes]:
        start = after_prefix(BLOB_PIECES.key(after)) if after else BLOB_PIECES.key()
        while start:
            with self._store.snapshot() as tx:
                digests, start = _some_objects(tx, start, 100)
            yield from digests

    def clean(self, before: int) -> int:
        """Removes uploads begun before `before` (UTC milliseconds) that no object names."""
        removed, start = 0, BLOB_PIECES.key()
        while start:
            with self._store.snapshot() as tx:
                abandoned, start = _some_abandoned(tx, start, 100, before)
            for digest, upload in abandoned:
                self._drop(digest, upload)
            removed += len(abandoned)
        return removed

    def _drop(self, digest: bytes, upload: Id) -> None:
        start, stop = BLOB_PIECES.range(digest, upload)

        def some(tx: Tx) -> int:
            found = _find(tx, digest)
            if found is not None and found.upload == upload:
                return 0  # finished after all
            # first of all the mark, so that its writer can no longer finish
            tx.delete(BLOB_PIECES.key(digest, upload, _GOING_ON))
            keys = [key for key, _ in tx.scan(start, stop, limit=_TOGETHER)]
            for key in keys:
                tx.delete(key)
            return len(keys)

        while self._store.transact(some) == _TOGETHER:
            pass


def _check(digest: bytes) -> None:
    if len(digest) != 32:
        raise ValueError(f"a digest has 32 bytes, not {len(digest)}")


def _find(tx: ReadTx, digest: bytes) -> _Object | None:
    data = tx.get(BLOB_PIECES.key(digest, _OBJECT, 0))
    return None if data is None else _Object.decode(data)


def _some_objects(tx: ReadTx, start: bytes, limit: int) -> tuple[list[bytes], bytes]:
    """Digests of objects from `start` on, and where to go on (empty: nowhere). Skips over the pieces."""
    found: list[bytes] = []
    for _ in range(limit):
        key = _first(tx, start, _STOP)
        if key is None:
            return found, b""
        digest, upload, _ = BLOB_PIECES.parts(key)
        if upload == _OBJECT:
            found.append(digest)
        start = after_prefix(BLOB_PIECES.key(digest))
    return found, start


def _some_abandoned(tx: ReadTx, start: bytes, limit: int, before: int) -> tuple[list[tuple[bytes, Id]], bytes]:
    """Uploads begun before `before` that no object names, among the next `limit` digests, and where to go on."""
    found: list[tuple[bytes, Id]] = []
    for _ in range(limit):
        key = _first(tx, start, _STOP)
        if key is None:
            return found, b""
        digest = BLOB_PIECES.parts(key)[0]
        named = _find(tx, digest)
        low, high = BLOB_PIECES.range(digest)
        # around the named upload, so as not to read the first piece of every object
        around = [(low, high)]
        if named is not None:
            around = [
                (BLOB_PIECES.key(digest, _OBJECT, 1), BLOB_PIECES.key(digest, named.upload)),
                (after_prefix(BLOB_PIECES.key(digest, named.upload)), high),
            ]
        found += [(digest, upload) for part in around for upload in _uploads(tx, *part) if upload.created < before]
        start = high
    return found, start


def _uploads(tx: ReadTx, start: bytes, stop: bytes) -> Iterator[Id]:
    while (key := _first(tx, start, stop)) is not None:
        digest, upload, _ = BLOB_PIECES.parts(key)
        yield Id(upload)
        start = after_prefix(BLOB_PIECES.key(digest, upload))


def _first(tx: ReadTx, start: bytes, stop: bytes) -> bytes | None:
    return next((key for key, _ in tx.scan(start, stop, limit=1)), None)


def _even(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in chunks of `size`, the last one shorter."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


class _Pieces(io.RawIOBase):
    """Reads an object piece by piece, each in a snapshot of its own."""

    def __init__(self, store: Store, digest: bytes, found: _Object, start: int) -> None:
        self._store = store
        self._digest = digest
        self._object = found
        self._at = start
        self._piece = memoryview(b"")
        self._piece_number = -1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        if self._at >= self._object.size:
            return 0
        number, within = divmod(self._at, self._object.piece)
        if number != self._piece_number:
            self._piece = memoryview(self._fetch(number))
            self._piece_number = number
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # what readinto is given is a buffer
        part = self._piece[within : within + len(target)]
        target[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _fetch(self, number: int) -> bytes:
        with self._store.snapshot() as tx:
            data = tx.get(BLOB_PIECES.key(self._digest, self._object.upload, number))
        if data is None:
            raise Unavailable("blob.gone", "The content was deleted while it was being read")
        if len(data) != min(self._object.piece, self._object.size - number * self._object.piece):
            raise Corrupt("blob.corrupt", "A piece of stored content has the wrong size")
        return data
