"""A first look at the memory store; the contract suite is the judge."""

import pytest

from mailkit.errors import Conflict
from mailkit.storage.backends.memory import MemoryStore


def test_interleaved_read_modify_write_conflicts() -> None:
    store = MemoryStore()
    with pytest.raises(Conflict), store.transaction() as tx:
        tx.get(b"k")
        store.transact(lambda other: other.put(b"k", b"1"))
        tx.put(b"k", b"2")
    with store.snapshot() as tx:
        assert tx.get(b"k") == b"1"


def test_phantom_in_a_consumed_range_conflicts() -> None:
    store = MemoryStore()
    with pytest.raises(Conflict), store.transaction() as tx:
        assert list(tx.scan(b"a", b"c")) == []
        store.transact(lambda other: other.put(b"b", b"1"))
        tx.put(b"z", b"2")


def test_deleted_keys_are_forgotten_and_may_return() -> None:
    store = MemoryStore()
    for _ in range(3):
        store.transact(lambda tx: tx.put(b"k", b"1"))
        store.transact(lambda tx: tx.delete(b"k"))
    store.transact(lambda tx: tx.put(b"z", b"1"))
    assert store._keys == [b"z"]
    store.transact(lambda tx: tx.put(b"k", b"2"))
    with store.snapshot() as tx:
        assert list(tx.scan(b"a", b"zz", reverse=True)) == [(b"z", b"1"), (b"k", b"2")]
