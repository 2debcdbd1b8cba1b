"""Text to values and back."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.quota import UNLIMITED, Bytes
from mailkit.quota.settings import DEFAULT as QUOTA_DEFAULT
from mailkit.settings.kinds import (
    DURATION,
    FLAG,
    HOST_PORT,
    NETWORK,
    SIZE,
    TEXT,
    URL,
    HostPort,
    list_of,
    native,
    one_of,
    or_off,
    whole,
)

GOOD = [
    (DURATION, "5m", 300_000),
    (DURATION, "1h30m", 5_400_000),
    (DURATION, "1.5 h", 5_400_000),
    (DURATION, "2d", 172_800_000),
    (DURATION, "250ms", 250),
    (DURATION, "0", 0),
    (SIZE, "10 GiB", 10 << 30),
    (SIZE, "64MiB", 64 << 20),
    (SIZE, "1.5 kb", 1500),
    (SIZE, "12", 12),
    (SIZE, "10 GB", 10**10),
    (FLAG, "Yes", True),
    (FLAG, "off", False),
    (HOST_PORT, "127.0.0.1:8080", HostPort("127.0.0.1", 8080)),
    (HOST_PORT, "[::1]:25", HostPort("::1", 25)),
    (HOST_PORT, "mail.example.org:0", HostPort("mail.example.org", 0)),
    (or_off(HOST_PORT), "off", None),
    (whole(), " 12 ", 12),
    (list_of(whole()), "1, 2,3,", (1, 2, 3)),
    (list_of(TEXT), "", ()),
    (NETWORK, "10.0.0.0/8", ipaddress.ip_network("10.0.0.0/8")),
    (URL, "https://mail.example.org/", "https://mail.example.org"),
    (one_of("info", "off"), "INFO", "info"),
    (QUOTA_DEFAULT.kind, "unlimited", UNLIMITED),
    (QUOTA_DEFAULT.kind, "5 GiB", Bytes(5 << 30)),
]


@pytest.mark.parametrize(("kind", "text", "value"), GOOD)
def test_text_is_understood_and_shown_so_that_it_is_again(kind, text, value) -> None:
    assert kind.parse(text) == value
    assert kind.parse(kind.show(value)) == value


BAD = [
    (DURATION, "5"),
    (DURATION, "5 minutes"),
    (DURATION, ""),
    (DURATION, "m"),
    (DURATION, "-5m"),
    (DURATION, "0.0001ms"),
    (SIZE, "10G"),
    (SIZE, "-1"),
    (SIZE, "0.5"),
    (SIZE, "1e9"),
    (FLAG, "maybe"),
    (HOST_PORT, "8080"),
    (HOST_PORT, "::1:25"),
    (HOST_PORT, "[zz]:25"),
    (HOST_PORT, "[:::1]:25"),
    (HOST_PORT, "h:70000"),
    (whole(), "1_000"),
    (whole(), "٣"),
    (whole(), "-1"),
    (whole(1, 5), "6"),
    (NETWORK, "10.0.0.1/8"),
    (URL, "ftp://x"),
    (URL, "mail.example.org"),
    (one_of("a", "b"), "c"),
    (list_of(whole()), "1,x"),
]


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_text_that_is_no_value_is_refused_with_a_reason(kind, text) -> None:
    with pytest.raises(ValueError) as caught:
        kind.parse(text)
    assert str(caught.value)


@given(st.integers(0, 1 << 55))
def test_durations_and_sizes_round_trip(n) -> None:
    assert DURATION.parse(DURATION.show(n)) == SIZE.parse(SIZE.show(n)) == n


@given(st.lists(st.integers(0, 1 << 45)))
def test_lists_round_trip(values) -> None:
    kind = list_of(DURATION)
    assert kind.parse(kind.show(tuple(values))) == tuple(values)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FLAG, True, True),
        (SIZE, 512, 512),
        (list_of(whole()), [1, "2"], (1, 2)),
        (list_of(TEXT), "a, b", ("a", "b")),
        (list_of(TEXT), ["a,b"], ("a,b",)),
    ],
)
def test_toml_values_are_taken(kind, value, expected) -> None:
    assert native(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value"), [(SIZE, True), (SIZE, 1.5), (TEXT, ["a"]), (DURATION, 5), (list_of(TEXT), {"a": 1})]
)
def test_toml_values_of_another_type_are_refused(kind, value) -> None:
    with pytest.raises(ValueError):
        native(kind, value)
