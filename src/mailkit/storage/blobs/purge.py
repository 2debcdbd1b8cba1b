"""Removing what nobody refers to, and finding files that no row knows.

Each step is its own transaction or its own file operation, in an order in which stopping anywhere is harmless:

1. one transaction takes the rows of contents that have had no reference for the grace period; bytes in the store go
   with them, files become `condemned`. From here on no reference to them can be made;
2. one transaction condemns files whose writer announced them and never came back, and strays;
3. each condemned file is deleted, and after it its row.
"""

from itertools import islice

from attrs import evolve, frozen

from mailkit.storage import pieces
from mailkit.storage.api import Cleans, Tx
from mailkit.storage.blobs.counted import Blobs
from mailkit.storage.blobs.records import CONTENT, FILE, File, content, file, loose, set_content, set_file
from mailkit.storage.keyspace import BLOB_BYTES

__all__ = ["GRACE", "Purged", "purge", "sweep"]

GRACE = 3_600_000
"""How long things stay loose before they are purged, in milliseconds."""


@frozen
class Purged:
    """What a purge has removed."""

    contents: int = 0
    """Contents without references."""
    size: int = 0
    """Their bytes, before compression."""
    files: int = 0
    """Files in the BlobStore: of those contents, of writers that never came back, and strays."""
    unfinished: int = 0
    """Remains of interrupted writes inside the BlobStore."""
    more: bool = False
    """True when the limit was reached: call again."""


def purge(blobs: Blobs, now: int, *, grace: int = GRACE, limit: int = 500) -> Purged:
    """Removes up to `limit` contents, and as many files, that have been loose for `grace` milliseconds.

    May be stopped at any moment, run again, and run by several processes at once.
    """
    before = now - grace
    taken = blobs.store.transact(lambda tx: _take_contents(tx, before, limit))
    condemned = blobs.store.transact(lambda tx: _condemn_files(tx, before, limit))
    for name in condemned:
        blobs.files.delete(name)
    files = blobs.store.transact(lambda tx: _forget_files(tx, condemned))
    unfinished = blobs.files.clean(before) if isinstance(blobs.files, Cleans) else 0
    return evolve(taken, files=files, unfinished=unfinished, more=taken.contents == limit or len(condemned) == limit)


def _take_contents(tx: Tx, before: int, limit: int) -> Purged:
    count = size = 0
    for digest in list(loose(tx, CONTENT, before, limit)):
        row = content(tx, digest)
        if row is None or row.count:
            continue  # `mailkit check` tells about an entry that is wrong; to purge on its word would lose bytes
        set_content(tx, digest, row, None)
        if row.where == "inline":
            pieces.delete(tx, BLOB_BYTES.key(row.at), row.pieces)
        else:
            set_file(tx, row.at, file(tx, row.at), File(state="condemned", since=row.changed))
        count, size = count + 1, size + row.size
    return Purged(count, size)


def _condemn_files(tx: Tx, before: int, limit: int) -> list[bytes]:
    names = list(loose(tx, FILE, before, limit))
    for name in names:
        row = file(tx, name)
        if row is not None and row.state in ("writing", "stray"):
            set_file(tx, name, row, File(state="condemned", since=row.since))
    return names


def _forget_files(tx: Tx, names: list[bytes]) -> int:
    rows = [(name, row) for name in names if (row := file(tx, name)) is not None]
    for name, row in rows:
        set_file(tx, name, row, None)
    return len(rows)


def sweep(blobs: Blobs, now: int, *, after: bytes = b"", limit: int = 1000) -> tuple[int, bytes | None]:
    """Looks at up to `limit` files with names above `after`, and gives those without a row one as `stray`.

    Returns how many were strays, and where to go on (None at the end). A purge deletes strays after the grace period;
    until then a mistake, such as the folder of another store, can be undone by deleting the rows.
    """
    names = list(islice(blobs.files.list(after), limit))

    def mark(tx: Tx) -> int:
        # the names were listed before this transaction began: a file that existed then had a row before that
        strays = [name for name in names if file(tx, name) is None]
        for name in strays:
            set_file(tx, name, None, File(state="stray", since=now))
        return len(strays)

    found = blobs.store.transact(mark)
    return found, names[-1] if len(names) == limit else None
