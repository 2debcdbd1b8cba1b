"""The layer in the store: rows of text by name, and two numbers that tell other processes to look again.

Names that the registry doesn't know are kept too: a dialect lets other programs store theirs.
"""

from collections.abc import Iterator, Mapping

import msgspec

from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keys import after_prefix
from mailkit.storage.keyspace import SETTING, SETTINGS_STATE
from mailkit.storage.tables import Table

__all__ = ["State", "ask_reload", "read_all", "scan", "state", "write"]


class State(Record, frozen=True, kw_only=True):
    """`changes` grows with every change of rows, `reloads` with every reload somebody asked for."""

    changes: int = msgspec.field(name="c", default=0)
    reloads: int = msgspec.field(name="r", default=0)


class _Row(Record, frozen=True, kw_only=True):
    name: str = msgspec.field(name="n")
    text: str = msgspec.field(name="v")


_rows = Table(SETTING, Codec(_Row))
_states = Table(SETTINGS_STATE, Codec(State))
_SHORT = 80  # bytes of a prefix that keys are sure to hold as they are; a longer name is shortened


def state(tx: ReadTx) -> State:
    """What a process compares with what it knows: one small read."""
    return _states.find(tx) or State()


def read_all(tx: ReadTx) -> dict[str, str]:
    """Every row."""
    return {row.name: row.text for _, row in _rows.scan(tx)}


def scan(tx: ReadTx, prefix: str) -> Iterator[tuple[str, str]]:
    """Rows whose name begins with the literal `prefix`, in order of name."""
    start = SETTING.key(prefix.encode()[:_SHORT])[:-2]  # without the mark that ends a whole name
    for _, data in tx.scan(start, after_prefix(start)):
        row = _rows.codec.decode(data)
        if row.name.startswith(prefix):
            yield row.name, row.text


def write(tx: Tx, rows: Mapping[str, str | None]) -> None:
    """Stores texts, removes the names that come with None, and lets the other processes know."""
    for name, text in rows.items():
        if text is None:
            _rows.delete(tx, name)
        else:
            _rows.put(tx, _Row(name=name, text=text), name)
    known = state(tx)
    _states.put(tx, State(changes=known.changes + 1, reloads=known.reloads))


def ask_reload(tx: Tx) -> int:
    """Makes every process reload when it looks next; returns the number of this wish."""
    known = state(tx)
    _states.put(tx, State(changes=known.changes, reloads=known.reloads + 1))
    return known.reloads + 1
