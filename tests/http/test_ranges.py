import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.http.ranges import Unsatisfiable, Wanted, wanted_range


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-4", Wanted(0, 5, 10)),
        ("bytes=7-", Wanted(7, 10, 10)),
        ("bytes=5-99", Wanted(5, 10, 10)),
        ("bytes=-3", Wanted(7, 10, 10)),
        ("bytes=-30", Wanted(0, 10, 10)),
        ("BYTES=0-0", Wanted(0, 1, 10)),
        ("bytes=10-", Unsatisfiable(10)),
        ("bytes=-0", Unsatisfiable(10)),
        ("bytes=4-2", None),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("lines=0-1", None),
        ("", None),
    ],
)
def test_ranges(header: str, found: object) -> None:
    assert wanted_range(header, 10) == found


@given(st.text(max_size=20) | st.from_regex(r"bytes=\d{0,6}-\d{0,6}", fullmatch=True), st.integers(0, 1000))
def test_what_is_sent_is_there(header: str, size: int) -> None:
    found = wanted_range(header, size)
    if isinstance(found, Wanted):
        assert 0 <= found.start < found.stop <= size
