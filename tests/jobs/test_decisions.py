"""The pure decisions: claims, retries, what becomes of a job."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mailkit.ids import Id
from mailkit.jobs import transitions
from mailkit.jobs.claim import Claimed, DiedTooOften, Refused, claim
from mailkit.jobs.records import Job
from mailkit.jobs.retry import GiveUp, Retry, RetryAt, retry

JOB = Job(id=Id(bytes(12)), kind="k", due=1000)
POLICY = Retry(attempts=3, first=100, longest=150)


def claimed(job: Job, now: int, attempts: int = 3):
    return claim(job, now=now, owner="me", lease=500, attempts=attempts)


def test_a_due_job_is_leased_under_the_next_number() -> None:
    outcome = claimed(replace(JOB, fence=7, attempts=1), 1000)
    assert outcome == Claimed(replace(JOB, state="running", owner="me", until=1500, fence=8, attempts=2))


@pytest.mark.parametrize(
    ("job", "now", "why"),
    [
        (JOB, 999, "it is not due"),
        (replace(JOB, state="running", until=1500), 1499, "its lease has not ended"),
        (replace(JOB, state="done"), 5000, "it is done"),
        (replace(JOB, state="failed"), 5000, "it is failed"),
        (replace(JOB, state="cancelled"), 5000, "it is cancelled"),
    ],
)
def test_a_refusal_says_why(job, now, why) -> None:
    assert claimed(job, now) == Refused(why)


def test_a_lease_that_ended_is_anyones_until_it_has_killed_too_many() -> None:
    running = replace(JOB, state="running", until=1500, fence=1, attempts=2, progress={"after": 5})
    taken = claimed(running, 1500)
    assert isinstance(taken, Claimed)
    assert (taken.job.fence, taken.job.progress) == (2, {"after": 5})
    assert claimed(replace(running, attempts=3), 1500) == DiedTooOften(3)


@given(st.integers(1, 100), st.integers(0, 255), st.integers(1, 10**6), st.integers(1, 10**9))
def test_waits_grow_to_the_longest_and_a_tenth(attempts, spread, first, longest) -> None:
    policy = Retry(attempts=100, first=first, longest=longest)
    decision = retry(attempts, now=0, policy=policy, spread=spread)
    if attempts == 100:
        assert isinstance(decision, GiveUp)
    else:
        wait = min(longest, first * 2 ** (attempts - 1))
        assert isinstance(decision, RetryAt)
        assert wait <= decision.when <= wait * 1.1


@given(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(0, 10**6))
def test_a_period_is_kept_in_step_and_skips_what_was_missed(due, every, now) -> None:
    following = transitions.next_run(due, every, now)
    assert following > max(now, due)
    assert (following - due) % every == 0
    assert following - every <= max(now, due)


RUNNING = replace(JOB, state="running", until=2000, fence=1, attempts=1, owner="me", progress={"after": 5}, error="e")


def test_success() -> None:
    done = transitions.succeeded(RUNNING, now=1500, keep=10)
    assert (done.state, done.ended, done.forget, done.error) == ("done", 1500, 1510, "")
    back = transitions.succeeded(replace(RUNNING, every=300), now=1500, keep=10)
    assert (back.state, back.due, back.progress, back.attempts) == ("waiting", 1600, {}, 0)
    again = transitions.succeeded(replace(RUNNING, again=1400), now=1500, keep=10)
    assert (again.state, again.due, again.again) == ("waiting", 1400, None)


def test_failure() -> None:
    first = transitions.failed(RUNNING, "boom", now=1500, policy=POLICY, keep=10)
    assert (first.state, first.due, first.attempts, first.error) == ("waiting", 1600, 1, "boom")
    assert first.progress == {"after": 5}
    last = replace(RUNNING, attempts=3)
    dead = transitions.failed(last, "boom", now=1500, policy=POLICY, keep=10)
    assert (dead.state, dead.error, dead.ended, dead.forget) == ("failed", "boom", 1500, 1510)
    periodic = transitions.failed(replace(last, every=300), "boom", now=1500, policy=POLICY, keep=10)
    assert (periodic.state, periodic.due, periodic.attempts, periodic.error) == ("waiting", 1600, 0, "boom")
    wanted = transitions.failed(replace(last, again=1400), "boom", now=1500, policy=POLICY, keep=10)
    assert (wanted.state, wanted.due, wanted.again) == ("waiting", 1500, None)


def test_progress_forgives_and_standing_still_does_not() -> None:
    tired = replace(RUNNING, attempts=3)
    assert transitions.progressed(tired, {"after": 5}, now=1500, lease=500).attempts == 3
    moved = transitions.progressed(tired, {"after": 6}, now=1500, lease=500)
    assert (moved.attempts, moved.until) == (1, 2000)


def test_scheduling_what_is_there_brings_it_forward() -> None:
    assert transitions.rescheduled(JOB, None, due=900, every=None).due == 900
    assert transitions.rescheduled(JOB, {"a": 1}, due=1100, every=None) == replace(JOB, args={"a": 1})
    failing = replace(JOB, attempts=2)
    assert transitions.rescheduled(failing, None, due=900, every=None).due == 1000
    twice = transitions.rescheduled(transitions.rescheduled(RUNNING, None, due=7, every=None), None, due=9, every=None)
    assert (twice.again, twice.state) == (7, "running")
    periodic = replace(JOB, every=300)
    assert transitions.rescheduled(periodic, None, due=5, every=300) == periodic
    assert transitions.rescheduled(periodic, None, due=5, every=200) == replace(periodic, every=200, due=5)


def test_cancelling_takes_the_job_from_its_holder_and_reviving_keeps_progress() -> None:
    cancelled = transitions.cancelled(RUNNING, now=1500, keep=10)
    assert (cancelled.state, cancelled.fence, cancelled.forget) == ("cancelled", 2, 1510)
    revived = transitions.revived(cancelled, now=1600)
    assert (revived.state, revived.due, revived.progress, revived.attempts) == ("waiting", 1600, {"after": 5}, 0)
