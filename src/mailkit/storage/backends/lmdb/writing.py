"""What a function did, carried over into the writer's transaction."""

from itertools import chain

import lmdb

from mailkit.storage.backends.lmdb.log_format import Work
from mailkit.storage.backends.lmdb.reading import LAST_POSITION, Trees, journal_key, journal_prefix
from mailkit.storage.overlay import Overlay

__all__ = ["carry_over", "work_of"]


def work_of(overlay: Overlay) -> Work | None:
    """None when the function wrote nothing."""
    if not (overlay.writes or overlay.entries or overlay.trims):
        return None
    return list(chain.from_iterable(overlay.writes.items())), overlay.trims, overlay.entries


def carry_over(txn: "lmdb.Transaction[bytes]", trees: Trees, work: Work) -> None:
    """Does `work` in `txn`. Raises what the engine raises."""
    writes, trims, entries = work
    pairs = iter(writes)
    for key, value in zip(pairs, pairs, strict=True):
        assert key is not None
        if value is None:
            txn.delete(key, db=trees.rows)
        else:
            txn.put(key, value, db=trees.rows)
    for space, through in trims.items():
        _trim(txn, trees, space, through)
    if not entries:
        return
    position = int.from_bytes(txn.get(LAST_POSITION, b"", trees.meta), "big")
    for space, value in entries:
        position += 1
        txn.put(journal_key(space, position), value, db=trees.journal)
    txn.put(LAST_POSITION, position.to_bytes(8, "big"), db=trees.meta)


def _trim(txn: "lmdb.Transaction[bytes]", trees: Trees, space: bytes, through: int) -> None:
    first, last = journal_prefix(space), journal_key(space, through)
    with txn.cursor(trees.journal) as cursor:
        while cursor.set_range(first) and cursor.key() <= last:
            cursor.delete()
