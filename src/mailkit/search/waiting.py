"""Where the words of messages wait that are in no segment yet: deltas, in pieces, by the messages' numbers."""

from collections.abc import Iterator

from mailkit.mailstore.records import Message
from mailkit.search import delta
from mailkit.search.delta import Delta
from mailkit.storage import keyspace, pieces
from mailkit.storage.api import ReadTx, Tx

__all__ = ["drop", "find", "is_there", "put", "rewrite", "scan"]

_SPACE = keyspace.SEARCH_DELTA
_LENGTH = len(_SPACE.key(0, 0))


def put(tx: Tx, account: int, doc: int, row: Message, described: bytes) -> None:
    """Stores what is indexed of a message, which has no delta yet."""
    data = delta.encode(described, date=row.idate, size=row.size, thread=bytes(row.thread))
    pieces.put(tx, _SPACE.key(account, doc), pieces.cut(data))


def rewrite(tx: Tx, account: int, doc: int, row: Message, described: bytes) -> None:
    """Stores what is indexed of a message, whether it has a delta or not."""
    drop(tx, account, doc)
    put(tx, account, doc, row, described)


def drop(tx: Tx, account: int, doc: int) -> None:
    """Removes a message's delta, if it has one."""
    pieces.delete(tx, _SPACE.key(account, doc))


def is_there(tx: ReadTx, account: int, doc: int) -> bool:
    """Whether a message has a delta."""
    return tx.get(_SPACE.key(account, doc)) is not None


def find(tx: ReadTx, account: int, doc: int) -> Delta | None:
    """A message's delta."""
    return next((found for _, found in _deltas(tx, *_SPACE.range(account, doc))), None)


def scan(tx: ReadTx, account: int, first: int, stop: int | None = None) -> Iterator[tuple[int, Delta]]:
    """The deltas of the messages from number `first` up to `stop`, with the numbers."""
    end = _SPACE.range(account)[1] if stop is None else _SPACE.key(account, stop)
    return _deltas(tx, _SPACE.key(account, first), end)


def _deltas(tx: ReadTx, start: bytes, stop: bytes) -> Iterator[tuple[int, Delta]]:
    for key, data in pieces.joined(tx.scan(start, stop), _LENGTH):
        yield _SPACE.parts(key)[1], delta.decode(data)
