"""Values of some KB that there are very many of, cut into pieces so that they leave little of their pages empty.

LMDB gives a value of more than about 2,030 bytes pages of 4,096 bytes of its own, and the last one is half empty.
Smaller values share pages, but where keys only grow a full page is left one value short. So what doesn't nearly fill
pages of its own is cut: a piece of whole pages, and small ones of the rest. Other backends don't mind.

The first piece lies under the key, the others behind it, under the key and a number (u8). All keys of the space must
have one length, or a piece could pass for another value.
"""

from collections.abc import Iterable, Iterator, Sequence

from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.keys import after_prefix

__all__ = ["cut", "delete", "joined", "put", "read"]

_PAGE = 4_096
_HEADER = 16
"""Bytes that a run of pages needs for itself."""

_PIECE = 656
"""Six pieces fill a shared page: it has 4,080 bytes, and with a key of 14 bytes each takes 24 more. Measured from 400
to 2,016: larger ones leave larger gaps, smaller ones save no more than their keys take."""

_FREE = 1_300
"""When no more than this stays free on a value's own pages, pieces would take as much."""

_SHARE = 16
"""Nor is it worth cutting when less than one byte in so many would be saved."""


def cut(data: bytes) -> tuple[bytes, ...]:
    """The pieces, in order: at least one, at most six."""
    size = len(data)
    last = (size + _HEADER) % _PAGE  # bytes on the last page, were it all on pages of its own
    if last == 0 or _PAGE - last <= max(_FREE, size // _SHARE):
        return (data,)
    at = max(0, size - last)
    pieces = [data[:at]] if at else []
    count = max(1, -(-(size - at) // _PIECE))
    length, longer = divmod(size - at, count)
    for number in range(count):
        end = at + length + (number < longer)
        pieces.append(data[at:end])
        at = end
    return tuple(pieces)


def put(tx: Tx, key: bytes, pieces: Sequence[bytes]) -> None:
    """Stores a value that was cut, where there is none."""
    for place, piece in zip(_places(key, len(pieces)), pieces, strict=True):
        tx.put(place, piece)


def read(tx: ReadTx, key: bytes, count: int) -> bytes | None:
    """The value that was stored in so many pieces; None unless all are there."""
    if count == 1:
        return tx.get(key)
    pieces = [piece for _, piece in tx.scan(key, after_prefix(key))]
    return b"".join(pieces) if len(pieces) == count else None


def delete(tx: Tx, key: bytes, count: int | None = None) -> None:
    """Removes a value of so many pieces; of however many it has, if any, when that is not known."""
    places = [place for place, _ in tx.scan(key, after_prefix(key))] if count is None else _places(key, count)
    for place in places:
        tx.delete(place)


def joined(pairs: Iterable[tuple[bytes, bytes]], length: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys, which have `length` bytes, and values from what a scan finds. Pieces without a first one are left out."""
    key, value = b"", b""
    for place, piece in pairs:
        if len(place) == length:
            if key:
                yield key, value
            key, value = place, piece
        elif key and place.startswith(key):
            value += piece
    if key:
        yield key, value


def _places(key: bytes, count: int) -> list[bytes]:
    return [key, *(key + bytes((number,)) for number in range(1, count))]
