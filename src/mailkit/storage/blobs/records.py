"""The rows of the blob layer, and the one way to change them: with their entry in the list of loose things.

`Table` and `Index` are not used because the key of these rows is their content's digest, which an index would need
inside the row, and because a reference to known content should cost one read and one write.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import field

from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keyspace import BLOB_FILES, BLOB_LOOSE, BLOBS

__all__ = ["CONTENT", "FILE", "Content", "File", "content", "file", "loose", "set_content", "set_file"]

CONTENT, FILE = 0, 1
"""The kinds of loose things: content without references, files on their way in or out."""


class Content(Record, frozen=True, kw_only=True):
    """One content, by its digest. The row is there exactly as long as the bytes are."""

    count: int = field(name="n")
    """References to it."""
    size: int = field(name="s")
    """Bytes, before compression."""
    at: bytes = field(name="a")
    """The id its bytes are under (12 bytes: in the store), or their name in the BlobStore (32 bytes)."""
    changed: int = field(name="t")
    """When it was stored or last lost its last reference, UTC milliseconds."""
    packed: Literal["", "zstd"] = field(name="z", default="")
    """How bytes in the store are compressed."""
    pieces: int = field(name="p", default=1)
    """How many pieces they are in."""

    @property
    def where(self) -> Literal["inline", "file"]:
        """In the store itself, or in the BlobStore."""
        return "inline" if len(self.at) == 12 else "file"


class File(Record, frozen=True, kw_only=True):
    """One name in the BlobStore."""

    state: Literal["writing", "kept", "condemned", "stray"] = field(name="s")
    """`writing`: announced; `kept`: a content's row names it; `condemned`: nothing will ever name it again;
    `stray`: found without a row."""
    since: int = field(name="t")
    """When it came into that state, UTC milliseconds; a condemned file keeps the time of its last use."""


_CONTENTS = Codec(Content, version=2, upgrades={1: dict})  # 1: all in one piece
_FILES = Codec(File)


def content(tx: ReadTx, digest: bytes) -> Content | None:
    """The row of a content, or None."""
    data = tx.get(BLOBS.key(digest))
    return None if data is None else _CONTENTS.decode(data)


def file(tx: ReadTx, name: bytes) -> File | None:
    """The row of a file, or None."""
    data = tx.get(BLOB_FILES.key(name))
    return None if data is None else _FILES.decode(data)


def set_content(tx: Tx, digest: bytes, old: Content | None, new: Content | None) -> None:
    """Replaces the row `old` of a content by `new`; None where there is no row."""
    before = None if old is None or old.count else BLOB_LOOSE.key(CONTENT, old.changed, digest)
    after = None if new is None or new.count else BLOB_LOOSE.key(CONTENT, new.changed, digest)
    _move(tx, before, after)
    if new is None:
        tx.delete(BLOBS.key(digest))
    else:
        tx.put(BLOBS.key(digest), _CONTENTS.encode(new))


def set_file(tx: Tx, name: bytes, old: File | None, new: File | None) -> None:
    """Replaces the row `old` of a file by `new`; None where there is no row."""
    before = None if old is None or old.state == "kept" else BLOB_LOOSE.key(FILE, old.since, name)
    after = None if new is None or new.state == "kept" else BLOB_LOOSE.key(FILE, new.since, name)
    _move(tx, before, after)
    if new is None:
        tx.delete(BLOB_FILES.key(name))
    else:
        tx.put(BLOB_FILES.key(name), _FILES.encode(new))


def _move(tx: Tx, before: bytes | None, after: bytes | None) -> None:
    if before == after:
        return
    if before is not None:
        tx.delete(before)
    if after is not None:
        tx.put(after, b"")


def loose(tx: ReadTx, kind: int, before: int, limit: int) -> Iterator[bytes]:
    """Digests of contents, or names of files, that have been loose since before `before`; the longest first."""
    for key, _ in tx.scan(BLOB_LOOSE.key(kind), BLOB_LOOSE.key(kind, before), limit=limit):
        yield BLOB_LOOSE.parts(key)[2]
