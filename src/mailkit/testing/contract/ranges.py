"""Scans: half-open ranges, both directions, limits, and writes while one is being consumed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.storage.api import Store, Tx
from mailkit.testing.contract.changes import puts
from mailkit.testing.contract.setting import EVERYTHING, Setting, examples, wipe

__all__ = ["RangesContract"]

_KEYS = st.binary(min_size=1, max_size=3).map(lambda key: bytes(byte % 4 + 0x61 for byte in key))
_BOUNDS = st.one_of(_KEYS, st.sampled_from([b"", b"\xff", b"b", b"b\x00", b"\xff" * 512]))


class RangesContract(Setting):
    """Scans."""

    @examples(30)
    @given(
        committed=st.dictionaries(_KEYS, st.binary(max_size=3)),
        written=st.dictionaries(_KEYS, st.none() | st.binary(max_size=3)),
        bounds=st.lists(st.tuples(_BOUNDS, _BOUNDS, st.booleans(), st.none() | st.integers(0, 5)), max_size=12),
    )
    def test_a_scan_gives_what_a_sorted_dictionary_would(
        self,
        store: Store,
        committed: dict[bytes, bytes],
        written: dict[bytes, bytes | None],
        bounds: list[tuple[bytes, bytes, bool, int | None]],
    ) -> None:
        def expected(
            rows: dict[bytes, bytes], start: bytes, stop: bytes, reverse: bool, limit: int | None
        ) -> list[tuple[bytes, bytes]]:
            return sorted(((k, v) for k, v in rows.items() if start <= k < stop), reverse=reverse)[:limit]

        wipe(store)
        store.transact(puts(committed.items()))
        with store.snapshot() as snapshot:
            for start, stop, reverse, limit in bounds:
                found = list(snapshot.scan(start, stop, reverse=reverse, limit=limit))
                assert found == expected(committed, start, stop, reverse, limit)

        after = {k: v for k, v in {**committed, **written}.items() if v is not None}

        def write_and_scan(tx: Tx) -> list[list[tuple[bytes, bytes]]]:
            for key, value in written.items():
                if value is None:
                    tx.delete(key)
                else:
                    tx.put(key, value)
            return [list(tx.scan(start, stop, reverse=reverse, limit=limit)) for start, stop, reverse, limit in bounds]

        for bound, found in zip(bounds, store.transact(write_and_scan), strict=True):
            assert found == expected(after, *bound)

    @pytest.mark.parametrize("reverse", [False, True])
    def test_rows_may_be_deleted_and_changed_while_a_scan_passes_over_them(self, store: Store, reverse: bool) -> None:
        keys = [b"%04d" % number for number in range(1000)]
        store.transact(puts((key, b"old" * 20) for key in keys))

        def thin_out(tx: Tx) -> list[bytes]:
            seen = []
            for number, (key, _) in enumerate(tx.scan(*EVERYTHING, reverse=reverse)):
                seen.append(key)
                if number % 3:
                    tx.delete(key)
                else:
                    tx.put(key, b"new" * 30)
            return seen

        assert store.transact(thin_out) == sorted(keys, reverse=reverse)
        with store.snapshot() as tx:
            assert list(tx.scan(*EVERYTHING, reverse=reverse)) == [
                (key, b"new" * 30) for number, key in enumerate(sorted(keys, reverse=reverse)) if not number % 3
            ]

    @pytest.mark.parametrize("reverse", [False, True])
    def test_writes_around_a_scans_position_never_break_it_nor_show_a_key_twice(
        self, store: Store, reverse: bool
    ) -> None:
        keys = [b"%04d" % number for number in range(200)]
        store.transact(puts((key, b"1") for key in keys))

        def stir(tx: Tx) -> list[bytes]:
            seen = []
            for key, _ in tx.scan(*EVERYTHING, reverse=reverse):
                seen.append(key)
                tx.delete(b"%04d" % (int(key[:4]) ^ 1))  # a neighbour, on either side
                if len(key) == 4:
                    tx.put(key + b"+", b"2" * 300)
                    tx.put(b"%04d-" % (int(key) ^ 3), b"3" * 300)
            return seen

        seen = store.transact(stir)
        assert seen == sorted(set(seen), reverse=reverse)
        committed = [key for key in seen if len(key) == 4]
        # a key that was there all the time is there: of each pair of neighbours, the one met first
        assert {int(key) // 2 for key in committed} == set(range(100))

    def test_a_scan_left_half_way_harms_nothing(self, store: Store) -> None:
        store.transact(puts((b"%04d" % number, b"1") for number in range(500)))

        def peek(tx: Tx) -> bytes:
            rows = tx.scan(*EVERYTHING)
            first = next(rows)[0]
            next(tx.scan(*EVERYTHING, reverse=True))
            tx.delete(first)
            return first

        assert [store.transact(peek) for _ in range(3)] == [b"0000", b"0001", b"0002"]
        with store.snapshot() as tx:
            scans = [tx.scan(*EVERYTHING) for _ in range(3)]
            assert [next(scan)[0] for scan in scans for _ in range(2)] == [b"0003", b"0004"] * 3
