"""Storing, referring to and reading content. See the package for the law."""

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, TypeVar

import msgspec

from mailkit.clock import Clock, now_ms
from mailkit.errors import Conflict, Corrupt, NotFound
from mailkit.ids import Id, new_id
from mailkit.storage import pieces
from mailkit.storage.api import BlobStore, ReadTx, Store, Tx
from mailkit.storage.blobs.pack import unpack
from mailkit.storage.blobs.prepared import INLINE_MAX, Prepared, Source, inline, measure, named, salted
from mailkit.storage.blobs.records import Content, File, content, file, set_content, set_file
from mailkit.storage.keyspace import BLOB_BYTES

__all__ = ["Blobs"]

T = TypeVar("T")

_ATTEMPTS = 5
_SALT = 12
"""Bytes before the content in each file."""


class Blobs:
    """Counted content in a store and the BlobStore beside it. Safe to share between threads.

    `inline_max` decides what is small (bytes); rows tell where content is, so it may change at any time.
    """

    def __init__(
        self,
        store: Store,
        files: BlobStore,
        *,
        inline_max: int = INLINE_MAX,
        clock: Clock = now_ms,
        ids: Callable[[int], Id] = new_id,
    ) -> None:
        self.store = store
        self.files = files
        self._inline_max = inline_max
        self._clock = clock
        self._ids = ids

    def prepare(self, source: Source) -> Prepared:
        """Hashes and compresses small content; makes sure that larger content is in the BlobStore.

        Blocks for as long as that takes, so it belongs outside every transaction and off the event loop. Raises
        Unavailable when the BlobStore cannot take the content.
        """
        now = self._clock()
        if not isinstance(source, bytes):
            size = source.seek(0, io.SEEK_END)
            source.seek(0)
            if size <= self._inline_max:
                source = source.read()
        if isinstance(source, bytes) and len(source) <= self._inline_max:
            return inline(source, at=self._ids(now), now=now)
        digest, size = measure(source)
        with self.store.snapshot() as tx:
            known = content(tx, digest) is not None
        if not known:
            self._upload(source, digest, size)
        return Prepared(digest, size, now)

    def hold(self, tx: Tx, prepared: Prepared) -> bytes:
        """Adds a reference and returns the digest that names the content.

        Raises Conflict `blob.gone` when a purge was faster; then prepare again.
        """
        digest = prepared.digest
        row = content(tx, digest)
        if row is not None:
            set_content(tx, digest, row, msgspec.structs.replace(row, count=row.count + 1))
        elif prepared.inline is not None:
            stored = prepared.inline
            pieces.put(tx, BLOB_BYTES.key(stored.at), stored.pieces)
            new = Content(
                count=1,
                size=prepared.size,
                at=stored.at,
                changed=prepared.now,
                packed=stored.packed,
                pieces=len(stored.pieces),
            )
            set_content(tx, digest, None, new)
        else:
            raise Conflict("blob.gone", "The content was purged before it was referred to; prepare it again")
        return digest

    def hold_again(self, tx: Tx, digest: bytes) -> None:
        """Adds a reference to content that the caller's transaction sees referred to (a copied message)."""
        row = _present(tx, digest)
        set_content(tx, digest, row, msgspec.structs.replace(row, count=row.count + 1))

    def release(self, tx: Tx, digest: bytes) -> None:
        """Drops a reference. The bytes stay for the grace period after the last one."""
        row = _present(tx, digest)
        if row.count == 0:
            raise Corrupt("blob.count", f"The content {digest.hex()} has fewer references than were made to it")
        left = row.count - 1
        changed = row.changed if left else self._clock()
        set_content(tx, digest, row, msgspec.structs.replace(row, count=left, changed=changed))

    def size(self, tx: ReadTx, digest: bytes) -> int:
        """Bytes of the content; NotFound `blob.missing` when it is not stored."""
        return _row(tx, digest).size

    def read(self, tx: ReadTx, digest: bytes) -> bytes:
        """The whole content. Of large content `open` gives a stream; both leave the store's lock to read a file."""
        row = _row(tx, digest)
        if row.where == "inline":
            return _inline_bytes(tx, row, digest)
        with self._open_file(row, digest, 0) as stream:
            data = stream.read()
        if len(data) != row.size:
            raise Corrupt("blob.corrupt", "A file has another size than its row says", digest=digest.hex())
        return data

    def open(self, tx: ReadTx, digest: bytes, start: int = 0) -> BinaryIO:
        """The content from byte `start` on; may be read after the transaction has ended. NotFound `blob.missing`."""
        row = _row(tx, digest)
        if row.where == "inline":
            return io.BytesIO(_inline_bytes(tx, row, digest)[start:])
        return self._open_file(row, digest, start)

    def transact(self, sources: Sequence[Source], fn: Callable[[Tx, Sequence[Prepared]], T]) -> T:
        """Prepares `sources` and runs `fn(tx, prepared)`; both again when a purge came between."""
        for _ in range(_ATTEMPTS):
            prepared = [self.prepare(source) for source in sources]
            try:
                return self.store.transact(partial(_with, fn, prepared))
            except Conflict as conflict:
                if conflict.code != "blob.gone":
                    raise
        raise Conflict("store.busy", "Content was purged as fast as it was stored")

    def _upload(self, source: Source, digest: bytes, size: int) -> None:
        for _ in range(_ATTEMPTS):
            salt = self._ids(self._clock())
            name = named(source, salt)
            announced = File(state="writing", since=self._clock())
            self.store.transact(partial(set_file, name=name, old=None, new=announced))
            self.files.put(name, salted(source, salt))
            outcome = self.store.transact(partial(self._register, digest=digest, size=size, name=name))
            if outcome == "kept":
                return
            self.files.delete(name)
            if outcome == "surplus":
                self.store.transact(partial(_forget_file, name=name))
                return
        raise Conflict("store.busy", "Files were purged as fast as they were written")

    def _register(self, tx: Tx, digest: bytes, size: int, name: bytes) -> str:
        now = self._clock()
        announced = file(tx, name)
        if announced is None or announced.state != "writing":
            return "purged"  # this writer slept for longer than the grace period
        if content(tx, digest) is not None:
            # another writer of the same content was faster; 0: no grace for what nobody can have seen
            set_file(tx, name, announced, File(state="condemned", since=0))
            return "surplus"
        set_file(tx, name, announced, File(state="kept", since=now))
        set_content(tx, digest, None, Content(count=0, size=size, at=name, changed=now))
        return "kept"

    def _open_file(self, row: Content, digest: bytes, start: int) -> BinaryIO:
        try:
            return self.files.open(row.at, _SALT + start)
        except NotFound as error:
            raise Corrupt("blob.lost", "The file of a stored content is gone", digest=digest.hex()) from error


def _row(tx: ReadTx, digest: bytes) -> Content:
    row = content(tx, digest)
    if row is None:
        raise NotFound("blob.missing", "There is no such content", digest=digest.hex())
    return row


def _present(tx: ReadTx, digest: bytes) -> Content:
    row = content(tx, digest)
    if row is None:
        raise Corrupt("blob.missing", f"The content {digest.hex()} is referred to and not stored")
    return row


def _inline_bytes(tx: ReadTx, row: Content, digest: bytes) -> bytes:
    data = pieces.read(tx, BLOB_BYTES.key(row.at), row.pieces)
    if data is None:
        raise Corrupt("blob.lost", "The bytes of a stored content are gone", digest=digest.hex())
    return unpack(row.packed, data, row.size)


def _with(fn: Callable[[Tx, Sequence[Prepared]], T], prepared: Sequence[Prepared], tx: Tx) -> T:
    return fn(tx, prepared)


def _forget_file(tx: Tx, name: bytes) -> None:
    set_file(tx, name, file(tx, name), None)
