"""Law 1: keys are bytes in unsigned order, values any bytes; others are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.storage.api import MAX_KEY, MAX_VALUE, Store
from mailkit.testing.contract.changes import append, delete, do, put, puts
from mailkit.testing.contract.setting import Setting, all_rows, examples, wipe

__all__ = ["OrderContract"]


class OrderContract(Setting):
    """Keys and values."""

    @examples(15)
    @given(pairs=st.dictionaries(st.binary(min_size=1, max_size=40), st.binary(max_size=200), max_size=30))
    def test_whatever_was_put_comes_back_in_the_order_of_unsigned_bytes(
        self, store: Store, pairs: dict[bytes, bytes]
    ) -> None:
        wipe(store)
        store.transact(puts(pairs.items()))
        assert all_rows(store) == sorted(pairs.items())

    def test_no_locale_and_no_encoding_has_a_say_in_the_order(self, store: Store) -> None:
        keys = [b"\x00", b"\x00\x00", b"\x01", b"A", b"Z", b"Z\x00", b"_", b"a", b"a\x00", b"a b", b"aa", b"z"]
        keys += [b"\x7f", b"\x80", b"\xc3\xa9", b"\xfe\xff", b"\xff", b"\xff\x00", b"\xff\xff"]
        store.transact(puts((key, b"") for key in reversed(keys)))
        assert [key for key, _ in all_rows(store)] == sorted(keys)

    def test_the_longest_key_is_told_from_its_neighbours(self, store: Store) -> None:
        long = b"k" * MAX_KEY
        others = [long[:-1], long[:-1] + b"j", long[:-1] + b"l"]
        store.transact(puts((key, key[-1:]) for key in (long, *others)))
        with store.snapshot() as tx:
            assert tx.get(long) == b"k"
        store.transact(delete(long))
        assert [key for key, _ in all_rows(store)] == sorted(others)

    @pytest.mark.parametrize("key", [b"", b"k" * (MAX_KEY + 1)], ids=["empty", "too long"])
    def test_an_illegal_key_is_refused_and_the_transaction_leaves_nothing(self, store: Store, key: bytes) -> None:
        with pytest.raises(ValueError):
            store.transact(do(put(b"a", b"1"), put(key, b"1")))
        with pytest.raises(ValueError):
            store.transact(do(put(b"a", b"1"), delete(key)))
        with pytest.raises(ValueError):
            store.transact(lambda tx: (put(b"a", b"1")(tx), tx.get(key)))
        with store.snapshot() as tx, pytest.raises(ValueError):
            tx.get(key)
        assert all_rows(store) == []

    def test_an_empty_value_is_not_a_missing_one(self, store: Store) -> None:
        store.transact(put(b"a", b""))
        with store.snapshot() as tx:
            assert tx.get(b"a") == b""
            assert tx.get(b"b") is None

    def test_values_of_all_sizes_come_back_whole(self, store: Store) -> None:
        sizes = [1, 2039, 2040, 4095, 4096, 4097, 65_535, 65_536, 1 << 20, (1 << 22) + 1]
        store.transact(puts((b"%d" % size, b"\x00\xff" * (size // 2) + b"." * (size % 2)) for size in sizes))
        with store.snapshot() as tx:
            for size in sizes:
                assert tx.get(b"%d" % size) == b"\x00\xff" * (size // 2) + b"." * (size % 2)

    def test_a_value_over_the_limit_is_refused(self, store: Store) -> None:
        large = bytes(MAX_VALUE + 1)
        with pytest.raises(ValueError):
            store.transact(do(put(b"a", b"1"), put(b"b", large)))
        with pytest.raises(ValueError):
            store.transact(do(put(b"a", b"1"), append(b"s", large)))
        assert all_rows(store) == []

    def test_the_last_write_of_a_key_wins(self, store: Store) -> None:
        store.transact(do(put(b"a", b"1"), put(b"a", b"2"), put(b"b", b"1"), delete(b"b")))
        store.transact(do(delete(b"a"), put(b"a", b"3"), delete(b"never there")))
        assert all_rows(store) == [(b"a", b"3")]
