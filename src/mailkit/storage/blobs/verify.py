"""`mailkit check` for blobs: counts equal the references found, and every row has its bytes."""

from collections import Counter
from collections.abc import Iterator

from mailkit.errors import NotFound
from mailkit.storage.blobs.counted import Blobs
from mailkit.storage.blobs.records import content, file
from mailkit.storage.keyspace import BLOB_BYTES, BLOB_FILES, BLOBS
from mailkit.storage.verify import Finding, error, notice
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(blobs: Blobs, references: Counter[bytes]) -> Iterator[Finding]:
    """`references` are all that were found in the store, by digest. What nobody refers to yet is a notice."""
    store = blobs.store
    loose = size = 0
    named: set[bytes] = set()
    for key, _ in walk(store, *BLOBS.range()):
        digest = BLOBS.parts(key)[0]
        with store.snapshot() as tx:
            row = content(tx, digest)
            if row is None:
                continue
            pieces = 0 if row.where == "file" else sum(1 for _ in tx.scan(*BLOB_BYTES.range(row.at)))
            registered = row.where == "inline" or ((found := file(tx, row.at)) is not None and found.state == "kept")
        named.add(row.at)
        if row.where == "file" and not _readable(blobs, row.at):
            yield error("blobs", f"{digest.hex()}: its bytes are gone")
        if row.where == "inline" and pieces != row.pieces:
            yield error("blobs", f"{digest.hex()}: {pieces} of its {row.pieces} pieces are there")
        if not registered:
            yield error("blobs", f"{digest.hex()}: the row of its file is missing")
        if row.count != references[digest]:
            yield error("blobs", f"{digest.hex()}: {row.count} references are counted, {references[digest]} were found")
        if not row.count:
            loose, size = loose + 1, size + row.size
        references.pop(digest, None)
    for digest, count in references.items():
        if count:
            yield error("blobs", f"{digest.hex()}: {count} references to content that is not there")
    for key, _ in walk(store, *BLOB_BYTES.range()):
        if BLOB_BYTES.parts(key)[0] not in named:
            yield error("blobs", f"bytes {key.hex()} belong to no content")
    if loose:
        yield notice(
            "blobs", f"{loose} contents, {size} bytes, are not referred to; a purge removes them after an hour"
        )
    strays = 0
    for name in blobs.files.list():
        with store.snapshot() as tx:
            strays += tx.get(BLOB_FILES.key(name)) is None
    if strays:
        yield notice("blobs", f"{strays} files have no row; a sweep finds them")


def _readable(blobs: Blobs, name: bytes) -> bool:
    try:
        blobs.files.open(name).close()
    except NotFound:
        return False
    return True
