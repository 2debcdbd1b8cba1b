"""The decision over windows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.limits import Allowed, Limit, Limited, Window, decide
from mailkit.limits.decide import counted, roll

FIXED = Limit(10, 1000)


def test_a_window_begins_with_the_first_count_and_ends_with_its_count() -> None:
    first = decide(None, 4, limit=FIXED, now=5000)
    assert first == Allowed(Window(5000, 4), 4, 1000)
    second = decide(first.window, 4, limit=FIXED, now=5999)
    assert second == Allowed(Window(5000, 8), 8, 1)
    assert decide(second.window, 1, limit=FIXED, now=6000) == Allowed(Window(6000, 1), 1, 1000)


def test_less_than_the_limit_takes_all_and_the_limit_takes_nothing() -> None:
    over = decide(Window(0, 9), 50, limit=FIXED, now=100)
    assert over == Allowed(Window(0, 59), 59, 900)
    refused = decide(over.window, 1, limit=FIXED, now=100)
    assert refused == Limited(59, 10, 900)
    assert refused.reason == "59 of 10 used; again in 1 s"


def test_a_strict_limit_takes_only_what_fits() -> None:
    strict = Limit(10, 1000, strict=True)
    assert decide(Window(0, 9), 2, limit=strict, now=100) == Limited(9, 10, 900)
    assert isinstance(decide(Window(0, 9), 1, limit=strict, now=100), Allowed)
    assert decide(None, 11, limit=strict, now=100) == Limited(0, 10, None)


def test_no_limit_and_nothing_allowed() -> None:
    assert isinstance(decide(Window(0, 10**9), 1, limit=Limit(None, 1000), now=5), Allowed)
    never = decide(None, 1, limit=Limit(0, 1000), now=5)
    assert never == Limited(0, 0, None)
    assert never.reason == "0 of 0 used; never again"


def test_a_clock_set_back_ends_no_window_and_gives_nothing_away() -> None:
    assert decide(Window(5000, 10), 1, limit=FIXED, now=4000) == Limited(10, 10, 2000)


limits = st.builds(Limit, st.integers(0, 20), st.integers(1, 50), st.booleans(), st.booleans())


def test_in_a_sliding_window_the_past_fades() -> None:
    sliding = Limit(10, 1000, sliding=True)
    window = Window(0, 10)
    assert [counted(roll(window, sliding, now), sliding, now) for now in (0, 999, 1000, 1500, 1999, 2000)] == [
        10, 10, 10, 5, 1, 0,
    ]  # fmt: skip


@given(limits, st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=30))
def test_refusals_say_truly_when_it_may_be_tried_again(limit, takes) -> None:
    window, now = None, 1000
    for pause, n in takes:
        now += pause
        decision = decide(window, n, limit=limit, now=now)
        if isinstance(decision, Allowed):
            window = decision.window
        elif decision.retry_after is None:
            assert limit.allowed < (n if limit.strict else 1)
        else:
            assert decision.retry_after > 0
            assert isinstance(decide(window, n, limit=limit, now=now + decision.retry_after), Allowed)
            assert isinstance(decide(window, n, limit=limit, now=now + decision.retry_after - 1), Limited)


@given(st.integers(1, 10), st.integers(1, 50), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=40))
def test_a_strict_fixed_window_never_holds_more_than_is_allowed(allowed, length, takes) -> None:
    limit, window, now = Limit(allowed, length, strict=True), None, 0
    taken: dict[int, int] = {}
    for pause, n in takes:
        now += pause
        decision = decide(window, n, limit=limit, now=now)
        if isinstance(decision, Allowed):
            window = decision.window
            assert window.start <= now < window.start + length
            taken[window.start] = taken.get(window.start, 0) + n
    assert all(total <= allowed for total in taken.values())


def test_nonsense_is_no_limit() -> None:
    with pytest.raises(ValueError):
        Limit(-1, 1000)
    with pytest.raises(ValueError):
        Limit(1, 0)
