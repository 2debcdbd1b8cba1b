"""Values in pieces: nothing is lost, and LMDB needs fewer pages."""

import random
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from mailkit.storage import pieces
from mailkit.storage.api import Store, Tx
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.keys import Shape

SHAPE = Shape(b"\x01", "u32")
LENGTH = len(SHAPE.pack(0))
DATA = random.Random(1).randbytes(100_000)


@given(st.integers(0, 20_000) | st.integers(0, 100_000))
@example(0)
@example(2_030)
@example(4_080)
@example(4_081)
@example(8_176)
@example(8_177)
def test_the_pieces_are_the_value(size: int) -> None:
    data = DATA[:size]
    found = pieces.cut(data)
    assert b"".join(found) == data
    assert len(found) <= 6
    assert all(found) or not data
    # small ones share pages; those that have pages of their own fill them, or are not worth cutting
    for piece in found:
        free = -(len(piece) + 16) % 4096
        assert len(piece) <= 656 or free <= max(1_300, len(piece) // 16)


def test_no_value_is_cut_that_fills_its_pages() -> None:
    for size in (1, 656, 4_080, 4_080 - 1_300, 3 * 4_096 - 16, 60_000, 256 << 10):
        assert len(pieces.cut(bytes(size))) == 1


def test_values_are_read_found_and_removed_apart(any_store: Store) -> None:
    sizes = [0, 5, 2_400, 2_000, 9_000, 4_080, 4_099]
    whole = {SHAPE.pack(n): DATA[n : n + size] for n, size in enumerate(sizes)}
    cut = {key: pieces.cut(data) for key, data in whole.items()}

    def put(tx: Tx) -> None:
        for key, parts in cut.items():
            pieces.put(tx, key, parts)

    any_store.transact(put)
    with any_store.snapshot() as tx:
        for key, data in whole.items():
            assert pieces.read(tx, key, len(cut[key])) == data
        assert dict(pieces.joined(tx.scan(*SHAPE.range()), LENGTH)) == whole
        assert dict(pieces.joined(tx.scan(*SHAPE.range(), limit=1), LENGTH)) == {SHAPE.pack(0): b""}
    for number, key in enumerate(list(whole)):
        del whole[key]
        count = len(cut[key]) if number % 2 else None
        any_store.transact(lambda tx, key=key, count=count: pieces.delete(tx, key, count))  # type: ignore[misc]
        with any_store.snapshot() as tx:
            assert dict(pieces.joined(tx.scan(*SHAPE.range()), LENGTH)) == whole
    with any_store.snapshot() as tx:
        assert list(tx.scan(b"", b"\xff")) == []


def test_a_value_with_a_piece_missing_is_not_taken_for_whole(any_store: Store) -> None:
    keys = [SHAPE.pack(n) for n in range(3)]
    parts = pieces.cut(DATA[:2_400])
    for key in keys:
        any_store.transact(lambda tx, key=key: pieces.put(tx, key, parts))  # type: ignore[misc]
    any_store.transact(lambda tx: tx.delete(keys[1] + b"\x02"))
    with any_store.snapshot() as tx:
        assert pieces.read(tx, keys[1], len(parts)) is None
        assert pieces.read(tx, keys[0], len(parts)) is not None
    any_store.transact(lambda tx: tx.delete(keys[1]))
    with any_store.snapshot() as tx:
        assert pieces.read(tx, keys[1], len(parts)) is None
        # what is left of it does not become a part of the value before
        assert [(key, len(data)) for key, data in pieces.joined(tx.scan(*SHAPE.range()), LENGTH)] == [
            (keys[0], 2_400),
            (keys[2], 2_400),
        ]


def test_pieces_take_fewer_pages_than_whole_values(tmp_path: Path) -> None:
    chance = random.Random(2)
    sizes = [int(chance.lognormvariate(7.8, 0.8)) + 200 for _ in range(2_000)]  # packed mail: 3 KB on average

    def filled(name: str, cut: bool) -> float:
        store = LmdbStore(tmp_path / name, sync=False)
        for first in range(0, len(sizes), 16):

            def some(tx: Tx, first: int = first) -> None:
                for n, size in enumerate(sizes[first : first + 16], first):
                    pieces.put(tx, SHAPE.pack(n), pieces.cut(DATA[:size]) if cut else (DATA[:size],))

            store.transact(some)
        store.copy_to(tmp_path / f"{name} copied")
        store.close()
        return sum(sizes) / (tmp_path / f"{name} copied" / "data.mdb").stat().st_size

    assert filled("cut", True) > 0.8
    assert filled("whole", False) < 0.75
