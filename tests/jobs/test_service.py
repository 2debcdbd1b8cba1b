"""The scheduler on real stores."""

import threading

import pytest

from mailkit import journal
from mailkit.clock import FixedClock
from mailkit.errors import Conflict, Invalid, NotFound
from mailkit.ids import Id
from mailkit.jobs import Job, Jobs, Later, Retry, Runner, Step, install_housekeeping, schedule_housekeeping
from mailkit.storage.api import Store

DAY = 24 * 3_600_000


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def jobs(store: Store, clock: FixedClock) -> Jobs:
    return Jobs(store, clock=clock)


def schedule(jobs: Jobs, kind: str, args: dict | None = None, *, due: int | None = None, **more) -> Id:
    when = jobs.clock() if due is None else due
    return jobs.store.transact(lambda tx: jobs.schedule(tx, kind, args, due=when, **more))


def look(jobs: Jobs, job_id: Id) -> Job:
    with jobs.store.snapshot() as tx:
        return jobs.get(tx, job_id)


def test_a_job_runs_once_when_it_is_due(jobs: Jobs, clock: FixedClock) -> None:
    seen: list[dict] = []
    jobs.register("note", lambda step: seen.append(step.args))
    job_id = schedule(jobs, "note", {"n": 1}, due=clock() + 1000)
    assert jobs.run_due() == 0
    with jobs.store.snapshot() as tx:
        assert jobs.next_due(tx) == clock() + 1000
    assert jobs.run_due(clock() + 1000) == 1
    assert jobs.run_due(clock() + 1000) == 0
    assert seen == [{"n": 1}]
    assert look(jobs, job_id).state == "done"


def test_jobs_run_in_order_of_due_time_up_to_the_limit(jobs: Jobs, clock: FixedClock) -> None:
    seen: list[int] = []
    jobs.register("note", lambda step: seen.append(step.args["n"]))
    for n in (3, 1, 2):
        schedule(jobs, "note", {"n": n}, due=clock() - 10 + n)
    assert jobs.run_due(limit=2) == 2
    assert seen == [1, 2]


def test_kinds_without_a_handler_here_are_left_for_others(jobs: Jobs) -> None:
    strange = schedule(jobs, "strange", due=0)
    seen: list[int] = []
    jobs.register("note", lambda step: seen.append(1))
    schedule(jobs, "note")
    assert jobs.run_due() == 1
    assert seen == [1]
    assert look(jobs, strange).state == "waiting"


