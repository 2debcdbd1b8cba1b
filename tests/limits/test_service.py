"""Counters in the store and in memory."""

import pytest

from mailkit.errors import RateLimited
from mailkit.limits import Allowed, Limit, Limited, Limits, LocalLimits, Status
from mailkit.storage.api import Store
from mailkit.storage.keyspace import LIMIT, LIMIT_EXPIRY

DAY = 86_400_000
DAILY = Limit(5, DAY)
NOW = 1_700_000_000_000


@pytest.fixture
def limits() -> Limits:
    return Limits()


def take(
    store: Store, limits: Limits, who: str = "account:7", n: int = 1, now: int = NOW, limit: Limit = DAILY
) -> Status:
    return store.transact(lambda tx: limits.take(tx, who, "recipients", n, limit, now=now))


def status(store: Store, limits: Limits, who: str = "account:7", now: int = NOW) -> Status:
    with store.snapshot() as tx:
        return limits.status(tx, who, "recipients", DAILY, now=now)


def test_what_wildduck_shows(store: Store, limits: Limits) -> None:
    assert status(store, limits) == Status(5, 0, None)
    assert take(store, limits, n=3) == Status(5, 3, DAY)
    assert status(store, limits, now=NOW + 1000) == Status(5, 3, DAY - 1000)
    assert take(store, limits, n=4, now=NOW + 1000) == Status(5, 7, DAY - 1000)
    assert status(store, limits, now=NOW + DAY) == Status(5, 0, None)


def test_a_refusal_is_explained_and_counts_nothing(store: Store, limits: Limits) -> None:
    take(store, limits, n=5)
    with pytest.raises(RateLimited) as caught:
        take(store, limits, now=NOW + 400)
    assert caught.value.message == "Too many recipients: 5 of 5 used; again in 86400 s"
    assert dict(caught.value.fields) == {
        "who": "account:7", "what": "recipients", "used": 5, "allowed": 5, "retry_after": DAY - 400,
    }  # fmt: skip
    assert status(store, limits).used == 5
    assert status(store, limits, "account:8").used == 0
    assert take(store, limits, "account:8").used == 1


def test_a_higher_limit_counts_at_once(store: Store, limits: Limits) -> None:
    take(store, limits, n=5)
    assert take(store, limits, limit=Limit(10, DAY)).used == 6


def test_what_has_happened_is_counted_past_the_limit(store: Store, limits: Limits) -> None:
    for n in range(1, 8):
        counted = store.transact(lambda tx: limits.count(tx, "ip:x", "failures", 1, DAILY, now=NOW))
        assert counted == Status(5, n, DAY)
    with store.snapshot() as tx:
        assert limits.ask(tx, "ip:x", "failures", 1, DAILY, now=NOW) == Limited(7, 5, DAY)


def test_reset(store: Store, limits: Limits) -> None:
    take(store, limits, n=5)
    store.transact(lambda tx: limits.reset(tx, "account:7", "recipients"))
    assert status(store, limits) == Status(5, 0, None)


def test_who_leaves_takes_all_counters_along_and_nobody_elses(store: Store, limits: Limits) -> None:
    for who in ("account:7", "account:70", "account:"):
        take(store, limits, who)
    store.transact(lambda tx: limits.count(tx, "account:7", "forwards", 1, DAILY, now=NOW))
    store.transact(lambda tx: limits.leave(tx, "account:7"))
    with store.snapshot() as tx:
        assert not limits.known(tx, "account:7")
        assert len(list(tx.scan(*LIMIT.range()))) == len(list(tx.scan(*LIMIT_EXPIRY.range()))) == 2
    assert status(store, limits, "account:70").used == 1


def test_a_rolled_back_transaction_counts_nothing(store: Store, limits: Limits) -> None:
    def fails(tx) -> None:
        limits.take(tx, "account:7", "recipients", 1, DAILY, now=NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.transact(fails)
    assert status(store, limits).used == 0


def test_racing_takers_get_what_is_allowed_and_no_more(store: Store, limits: Limits, race) -> None:
    won: list[int] = []

    def work() -> None:
        for _ in range(20):
            try:
                take(store, limits, limit=Limit(30, DAY))
            except RateLimited:
                continue
            won.append(1)

    race(work)
    assert len(won) == status(store, limits).used == 30


def test_empty_counters_are_removed_and_leave_nothing(store: Store, limits: Limits) -> None:
    for n in range(7):
        take(store, limits, f"account:{n}", now=NOW + n)
    take(store, limits, "x" * 300, now=NOW)
    assert store.transact(lambda tx: limits.cleanup(tx, now=NOW + DAY + 2, limit=2))
    while store.transact(lambda tx: limits.cleanup(tx, now=NOW + DAY + 2, limit=2)):
        pass
    with store.snapshot() as tx:
        assert [parts[0] for parts in map(LIMIT.parts, (key for key, _ in tx.scan(*LIMIT.range())))] == [
            f"account:{n}" for n in range(3, 7)
        ]
        assert len(list(tx.scan(*LIMIT_EXPIRY.range()))) == 4


def test_local_counters_decide_alike_and_forget_the_least_used() -> None:
    local = LocalLimits(size=2)
    limit = Limit(1, 1000)
    assert isinstance(local.take("a", "requests", 1, limit, now=0), Allowed)
    assert local.take("a", "requests", 1, limit, now=1) == Limited(1, 1, 999)
    local.take("b", "requests", 1, limit, now=1)
    local.take("a", "requests", 1, limit, now=1)
    local.take("c", "requests", 1, limit, now=1)
    assert isinstance(local.take("a", "requests", 1, limit, now=1), Limited)
    assert isinstance(local.take("b", "requests", 1, limit, now=1), Allowed)
    local.reset("b", "requests")
    assert isinstance(local.take("b", "requests", 1, limit, now=1), Allowed)
