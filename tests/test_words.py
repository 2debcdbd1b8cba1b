"""Rank 0: errors, clock and ids."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit import MailKitError
from mailkit.clock import FixedClock, to_datetime, to_ms
from mailkit.errors import AlreadyExists, FieldError, Invalid, NotFound
from mailkit.ids import Id, new_id


def test_error_carries_code_message_and_fields() -> None:
    error = AlreadyExists("address.exists", "The address is taken", address="a@example.org")
    assert (error.code, error.message, error.fields["address"]) == (
        "address.exists",
        "The address is taken",
        "a@example.org",
    )
    assert isinstance(error, MailKitError)


def test_error_without_words_says_what_its_docstring_says() -> None:
    assert NotFound().message == "There is no such object."


@pytest.mark.parametrize("error", [AlreadyExists("a.b", "m", x=1), Invalid.field("to.0.address", "bad", kind="email")])
def test_errors_cross_process_borders(error: MailKitError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, again.message, dict(again.fields)) == (
        type(error), error.code, error.message, dict(error.fields),
    )  # fmt: skip
    assert getattr(again, "errors", None) == getattr(error, "errors", None)


def test_invalid_joins_the_messages_of_its_fields() -> None:
    error = Invalid(errors=(FieldError(("a",), "a is required"), FieldError(("b", 0), "b.0 is odd")))
    assert error.message == "a is required. b.0 is odd"
    assert error.errors[1].dotted == "b.0"


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_milliseconds_round_trip(when: datetime) -> None:
    assert to_datetime(to_ms(when)) == when.replace(microsecond=when.microsecond // 1000 * 1000)


def test_zones_are_honoured_and_naive_times_refused() -> None:
    zone = timezone(timedelta(hours=2))
    assert to_ms(datetime(1970, 1, 1, 2, tzinfo=zone)) == 0
    with pytest.raises(ValueError, match="zone"):
        to_ms(datetime(1970, 1, 1))


def test_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(1000)
    assert clock() == clock() == 1000
    assert clock.advance(seconds=1.5, days=1) == clock() == 86_402_500


def test_ids_are_unique_ordered_by_second_and_round_trip() -> None:
    first, second = new_id(5_000), new_id(6_000)
    assert first < second
    assert Id.parse(str(first).upper()) == first
    assert first.created == 5_000
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_threads_never_mint_the_same_id() -> None:
    with ThreadPoolExecutor(4) as pool:
        minted = [pool.submit(lambda: [new_id(1_000) for _ in range(5_000)]) for _ in range(4)]
    assert len({id for one in minted for id in one.result()}) == 20_000


@pytest.mark.parametrize("text", ["", "zz" * 12, "ab" * 11, "ab" * 13])
def test_text_that_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Id.parse(text)


def test_child_process_draws_new_random_bytes() -> None:
    mine = new_id(1_000)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, new_id(1_000))
        os._exit(0)
    os.waitpid(pid, 0)
    assert Id(os.read(read, 12))[4:9] != mine[4:9]
