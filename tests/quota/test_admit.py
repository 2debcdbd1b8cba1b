"""The decision, and what a quota may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.quota import (
    INHERIT,
    UNLIMITED,
    Admitted,
    Bytes,
    Refused,
    Usage,
    admit,
    decode,
    effective,
    encode,
)

quotas = st.sampled_from([INHERIT, UNLIMITED]) | st.builds(Bytes, st.integers(0, 1 << 60))
usages = st.builds(Usage, st.integers(0, 100), st.none() | st.integers(0, 100))


@given(quotas)
def test_quotas_survive_storage(quota) -> None:
    assert decode(encode(quota)) == quota


@pytest.mark.parametrize("n", [-1, -5, 1.5, "7"])
def test_nonsense_is_no_quota(n) -> None:
    with pytest.raises((ValueError, TypeError)):
        Bytes(n)


def test_a_stored_number_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(ValueError):
        decode(-2)


def test_inherit_stands_for_the_default() -> None:
    assert effective(INHERIT, Bytes(5)) == 5
    assert effective(INHERIT, UNLIMITED) is None
    assert effective(UNLIMITED, Bytes(5)) is None
    assert effective(Bytes(0), Bytes(5)) == 0


@given(st.integers(0, 100), usages, st.none() | usages)
def test_admitted_means_that_nobody_ends_above_what_is_allowed(size, account, tenant) -> None:
    decision = admit(size, account=account, tenant=tenant)
    parties = {"account": account} | ({"tenant": tenant} if tenant else {})
    full = [who for who, u in parties.items() if u.allowed is not None and u.used + size > u.allowed]
    if full:
        assert isinstance(decision, Refused)
        assert decision.who == full[0]
        assert decision.used + size > decision.allowed
        assert f"The {full[0]} uses" in decision.reason
    else:
        assert decision == Admitted(size)


def test_the_last_byte_fits_and_no_more() -> None:
    assert admit(1, account=Usage(9, 10)) == Admitted(1)
    assert admit(2, account=Usage(9, 10)) == Refused("account", 9, 10, 2)
