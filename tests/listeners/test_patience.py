"""What a slow client may take, to the millisecond; and who may read when memory is short."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailkit.listeners import Limits
from mailkit.listeners.dialogue import State
from mailkit.listeners.inflight import Inflight
from mailkit.listeners.patience import Patience

LIMITS = Limits(
    idle_timeout=timedelta(seconds=300),
    command_timeout=timedelta(seconds=60),
    content_timeout=timedelta(seconds=3600),
    content_rate=100,
    content_window=timedelta(seconds=30),
)


def verdict(patience: Patience, now: float) -> str | None:
    reply = patience.exhausted(now, LIMITS)
    return reply.text if reply else None


def test_silence_is_allowed_up_to_the_idle_timeout() -> None:
    patience = Patience(1000.0)
    assert verdict(patience, 1299.9) is None
    assert verdict(patience, 1300.0) == "idle for too long; closing"
    patience.hear(1299.0, 6)
    patience.move(1299.0, State.READY, 0, 1)
    assert verdict(patience, 1598.9) is None


def test_dripping_octets_do_not_stretch_a_command() -> None:
    patience = Patience(0.0)
    for now in range(60):
        patience.hear(now, 1)
        patience.move(now, State.READY, now + 1, 0)
        assert verdict(patience, now) is None
    assert verdict(patience, 60.0) == "the command took too long; closing"


def test_a_new_line_has_its_own_time() -> None:
    patience = Patience(0.0)
    for now in range(0, 600, 50):  # each read ends in the middle of another line
        patience.hear(now, 10)
        patience.move(now, State.READY, 5, now)
        assert verdict(patience, now + 49.0) is None


def test_content_has_to_keep_its_rate_in_every_window() -> None:
    patience = Patience(0.0)
    patience.move(0.0, State.CONTENT, 0, 4)
    patience.hear(20.0, 3000)
    assert verdict(patience, 30.0) is None  # 100 a second, just enough
    patience.hear(40.0, 2999)
    assert verdict(patience, 59.9) is None
    assert verdict(patience, 60.0) == "the message comes too slowly; closing"


def test_content_has_a_longest_time() -> None:
    patience = Patience(0.0)
    patience.move(0.0, State.CONTENT, 0, 4)
    for now in range(0, 3600, 10):
        patience.hear(now, 100_000)
        patience.move(now, State.CONTENT, 10, 4)
        assert verdict(patience, now) is None
    assert verdict(patience, 3600.0) == "the message took too long; closing"


def test_a_pause_of_the_server_is_not_the_clients() -> None:
    patience = Patience(0.0)
    patience.move(0.0, State.CONTENT, 0, 4)
    patience.hear(10.0, 3000)
    patience.resume(4000.0, 3990.0)
    assert verdict(patience, 4019.9) is None
    assert verdict(patience, 4020.0) is None
    assert verdict(patience, 4050.0) == "the message comes too slowly; closing"


def test_a_pause_within_a_command_line_is_not_the_clients_either() -> None:
    patience = Patience(0.0)
    patience.hear(0.0, 3)
    patience.move(0.0, State.READY, 3, 0)
    patience.resume(100.0, 90.0)
    assert verdict(patience, 149.9) is None
    assert verdict(patience, 150.0) == "the command took too long; closing"


def test_after_content_the_next_message_has_new_clocks() -> None:
    patience = Patience(0.0)
    patience.move(0.0, State.CONTENT, 0, 4)
    patience.hear(3000.0, 400_000)
    patience.move(3000.0, State.READY, 0, 4)
    patience.hear(3001.0, 6)
    patience.move(3001.0, State.CONTENT, 0, 7)
    patience.hear(3002.0, 10_000)
    assert verdict(patience, 3040.0) is None


# Memory


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40)), max_size=200))
def test_somebody_can_always_go_on(steps: list[tuple[int, int]]) -> None:
    account: Inflight[int] = Inflight(100)
    held = dict.fromkeys(range(5), 0)
    stopped: set[int] = set()
    for owner, octets in steps:
        if owner in stopped:
            octets = 0  # it cannot read, but its client may leave
        elif octets:
            octets += held[owner]
        held[owner] = octets
        if account.hold(owner, octets):
            stopped.discard(owner)
        else:
            stopped.add(owner)
        stopped -= set(account.admit())
        assert account.total == sum(held.values())
        assert len(stopped) < 5
        assert not stopped or account.total >= 100
        if account.total >= 100:
            assert account.overdraft is not None
            assert account.overdraft not in stopped


def test_the_one_that_reaches_the_limit_goes_on_and_the_others_wait_in_order() -> None:
    account: Inflight[str] = Inflight(100)
    assert account.hold("a", 60)
    assert account.hold("b", 60)  # the overdraft
    assert not account.hold("a", 70)
    assert not account.hold("c", 10)
    assert account.hold("b", 500)
    assert account.admit() == []
    assert account.hold("b", 0)
    assert account.admit() == ["a", "c"]


def test_the_overdraft_goes_to_the_one_that_waited_longest() -> None:
    account: Inflight[str] = Inflight(100)
    assert account.hold("a", 150)
    assert not account.hold("b", 150)
    assert not account.hold("c", 150)
    assert account.hold("a", 0)
    assert account.admit() == ["b"]
    assert account.overdraft == "b"
    assert account.hold("c", 0)  # its client left
    assert account.admit() == []
    assert account.hold("b", 0)
    assert account.total == 0
