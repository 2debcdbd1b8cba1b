"""What a function did, carried over into the writer's transaction."""

import lmdb

from mailkit.storage.backends.lmdb.reading import LAST_POSITION, Trees, journal_key, journal_prefix
from mailkit.storage.overlay import Overlay

__all__ = ["carry_over"]


def carry_over(overlay: Overlay, txn: "lmdb.Transaction[bytes]", trees: Trees) -> bool:
    """Does the writes of `overlay` in `txn`; True when something was appended. Raises what the engine raises."""
    for key, value in overlay.writes.items():
        if value is None:
            txn.delete(key)
        else:
            txn.put(key, value)
    for space, through in overlay.trims.items():
        _trim(txn, trees, space, through)
    if not overlay.entries:
        return False
    position = int.from_bytes(txn.get(LAST_POSITION, b"", trees.meta), "big")
    for space, value in overlay.entries:
        position += 1
        txn.put(journal_key(space, position), value, db=trees.journal)
    txn.put(LAST_POSITION, position.to_bytes(8, "big"), db=trees.meta)
    return True


def _trim(txn: "lmdb.Transaction[bytes]", trees: Trees, space: bytes, through: int) -> None:
    first, last = journal_prefix(space), journal_key(space, through)
    with txn.cursor(trees.journal) as cursor:
        while cursor.set_range(first) and cursor.key() <= last:
            cursor.delete()
