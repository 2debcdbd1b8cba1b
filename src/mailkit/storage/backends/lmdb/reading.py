"""Reading one state of an LMDB environment.

Three trees. `rows` holds the keys as they are. `journal` holds the entries of the append spaces under the length of the
space's name, the name and the position (u64). The unnamed one, which the engine rewrites at every commit anyway, holds
the last position given out: one counter for all spaces, so that trimming a space never takes its head back.
"""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import lmdb

from mailkit.storage.api import check_key, check_space
from mailkit.storage.backends.lmdb.failures import over

if TYPE_CHECKING:
    from lmdb import _Database  # exists in the stubs only

__all__ = ["LAST_POSITION", "Reading", "Trees", "journal_key", "journal_prefix"]

LAST_POSITION = b"position"
"""The key, in the unnamed tree, of the last position given out (u64)."""

_BEYOND = b"\xff" * 8


class Trees:
    """Handles of the three trees; `ended` is a transaction that is over."""

    __slots__ = ("ended", "journal", "meta", "rows")

    def __init__(
        self, meta: "_Database", rows: "_Database", journal: "_Database", ended: "lmdb.Transaction[bytes]"
    ) -> None:
        self.meta = meta
        self.rows = rows
        self.journal = journal
        self.ended = ended


def journal_prefix(space: bytes) -> bytes:
    """What the keys of a space's entries begin with; the length keeps spaces apart that begin alike."""
    check_space(space)
    return bytes((len(space),)) + space


def journal_key(space: bytes, position: int) -> bytes:
    """The key of an entry."""
    return journal_prefix(space) + position.to_bytes(8, "big")


class Reading:
    """A `ReadTx` over an open transaction of the engine."""

    __slots__ = ("_trees", "_txn")

    def __init__(self, txn: "lmdb.Transaction[bytes]", trees: Trees) -> None:
        self._txn = txn
        self._trees = trees

    def end(self) -> None:
        """Makes this refuse to read any more, while the transaction goes on."""
        self._txn = self._trees.ended

    def get(self, key: bytes) -> bytes | None:
        if not 0 < len(key) <= 511:
            check_key(key)
        try:
            return self._txn.get(key)
        except lmdb.Error as error:
            raise over(error) from error

    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        pairs = walk(self._txn, self._trees.rows, start, stop, reverse)
        return pairs if limit is None else islice(pairs, limit)

    def appended(self, space: bytes, after: int = 0, *, limit: int | None = None) -> Iterator[tuple[int, bytes]]:
        start, stop = journal_key(space, after + 1), journal_prefix(space) + _BEYOND
        pairs = walk(self._txn, self._trees.journal, start, stop)
        return ((int.from_bytes(key[-8:], "big"), value) for key, value in islice(pairs, limit))

    def head(self, space: bytes) -> int:
        try:
            return int.from_bytes(self._txn.get(LAST_POSITION, b"", self._trees.meta), "big")
        except lmdb.Error as error:
            raise over(error) from error


def walk(
    txn: "lmdb.Transaction[bytes]", tree: "_Database", start: bytes, stop: bytes, reverse: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """Pairs with start <= key < stop of a tree that is not written to meanwhile."""
    try:
        with txn.cursor(tree) as cursor:
            if reverse:
                # an iterator on an unpositioned cursor would begin at the far end: position it or leave
                if not (cursor.prev() if cursor.set_range(stop) else cursor.last()):
                    return
                for pair in cursor.iterprev():
                    if pair[0] < start:
                        return
                    yield pair
            elif cursor.set_range(start) if start else cursor.first():
                for pair in cursor.iternext():
                    if pair[0] >= stop:
                        return
                    yield pair
    except lmdb.Error as error:
        raise over(error) from error
