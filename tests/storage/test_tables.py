"""Indexes cannot drift from their rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.errors import AlreadyExists, Corrupt, NotFound
from mailkit.storage.api import Tx
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keys import Shape
from mailkit.storage.keyspace import Space
from mailkit.storage.tables import Counter, Index, Table, Unique, pages


class User(Record, frozen=True):
    name: str
    addresses: list[str] = []
    rank: int = 0


NAMES = Unique[User](
    Space("names", "test", Shape(b"\x02", "text")),
    lambda user: [(user.name,)] if user.name else [],
    code="name.taken",
    fields=lambda user: {"name": user.name},
)
ADDRESSES = Unique[User](
    Space("addresses", "test", Shape(b"\x03", "text")),
    lambda user: [(address,) for address in user.addresses],
    code="address.taken",
)


class Ranked(User, frozen=True):
    number: int = 0


RANKS = Index[Ranked](Space("ranks", "test", Shape(b"\x04", "u32", "u32")), lambda user: [(user.rank, user.number)])
USERS = Table(
    Space("users", "test", Shape(b"\x01", "u32")),
    Codec(Ranked),
    indexes=[RANKS, NAMES, ADDRESSES],
    missing="user.missing",
)
COUNTER = Counter(Space("counter", "test", Shape(b"\x05", "u32")))


def user(number: int, name: str = "", addresses: list[str] | None = None, rank: int = 0) -> Ranked:
    return Ranked(number=number, name=name, addresses=addresses or [], rank=rank)


NAMED = st.sampled_from(["", "a", "b", "c"])
WRITES = st.lists(
    st.tuples(st.integers(0, 3), NAMED, st.lists(NAMED.filter(bool), max_size=2), st.integers(0, 2), st.booleans()),
    max_size=25,
)


@settings(deadline=None)
@given(WRITES)
def test_after_any_writes_and_refusals_the_indexes_hold_what_the_rows_claim(
    writes: list[tuple[int, str, list[str], int, bool]],
) -> None:
    store = MemoryStore()
    model: dict[int, Ranked] = {}

    def run(tx: Tx) -> None:
        model.clear()
        for number, name, addresses, rank, delete in writes:
            if delete:
                assert USERS.delete(tx, number) == model.pop(number, None)
                continue
            row = user(number, name, addresses, rank)
            others = [other for key, other in model.items() if key != number]
            free = name not in {other.name for other in others} - {""} and not set(addresses) & {
                address for other in others for address in other.addresses
            }
            write = USERS.insert if rank and number not in model else USERS.put
            try:
                write(tx, row, number)
                assert free
                model[number] = row
            except AlreadyExists:
                assert not free  # and the transaction goes on

    store.transact(run)
    with store.snapshot() as tx:
        assert [(parts, row) for parts, row in USERS.scan(tx)] == [((n,), row) for n, row in sorted(model.items())]
        expected = {
            entry: primary
            for number, row in model.items()
            for index in USERS.indexes
            for entry, primary in index.entries(USERS.space.key(number), row)
        }
        assert dict(tx.scan(b"\x02", b"\x05")) == expected
        for row in model.values():
            if row.name:
                assert USERS.first(tx, NAMES, row.name) == row
        by_rank = [row for _, row in USERS.through(tx, RANKS)]
        assert by_rank == sorted(model.values(), key=lambda row: (row.rank, row.number))


def test_a_missing_row_is_none_for_find_and_not_found_for_get() -> None:
    with MemoryStore().snapshot() as tx:
        assert USERS.find(tx, 1) is None
        assert not USERS.exists(tx, 1)
        assert USERS.first(tx, NAMES, "nobody") is None
        with pytest.raises(NotFound) as caught:
            USERS.get(tx, 1)
    assert caught.value.code == "user.missing"


def test_a_refusal_has_the_indexs_code_and_fields() -> None:
    store = MemoryStore()
    store.transact(lambda tx: USERS.put(tx, user(1, "a"), 1))
    with pytest.raises(AlreadyExists) as caught:
        store.transact(lambda tx: USERS.put(tx, user(2, "a"), 2))
    assert (caught.value.code, dict(caught.value.fields)) == ("name.taken", {"name": "a"})


def test_an_index_that_points_nowhere_is_corrupt() -> None:
    store = MemoryStore()
    store.transact(lambda tx: tx.put(NAMES.space.key("a"), USERS.space.key(1)))
    with store.snapshot() as tx, pytest.raises(Corrupt):
        USERS.first(tx, NAMES, "a")


@given(
    st.dictionaries(st.integers(0, 30), st.integers(0, 3)),
    st.integers(1, 5),
    st.booleans(),
    st.none() | st.integers(0, 3),
)
def test_pages_that_continue_after_the_last_entry_partition_the_set(
    ranks: dict[int, int], size: int, reverse: bool, only: int | None
) -> None:
    store = MemoryStore()
    store.transact(lambda tx: [USERS.put(tx, user(number, rank=rank), number) for number, rank in ranks.items()])
    prefix = () if only is None else (only,)
    expected = sorted(((rank, n) for n, rank in ranks.items() if only in (None, rank)), reverse=reverse)
    found: list[tuple[int, ...]] = []
    with store.snapshot() as tx:
        while True:
            after = found[-1] if found else None
            page = [parts for parts, _ in USERS.through(tx, RANKS, *prefix, after=after, reverse=reverse, limit=size)]
            found += page
            if len(page) < size:
                break
    assert found == expected


def test_pages_cuts_an_iterator() -> None:
    assert list(pages(iter(range(7)), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(pages(iter(()), 3)) == []


@given(st.lists(st.integers(-5, 10)))
def test_a_counter_is_the_sum_and_never_negative(amounts: list[int]) -> None:
    store = MemoryStore()
    total = 0
    for amount in amounts:
        if total + amount < 0:
            with pytest.raises(Corrupt):
                store.transact(lambda tx, amount=amount: COUNTER.add(tx, amount, 1))
        else:
            total += amount
            assert store.transact(lambda tx, amount=amount: COUNTER.add(tx, amount, 1)) == total
    with store.snapshot() as tx:
        assert COUNTER.get(tx, 1) == total
        assert (tx.get(COUNTER.space.key(1)) is None) == (total == 0)