def test_a_rolled_back_transaction_schedules_nothing(jobs: Jobs) -> None:
    def fails(tx) -> None:
        jobs.schedule(tx, "note", due=0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        jobs.store.transact(fails)
    with jobs.store.snapshot() as tx:
        assert jobs.list(tx) == []


def test_a_key_makes_a_job_unique_until_it_has_ended(jobs: Jobs, clock: FixedClock) -> None:
    jobs.register("merge", lambda step: None)
    first = schedule(jobs, "merge", due=clock() + 500, key="7")
    assert schedule(jobs, "merge", due=clock(), key="7") == first
    assert schedule(jobs, "merge", key="8") != first
    assert look(jobs, first).due == clock()
    jobs.run_due()
    assert schedule(jobs, "merge", key="7") != first


def test_a_job_scheduled_while_it_runs_runs_once_more(jobs: Jobs) -> None:
    runs: list[int] = []

    def merge(step: Step) -> None:
        runs.append(1)
        if len(runs) == 1:
            schedule(jobs, "merge", key="7")
            schedule(jobs, "merge", key="7")

    jobs.register("merge", merge)
    schedule(jobs, "merge", key="7")
    assert jobs.run_due() == 2
    assert len(runs) == 2


def test_a_failure_is_kept_and_tried_again_later(jobs: Jobs, clock: FixedClock) -> None:
    fail = [True]

    def handler(step: Step) -> None:
        if fail[0]:
            raise Invalid("address.bad", "No such address")

    jobs.register("send", handler, retry=Retry(attempts=3, first=1000))
    job_id = schedule(jobs, "send")
    jobs.run_due()
    job = look(jobs, job_id)
    assert (job.state, job.error, job.attempts) == ("waiting", "No such address [address.bad]", 1)
    assert clock() + 1000 <= job.due <= clock() + 1100
    assert jobs.run_due() == 0
    fail[0] = False
    assert jobs.run_due(job.due) == 1
    assert (look(jobs, job_id).state, look(jobs, job_id).error) == ("done", "")


def test_a_job_that_fails_too_often_stays_visible_and_can_be_revived(jobs: Jobs, clock: FixedClock) -> None:
    def handler(step: Step) -> None:
        if step.now() < clock.now + 1 and not step.progress:
            step.transact(lambda tx: step.save(tx, {"half": True}))
        raise ZeroDivisionError("oh")

    jobs.register("send", handler, retry=Retry(attempts=3, first=10))
    job_id = schedule(jobs, "send", key="x")
    while jobs.run_due(limit=1):
        clock.advance(seconds=1)
    job = look(jobs, job_id)
    assert (job.state, job.error, job.progress) == ("failed", "ZeroDivisionError: oh", {"half": True})
    assert job.fence == 3
    with jobs.store.snapshot() as tx:
        assert [each.id for each in jobs.list(tx, states=frozenset({"failed"}))] == [job_id]
    assert jobs.store.transact(lambda tx: jobs.revive(tx, job_id, now=clock())).state == "waiting"
    with pytest.raises(Conflict) as caught:
        jobs.store.transact(lambda tx: jobs.revive(tx, job_id, now=clock()))
    assert caught.value.code == "job.state"


def test_a_periodic_job_comes_back_in_step_also_after_failures(jobs: Jobs, clock: FixedClock) -> None:
    runs: list[int] = []

    def handler(step: Step) -> None:
        runs.append(step.now())
        if len(runs) == 2:
            raise RuntimeError("once")

    jobs.register("tick", handler, retry=Retry(attempts=1))
    start = clock()
    job_id = schedule(jobs, "tick", key="", every=60_000)
    for seconds in (0, 60, 300):
        clock.now = start + seconds * 1000
        assert jobs.run_due() == 1
        assert jobs.run_due() == 0
    assert look(jobs, job_id).due == start + 360_000
    assert runs == [start, start + 60_000, start + 300_000]


def test_a_handler_can_ask_to_be_called_again(jobs: Jobs, clock: FixedClock) -> None:
    def handler(step: Step) -> Later | None:
        done = step.progress.get("n", 0) + 1
        step.transact(lambda tx: step.save(tx, {"n": done}))
        return Later(step.now() + 5000) if done < 3 else None

    jobs.register("poll", handler)
    job_id = schedule(jobs, "poll")
    for _ in range(3):
        assert jobs.run_due() == 1
        clock.advance(seconds=5)
    assert (look(jobs, job_id).state, look(jobs, job_id).progress) == ("done", {"n": 3})


def test_work_resumes_from_saved_progress_after_a_lost_worker(jobs: Jobs, store: Store, clock: FixedClock) -> None:
    class Killed(BaseException):
        pass

    def handler(step: Step) -> None:
        for n in range(step.progress.get("next", 0), 6):
            if n == 3 and step.job.fence == 1:
                raise Killed  # like a signal: the scheduler gets no word

            def work(tx, n=n) -> None:
                tx.put(b"\x7f%d" % n, (tx.get(b"\x7f%d" % n) or b"") + b"x")
                step.save(tx, {"next": n + 1})

            step.transact(work)

    jobs.register("walk", handler, lease=10_000)
    job_id = schedule(jobs, "walk")
    with pytest.raises(Killed):
        jobs.run_due()
    assert (look(jobs, job_id).state, look(jobs, job_id).progress) == ("running", {"next": 3})
    clock.advance(ms=9_999)
    assert jobs.run_due() == 0
    clock.advance(ms=1)
    assert jobs.run_due() == 1
    with store.snapshot() as tx:
        assert [tx.get(b"\x7f%d" % n) for n in range(6)] == [b"x"] * 6
    assert look(jobs, job_id).state == "done"


def test_a_job_that_kills_its_workers_is_given_up(jobs: Jobs, clock: FixedClock) -> None:
    class Killed(BaseException):
        pass

    def handler(step: Step) -> None:
        raise Killed

    jobs.register("bomb", handler, lease=1000, retry=Retry(attempts=2))
    job_id = schedule(jobs, "bomb")
    for _ in range(2):
        with pytest.raises(Killed):
            jobs.run_due()
        clock.advance(seconds=1)
    assert jobs.run_due() == 0
    job = look(jobs, job_id)
    assert (job.state, job.error) == ("failed", "its worker died 2 times in a row")


def test_a_slow_worker_that_lost_its_lease_changes_nothing_any_more(
    jobs: Jobs, store: Store, clock: FixedClock
) -> None:
    codes: list[str] = []

    def handler(step: Step) -> None:
        if step.job.fence > 1:
            return
        clock.advance(seconds=11)  # sleeps through its lease, while another process takes over
        assert jobs.run_due() == 1

        def late(tx) -> None:
            tx.put(b"\x7flate", b"x")
            step.save(tx, {"n": 1})

        try:
            step.transact(late)
        except Conflict as lost:
            codes.append(lost.code)
            raise

    jobs.register("walk", handler, lease=10_000)
    job_id = schedule(jobs, "walk")
    assert jobs.run_due() == 1
    assert codes == ["job.lost"]
    job = look(jobs, job_id)
    assert (job.state, job.error, job.progress, job.fence) == ("done", "", {}, 2)
    with store.snapshot() as tx:
        assert tx.get(b"\x7flate") is None


def test_a_slow_worker_cannot_save_into_the_run_of_its_successor(jobs: Jobs, clock: FixedClock) -> None:
    steps: list[Step] = []
    lost: list[str] = []

    def handler(step: Step) -> None:
        steps.append(step)
        if len(steps) == 1:
            clock.advance(seconds=11)
            assert jobs.run_due() == 1
        else:
            for late in (lambda tx: steps[0].save(tx, {"n": 1}), steps[0].finish):
                with pytest.raises(Conflict) as caught:
                    step.transact(late)
                lost.append(caught.value.code)
            step.transact(lambda tx: step.save(tx, {"n": 2}))

    jobs.register("walk", handler, lease=10_000)
    job_id = schedule(jobs, "walk")
    assert jobs.run_due() == 1
    assert lost == ["job.lost", "job.lost"]
    assert look(jobs, job_id).progress == {"n": 2}


def test_renewing_keeps_the_lease(jobs: Jobs, clock: FixedClock) -> None:
    def handler(step: Step) -> None:
        for _ in range(5):
            clock.advance(seconds=8)
            step.renew()
            assert jobs.run_due() == 0

    jobs.register("walk", handler, lease=10_000)
    job_id = schedule(jobs, "walk")
    assert jobs.run_due() == 1
    assert look(jobs, job_id).state == "done"


def test_finishing_with_the_last_effect_ends_the_job_even_if_the_handler_then_fails(jobs: Jobs, store: Store) -> None:
    def handler(step: Step) -> None:
        def last(tx) -> None:
            tx.put(b"\x7fsent", b"x")
            step.finish(tx)

        step.transact(last)
        raise RuntimeError("after the end")

    jobs.register("send", handler)
    job_id = schedule(jobs, "send")
    assert jobs.run_due() == 1
    assert look(jobs, job_id).state == "done"


def test_a_cancelled_job_does_not_run_and_a_running_one_is_stopped_at_its_next_save(
    jobs: Jobs, clock: FixedClock
) -> None:
    jobs.register("never", lambda step: pytest.fail("it ran"))
    waiting = schedule(jobs, "never")
    jobs.store.transact(lambda tx: jobs.cancel(tx, waiting, now=clock()))
    assert jobs.run_due() == 0
    saved: list[int] = []

    def handler(step: Step) -> None:
        jobs.store.transact(lambda tx: jobs.cancel(tx, step.job.id, now=clock()))
        step.transact(lambda tx: step.save(tx, {"n": 1}))
        saved.append(1)

    jobs.register("walk", handler)
    running = schedule(jobs, "walk")
    jobs.run_due()
    assert saved == []
    assert look(jobs, running).state == look(jobs, waiting).state == "cancelled"
    with pytest.raises(NotFound):
        jobs.store.transact(lambda tx: jobs.cancel(tx, Id(bytes(12)), now=clock()))


def test_ended_jobs_are_forgotten_after_their_time(jobs: Jobs, clock: FixedClock) -> None:
    jobs.register("note", lambda step: None)
    jobs.register("brief", lambda step: None, keep=0)
    kept, brief = schedule(jobs, "note"), schedule(jobs, "brief")
    jobs.run_due()
    with pytest.raises(NotFound):
        look(jobs, brief)
    clock.advance(days=7, ms=-1)
    jobs.store.transact(lambda tx: jobs.cleanup(tx, now=clock()))
    assert look(jobs, kept).state == "done"
    clock.advance(ms=1)
    jobs.store.transact(lambda tx: jobs.cleanup(tx, now=clock()))
    with pytest.raises(NotFound):
        look(jobs, kept)


def test_lists_are_pages_in_order_of_creation(jobs: Jobs, store: Store) -> None:
    made = [schedule(jobs, f"kind{n % 2}", due=0) for n in range(6)]
    with store.snapshot() as tx:
        first = jobs.list(tx, limit=4)
        assert [job.id for job in first + jobs.list(tx, after=first[-1].id)] == made
        assert [job.id for job in jobs.list(tx, kind="kind1")] == made[1::2]


def test_housekeeping_trims_the_journal_and_forgets_ended_jobs(jobs: Jobs, store: Store, clock: FixedClock) -> None:
    install_housekeeping(jobs)
    jobs.register("note", lambda step: None)
    note = schedule(jobs, "note")
    jobs.run_due()
    store.transact(lambda tx: journal.add(tx, journal.Entry(kind="x", at=clock())))
    for _ in range(2):
        store.transact(lambda tx: schedule_housekeeping(jobs, tx, now=clock()))
    clock.advance(days=8)
    assert jobs.run_due() == 2
    with store.snapshot() as tx:
        assert {(job.kind, job.state) for job in jobs.list(tx)} == {
            ("journal.trim", "waiting"),
            ("jobs.cleanup", "waiting"),
        }
        assert list(journal.read(tx, journal.head(tx))) == []
    with pytest.raises(NotFound):
        look(jobs, note)


def test_one_kind_has_one_handler(jobs: Jobs) -> None:
    jobs.register("x", lambda step: None)
    with pytest.raises(ValueError, match="already"):
        jobs.register("x", lambda step: None)


def test_racing_threads_run_each_job_once(jobs: Jobs) -> None:
    seen: list[int] = []
    jobs.register("note", lambda step: seen.append(step.args["n"]))
    for n in range(30):
        schedule(jobs, "note", {"n": n})
    threads = [threading.Thread(target=jobs.run_due) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(30))


def test_the_runner_runs_what_is_due_and_stops_cleanly(store: Store) -> None:
    jobs = Jobs(store)
    ran, stopped = threading.Event(), threading.Event()

    def long(step: Step) -> Later | None:
        while not step.stopping:
            ran.set()
            step.renew()
        stopped.set()
        return Later(step.now())

    jobs.register("long", long)
    runner = Runner(jobs, poll=60)
    with runner:
        job_id = schedule(jobs, "long", due=0)
        runner.wake()
        assert ran.wait(30)
    assert stopped.is_set()
    assert look(jobs, job_id).state == "waiting"


def test_the_runner_survives_errors_of_handlers(store: Store) -> None:
    jobs = Jobs(store)
    ran = threading.Event()

    def bad(step: Step) -> None:
        raise RuntimeError

    jobs.register("bad", bad)
    jobs.register("good", lambda step: ran.set())
    schedule(jobs, "bad", due=0)
    schedule(jobs, "good", due=1)
    with Runner(jobs, poll=0.01):
        assert ran.wait(30)
