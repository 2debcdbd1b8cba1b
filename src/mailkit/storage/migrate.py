"""The store's format: one number in one record, and the steps that lift a store from an older one.

Law:

1. Format n is what migrations 1 to n have made of a store. Numbers are never reused, and a released migration is never
   changed: a later one mends what it did. (Records have versions of their own and are lifted when they are read, see
   `storage.codec`; a migration is for keys, indexes and what has to be gone through once.)
2. A migration goes in steps. Each does a bounded piece of work from where the one before it stopped, and notes in the
   same transaction how far it came: one that is killed goes on there, and two processes may migrate at once.
3. A store of a newer format than this code knows is not touched: Unavailable.
4. An empty store begins at the current format.

A step is a pure function on a transaction, so its test is data: rows before, rows after, as bytes (`tests/storage/
test_migrate.py` shows the pattern).
"""

from collections.abc import Callable, Sequence

from attrs import frozen
from msgspec import field

from mailkit.errors import Unavailable
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keyspace import FORMAT
from mailkit.storage.tables import Table

__all__ = ["MIGRATIONS", "Format", "Migration", "Step", "format_of", "migrate", "require_current"]

Step = Callable[[Tx, bytes], bytes | None]
"""Works on from a place (empty at first) and returns where to go on, or None when the migration is through.

A few hundred rows at a time: every writer waits for it."""


@frozen
class Migration:
    """One step up: from format `number - 1` to `number`."""

    number: int
    name: str
    step: Step


class Format(Record, frozen=True):
    """What the store is: its format, and how far the migration to the next one has come."""

    number: int = field(name="n")
    place: bytes | None = field(name="p", default=None)


_FORMATS = Table(FORMAT, Codec(Format))

MIGRATIONS: tuple[Migration, ...] = (
    # Migration(1, "messages by size", mailstore.size_index.fill), ...
)
"""All that there are, in order."""


def format_of(tx: ReadTx) -> Format:
    """The format of the store. One without a record was written before there were any: format 0."""
    return _FORMATS.find(tx) or Format(number=0)


def require_current(store: Store, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """For those who only want to use the store. Unavailable unless it is empty or has the current format."""
    with store.snapshot() as tx:
        found = _FORMATS.find(tx)
        empty = found is None and not any(tx.scan(b"", b"\xff" * 512, limit=1))
    if empty:
        return
    _refuse_newer(found or Format(number=0), len(migrations))
    if (found.number if found else 0) < len(migrations):
        raise Unavailable("format.older", "The store has an older format and has to be migrated first")


def migrate(
    store: Store, migrations: Sequence[Migration] = MIGRATIONS, *, report: Callable[[Migration], None] = lambda _: None
) -> int:
    """Brings the store to the current format and returns its number. Safe to interrupt and to run at the same time.

    `report` hears of each migration that was finished here. Unavailable when the store is newer than this code.
    """
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise ValueError("migrations are numbered from 1, without gaps")
    while True:
        ended, more = store.transact(lambda tx: _advance(tx, migrations))
        if ended is not None:
            report(ended)
        if not more:
            return len(migrations)


def _advance(tx: Tx, migrations: Sequence[Migration]) -> tuple[Migration | None, bool]:
    """One transaction's worth: the migration that it ended, if any, and whether there is more to do."""
    current = _FORMATS.find(tx)
    if current is None:
        empty = not any(tx.scan(b"", b"\xff" * 512, limit=1))
        current = Format(number=len(migrations) if empty else 0)
        _FORMATS.put(tx, current)
    _refuse_newer(current, len(migrations))
    if current.number == len(migrations):
        return None, False
    migration = migrations[current.number]
    place = migration.step(tx, current.place or b"")
    if place is not None:
        _FORMATS.put(tx, Format(number=current.number, place=place))
        return None, True
    _FORMATS.put(tx, Format(number=migration.number))
    return migration, migration.number < len(migrations)


def _refuse_newer(found: Format, known: int) -> None:
    if found.number > known:
        raise Unavailable(
            "format.newer",
            f"The store has format {found.number}, newer than {known}: upgrade mailkit",
            number=found.number,
        )
