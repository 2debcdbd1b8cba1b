"""The law of retention, stated again as plain conditions on every entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.journal.keep import Retention, removable_through

RETENTION = Retention(least=30, most=100)


@given(
    st.lists(st.integers(0, 200), max_size=30).map(sorted),
    st.integers(0, 300),
    st.none() | st.integers(0, 31),
)
def test_what_goes_is_old_and_read_or_very_old_and_nothing_like_it_stays(times, now, passed) -> None:
    through = removable_through(enumerate(times, 1), now=now, passed=passed, retention=RETENTION) or 0
    for position, at in enumerate(times, 1):
        read = passed is None or position <= passed
        may_go = now - at > 100 or (now - at > 30 and read)
        assert (position <= through) == (may_go and at <= now)


def test_an_entry_from_the_future_goes_with_its_successor() -> None:
    assert removable_through([(1, 9999), (2, 10)], now=50, passed=None, retention=RETENTION) == 2
    assert removable_through([(1, 9999), (2, 40)], now=50, passed=None, retention=RETENTION) is None


def test_an_entry_from_the_past_does_not_take_its_younger_predecessor_along() -> None:
    assert removable_through([(1, 40), (2, 0)], now=50, passed=None, retention=RETENTION) is None


def test_retention_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Retention(least=2, most=1)
