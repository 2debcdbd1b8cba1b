"""What is kept of a stored file."""

from msgspec import field

from mailkit.ids import Id
from mailkit.storage import keyspace
from mailkit.storage.codec import Codec, Record
from mailkit.storage.tables import Table

__all__ = ["FILES", "KEPT", "Kept", "StoredFile"]


class StoredFile(Record, frozen=True, kw_only=True):
    """A file; its content is a counted blob."""

    id: Id = field(name="i")
    filename: str = field(name="f")
    content_type: str = field(name="t")
    size: int = field(name="z")  # bytes
    digest: bytes = field(name="h")  # SHA-256 of the content
    created: int = field(name="c")  # ms
    cid: str | None = field(name="d", default=None)


class Kept(Record, frozen=True, kw_only=True):
    """How many files an account has, and their bytes."""

    count: int = field(name="n", default=0)
    size: int = field(name="z", default=0)


FILES = Table[StoredFile](keyspace.STORED_FILE, Codec(StoredFile), missing="file.not_found")
KEPT = Table[Kept](keyspace.STORED_FILES, Codec(Kept))
