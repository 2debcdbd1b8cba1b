"""Storing, listing, reading and removing files."""

from collections.abc import Callable, Iterator

from attrs import frozen
from msgspec.structs import replace

from mailkit.clock import Clock
from mailkit.errors import Invalid, NotFound, OverQuota
from mailkit.files.naming import name_and_type
from mailkit.files.records import FILES, KEPT, Kept, StoredFile
from mailkit.ids import Id, new_id
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.blobs import Blobs, Prepared
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["Files", "NewFile"]

_STEP = 500
_CHUNK = 256 * 1024


@frozen
class NewFile:
    """A file whose content is prepared; it only waits for its transaction."""

    filename: str
    content_type: str
    cid: str | None
    content: Prepared


class Files:
    """The service. Accounts are given by number; `most()` says how many bytes one may keep."""

    def __init__(self, store: Store, blobs: Blobs, *, clock: Clock, most: Callable[[], int]) -> None:
        self.store = store
        self.blobs = blobs
        self.clock = clock
        self._most = most

    def prepare(self, content: bytes, *, filename: str = "", content_type: str = "", cid: str | None = None) -> NewFile:
        """Hashes and compresses, or writes a large file: what need not happen in a transaction."""
        if not content:
            raise Invalid.field("content", '"content" is not allowed to be empty', kind="empty")
        name, kind = name_and_type(filename, content_type, now=self.clock())
        return NewFile(name, kind, cid, self.blobs.prepare(content))

    @writes
    def add(self, account: int, new: NewFile, *, tx: Tx = OWN) -> StoredFile:
        """Keeps a file. OverQuota `files.full`; Conflict `blob.gone`: prepare it again."""
        kept, most = self.kept(account, tx=tx), self._most()
        size = new.content.size
        if kept.size + size > most:
            raise OverQuota("files.full", "There is no room for this file", used=kept.size, allowed=most, size=size)
        now = self.clock()
        row = StoredFile(
            id=new_id(now),
            filename=new.filename,
            content_type=new.content_type,
            size=size,
            digest=self.blobs.hold(tx, new.content),
            created=now,
            cid=new.cid,
        )
        FILES.put(tx, row, account, row.id)
        tx.put(keyspace.STORED_FILE_NAME.key(account, row.filename, row.id), b"")
        KEPT.put(tx, Kept(count=kept.count + 1, size=kept.size + size), account)
        return row

    @reads
    def get(self, account: int, id: Id, *, tx: ReadTx = OWN) -> StoredFile:
        """A file's record; NotFound `file.not_found`."""
        row = FILES.find(tx, account, id)
        if row is None:
            raise NotFound("file.not_found", "This file does not exist", file=str(id))
        return row

    @reads
    def kept(self, account: int, *, tx: ReadTx = OWN) -> Kept:
        """How many files there are, and their bytes."""
        return KEPT.find(tx, account) or Kept()

    @reads
    def list(
        self,
        account: int,
        *,
        query: str = "",
        limit: int = 20,
        after: tuple[str, Id] | None = None,
        backwards: bool = False,
        tx: ReadTx = OWN,
    ) -> Page[StoredFile]:
        """A page by name. Flat; with `query`, a part of the names (case matters), a scan.

        `after` is the name and id of a file to continue behind; with `backwards`, the page before it. Of a file that is
        still there, the beginning of the name will do.
        """
        start, stop = keyspace.STORED_FILE_NAME.range(account)
        if after is not None:
            known = FILES.find(tx, account, after[1])
            name = after[0] if known is None else known.filename
            edge_start, edge_stop = keyspace.STORED_FILE_NAME.range(account, name, after[1])
            start, stop = (start, edge_start) if backwards else (edge_stop, stop)
        found: list[StoredFile] = []
        for key, _ in tx.scan(start, stop, reverse=backwards):
            row = FILES.get(tx, account, Id(keyspace.STORED_FILE_NAME.parts(key)[-1]))
            if query in row.filename:
                found.append(row)
                if len(found) > limit:
                    break
        more = len(found) > limit
        found = found[:limit]
        if backwards:
            found.reverse()
        if query:
            total = sum(query in row.filename for _, row in FILES.scan(tx, account))
        else:
            total = self.kept(account, tx=tx).count
        before, beyond = (more, after is not None) if backwards else (after is not None, more)
        return Page(tuple(found), total, before, beyond)

    @writes
    def delete(self, account: int, id: Id, *, tx: Tx = OWN) -> StoredFile:
        """Removes a file; messages that it was attached to keep it. NotFound `file.not_found`."""
        row = self.get(account, id, tx=tx)
        self._drop(account, row, tx)
        kept = self.kept(account, tx=tx)
        KEPT.put(tx, replace(kept, count=kept.count - 1, size=kept.size - row.size), account)
        return row

    def content(self, row: StoredFile) -> bytes:
        """All of its bytes."""
        return b"".join(self.stream(row))

    def stream(self, row: StoredFile) -> Iterator[bytes]:
        """Its bytes, in chunks."""
        with self.store.snapshot() as tx:
            stream = self.blobs.open(tx, row.digest)
        with stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    def erase_some(self, account: int, *, tx: Tx) -> int:
        """A step of an account's purge: up to 500 files go; returns how many."""
        rows = [row for _, row in FILES.scan(tx, account, limit=_STEP)]
        for row in rows:
            self._drop(account, row, tx)
        if not rows:
            KEPT.delete(tx, account)
        return len(rows)

    def _drop(self, account: int, row: StoredFile, tx: Tx) -> None:
        self.blobs.release(tx, row.digest)
        FILES.delete(tx, account, row.id)
        tx.delete(keyspace.STORED_FILE_NAME.key(account, row.filename, row.id))
