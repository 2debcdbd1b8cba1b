"""Charging in transactions."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailkit.errors import Corrupt, OverQuota
from mailkit.quota import INHERIT, UNLIMITED, Admitted, Bytes, Holder, QuotaService, Refused, Usage
from mailkit.storage.api import Store
from mailkit.storage.backends.memory import MemoryStore

ANN, BOB, TENANT, OTHER = 1, 2, 10, 11


@pytest.fixture
def holders() -> dict[int, Holder]:
    return {
        ANN: Holder(Bytes(100), TENANT),
        BOB: Holder(INHERIT, TENANT),
        TENANT: Holder(Bytes(150)),
        OTHER: Holder(Bytes(50)),
    }


@pytest.fixture
def quota(holders: dict[int, Holder]) -> QuotaService:
    return QuotaService(lambda _, number: holders[number], lambda: Bytes(80))


def used(store: Store, quota: QuotaService, *numbers: int) -> list[int]:
    with store.snapshot() as tx:
        return [quota.used(tx, number) for number in numbers]


def test_bytes_count_for_account_and_tenant(store: Store, quota: QuotaService) -> None:
    store.transact(lambda tx: quota.charge(tx, ANN, 60))
    store.transact(lambda tx: quota.charge(tx, BOB, 80))
    store.transact(lambda tx: quota.credit(tx, ANN, 10))
    assert used(store, quota, ANN, BOB, TENANT) == [50, 80, 130]
    with store.snapshot() as tx:
        assert quota.usage(tx, BOB) == Usage(80, 80)


def test_whoever_is_full_is_named_and_nothing_is_counted(store: Store, quota: QuotaService) -> None:
    store.transact(lambda tx: quota.charge(tx, ANN, 100))
    with pytest.raises(OverQuota) as caught:
        store.transact(lambda tx: quota.charge(tx, ANN, 1))
    assert dict(caught.value.fields) == {"who": "account", "used": 100, "allowed": 100, "size": 1}
    with pytest.raises(OverQuota) as caught:
        store.transact(lambda tx: quota.charge(tx, BOB, 51))
    assert dict(caught.value.fields) == {"who": "tenant", "used": 100, "allowed": 150, "size": 51}
    with store.snapshot() as tx:
        assert quota.ask(tx, BOB, 50) == Admitted(50)
        assert quota.ask(tx, BOB, 51) == Refused("tenant", 100, 150, 51)
    assert used(store, quota, ANN, BOB, TENANT) == [100, 0, 100]


def test_what_inherit_stands_for_is_asked_each_time(store: Store) -> None:
    default = [Bytes(10)]
    quota = QuotaService(lambda *_: Holder(INHERIT), lambda: default[0])
    with pytest.raises(OverQuota):
        store.transact(lambda tx: quota.charge(tx, ANN, 11))
    default[0] = Bytes(11)
    store.transact(lambda tx: quota.charge(tx, ANN, 11))


def test_a_tenant_that_inherits_has_no_limit(store: Store) -> None:
    holders = {ANN: Holder(UNLIMITED, TENANT), TENANT: Holder(INHERIT)}
    quota = QuotaService(lambda _, number: holders[number], lambda: Bytes(1))
    store.transact(lambda tx: quota.charge(tx, ANN, 1000))
    assert used(store, quota, ANN, TENANT) == [1000, 1000]


def test_no_more_comes_back_than_was_charged(store: Store, quota: QuotaService) -> None:
    store.transact(lambda tx: quota.charge(tx, ANN, 5))
    with pytest.raises(Corrupt):
        store.transact(lambda tx: quota.credit(tx, ANN, 6))
    assert used(store, quota, ANN, TENANT) == [5, 5]


def test_a_recount_corrects_the_tenant_too(store: Store, quota: QuotaService) -> None:
    store.transact(lambda tx: quota.charge(tx, ANN, 50))
    store.transact(lambda tx: quota.charge(tx, BOB, 5))
    assert store.transact(lambda tx: quota.recount(tx, ANN, 120)) == 70
    assert used(store, quota, ANN, TENANT) == [120, 125]


def test_an_account_takes_its_bytes_to_another_tenant(store: Store, quota: QuotaService) -> None:
    store.transact(lambda tx: quota.charge(tx, ANN, 50))
    store.transact(lambda tx: quota.move(tx, ANN, old=TENANT, new=OTHER))
    assert used(store, quota, TENANT, OTHER) == [0, 50]
    store.transact(lambda tx: quota.charge(tx, BOB, 1))
    with pytest.raises(OverQuota):
        store.transact(lambda tx: quota.move(tx, BOB, old=TENANT, new=OTHER))
    assert used(store, quota, TENANT, OTHER) == [1, 50]


def test_racing_writers_fill_a_quota_to_the_last_byte_and_not_beyond(store: Store, quota: QuotaService) -> None:
    won: list[int] = []

    def work() -> None:
        for _ in range(40):
            try:
                store.transact(lambda tx: quota.charge(tx, ANN, 3))
            except OverQuota:
                continue
            won.append(3)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(won) == 99
    assert used(store, quota, ANN, TENANT) == [99, 99]


steps = st.lists(
    st.tuples(
        st.sampled_from(["charge", "credit", "move", "recount"]), st.sampled_from([ANN, BOB]), st.integers(0, 90)
    ),
    max_size=25,
)


@given(steps)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_tenants_always_hold_the_sum_of_their_accounts(work) -> None:
    holders = {
        ANN: Holder(Bytes(100), TENANT),
        BOB: Holder(INHERIT),
        TENANT: Holder(Bytes(120)),
        OTHER: Holder(INHERIT),
    }
    quota = QuotaService(lambda _, number: holders[number], lambda: Bytes(80))
    store = MemoryStore()

    def attempt(fn: Callable) -> bool:
        try:
            store.transact(fn)
        except (OverQuota, Corrupt):
            return False
        return True

    for what, who, size in work:
        if what == "move":
            old = holders[who].tenant
            new = {TENANT: OTHER, OTHER: None, None: TENANT}[old]
            if attempt(lambda tx, who=who, old=old, new=new: quota.move(tx, who, old=old, new=new)):
                holders[who] = Holder(holders[who].quota, new)
        else:
            attempt(lambda tx, what=what, who=who, size=size: getattr(quota, what)(tx, who, size))
        ann, bob = used(store, quota, ANN, BOB)
        for tenant in (TENANT, OTHER):
            members = [n for number, n in ((ANN, ann), (BOB, bob)) if holders[number].tenant == tenant]
            assert used(store, quota, tenant) == [sum(members)]
