"""Formats, and the pattern for testing a migration: rows before and after, as bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailkit.errors import Unavailable
from mailkit.storage.api import Store, Tx
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.migrate import MIGRATIONS, Migration, Step, format_of, migrate, require_current
from mailkit.testing.contract import Twice
from mailkit.testing.contract.setting import together

FORMAT_KEY = b"\x0c"

# Golden bytes: what each format's store holds. These never change once released.
FORMAT_0 = {b"\x70a": b"x1", b"\x70b": b"x2", b"\x70c": b"x3", b"\x70d": b"x4", b"\x71other": b"kept"}
FORMAT_1 = {**FORMAT_0, b"\x721\x00a": b"", b"\x722\x00b": b"", b"\x723\x00c": b"", b"\x724\x00d": b""}
FORMAT_2 = {key.replace(b"\x70", b"\x73", 1): value for key, value in FORMAT_1.items()}


def index_by_value(tx: Tx, place: bytes) -> bytes | None:
    """Migration 1 of this test: an index, two rows at a time."""
    rows = list(tx.scan(max(place, b"\x70"), b"\x71", limit=2))
    for key, value in rows:
        tx.put(b"\x72" + value[1:] + b"\x00" + key[1:], b"")
    return rows[-1][0] + b"\x00" if rows else None


def move_rows(tx: Tx, place: bytes) -> bytes | None:
    """Migration 2: other keys, one row at a time, no place needed."""
    for key, value in tx.scan(b"\x70", b"\x71", limit=1):
        tx.put(b"\x73" + key[1:], value)
        tx.delete(key)
        return b"again"
    return None


STEPS = (Migration(1, "index by value", index_by_value), Migration(2, "move rows", move_rows))


def filled(rows: dict[bytes, bytes], store: Store | None = None) -> Store:
    store = store or MemoryStore()
    store.transact(lambda tx: [tx.put(key, value) for key, value in rows.items()])
    return store


def content(store: Store) -> dict[bytes, bytes]:
    with store.snapshot() as tx:
        return {key: value for key, value in tx.scan(b"", b"\xff" * 8) if key != FORMAT_KEY}


def number(store: Store) -> int:
    with store.snapshot() as tx:
        return format_of(tx).number


@pytest.mark.parametrize("wrap", [lambda store: store, Twice], ids=["once", "twice"])
@pytest.mark.parametrize(
    ("before", "steps", "after"), [(FORMAT_0, STEPS[:1], FORMAT_1), (FORMAT_0, STEPS, FORMAT_2)], ids=["1", "2"]
)
def test_each_migration_makes_the_golden_rows_of_its_format(
    before: dict[bytes, bytes],
    steps: tuple[Migration, ...],
    after: dict[bytes, bytes],
    wrap: Callable[[Store], Store],
) -> None:
    store = wrap(filled(before))
    done: list[str] = []
    assert migrate(store, steps, report=lambda migration: done.append(migration.name)) == len(steps)
    assert content(store) == after
    assert done == [step.name for step in steps]
    assert number(store) == len(steps)
    assert migrate(store, steps) == len(steps)
    assert content(store) == after


def test_the_format_record_has_its_golden_bytes() -> None:
    store = filled(FORMAT_0)
    migrate(store, STEPS)
    with store.snapshot() as tx:
        assert tx.get(FORMAT_KEY) == bytes.fromhex("01 81 a1 6e 02")


def test_an_empty_store_begins_at_the_current_format() -> None:
    store = MemoryStore()
    require_current(store, STEPS)

    def never(tx: Tx, place: bytes) -> bytes | None:
        raise AssertionError("nothing to migrate")

    migrate(store, [Migration(1, "never", never), Migration(2, "never", never)])
    assert number(store) == 2
    require_current(store, STEPS)


def test_a_newer_format_is_not_touched() -> None:
    store = filled(FORMAT_0)
    migrate(store, STEPS)
    before = content(store)
    for use in (migrate, require_current):
        with pytest.raises(Unavailable) as caught:
            use(store, STEPS[:1])
        assert caught.value.code == "format.newer"
    assert content(store) == before


def test_an_older_format_is_refused_by_those_who_do_not_migrate() -> None:
    store = filled(FORMAT_0)
    with pytest.raises(Unavailable) as caught:
        require_current(store, STEPS)
    assert caught.value.code == "format.older"
    assert content(store) == FORMAT_0


@pytest.mark.parametrize("survives", range(6))
def test_a_migration_that_was_stopped_goes_on_where_it_was(survives: int) -> None:
    store = filled(FORMAT_0)
    left = [survives]
    places: list[bytes] = []

    def stopping(step: Step) -> Step:
        def run(tx: Tx, place: bytes) -> bytes | None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            places.append(place)
            return step(tx, place)

        return run

    stopped = [Migration(one.number, one.name, stopping(one.step)) for one in STEPS]
    with pytest.raises(KeyboardInterrupt):
        migrate(store, stopped)
    left[0] = 100
    migrate(store, stopped)
    assert content(store) == FORMAT_2
    assert len(places) == 3 + 5  # no step was done twice: rows in twos and the end, then one by one and the end


def test_many_may_migrate_at_once(tmp_path: Path) -> None:
    with LmdbStore(tmp_path, sync=False) as store:
        filled(FORMAT_0, store)
        finished: list[int] = []
        together(4, lambda _: migrate(store, STEPS, report=lambda migration: finished.append(migration.number)))
        assert content(store) == FORMAT_2
        assert sorted(finished) == [1, 2]


def test_gaps_in_the_numbers_are_a_mistake() -> None:
    with pytest.raises(ValueError):
        migrate(MemoryStore(), [STEPS[1]])


def test_our_own_migrations_are_numbered_and_named() -> None:
    assert [migration.number for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    assert all(migration.name for migration in MIGRATIONS)
