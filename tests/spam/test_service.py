"""Models in the store: counted once, shared between processes, surviving crashes, kept, moved and removed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.spam.mails import corpus, ham, spam

from mailkit.clock import FixedClock
from mailkit.errors import Corrupt, NotFound, Unavailable
from mailkit.ids import new_id
from mailkit.spam import FOR_ALL, Scope, Spam, service, stored
from mailkit.spam.checkpoint import encode_model
from mailkit.spam.stored import catch_up
from mailkit.storage.api import Store
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.keyspace import account_range
from mailkit.storage.open import open_store


@pytest.fixture(params=["memory", "lmdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store("memory:" if request.param == "memory" else str(tmp_path / "data"))
    yield opened
    opened.close()


@pytest.fixture
def engine(store: Store) -> Spam:
    return Spam(store, clock=FixedClock())


def train(engine: Spam, count: int = 150, number: int = FOR_ALL) -> None:
    for kind in (True, False):
        engine.learn_many([raw for raw, is_spam in corpus(count) if is_spam is kind], spam=kind, number=number)


def model_bytes(store: Store, number: int = FOR_ALL) -> bytes:
    model, _ = catch_up(store, number, None, None)
    model.settle()
    return encode_model(model)


def test_what_was_learnt_decides(engine: Spam) -> None:
    assert engine.classify(spam(1)).verdict.verdict == "unsure"
    train(engine)
    found = engine.classify(spam(900))
    assert found.verdict.verdict == "spam"
    assert sum(reason.adds for reason in found.reasons) == pytest.approx(found.verdict.score)
    assert [v.verdict for v in engine.verdicts([spam(901), ham(901)])] == ["spam", "ham"]


def test_the_same_message_twice_counts_once_and_a_changed_mind_moves_it(engine: Spam, store: Store) -> None:
    train(engine, 60)
    before = model_bytes(store)
    assert engine.learn(ham(1), spam=False) == "known"
    assert model_bytes(store) == before
    assert engine.learn(ham(1), spam=True) == "moved"
    status = engine.status()
    assert (status.spam, status.ham) == (21, 39)
    engine.forget(ham(1))
    assert (engine.status().spam, engine.status().ham) == (20, 39)
    with pytest.raises(NotFound):
        engine.forget(ham(1))


def test_forgetting_leaves_what_never_learning_leaves(engine: Spam, store: Store) -> None:
    train(engine, 60)
    score = engine.classify(spam(900)).verdict.score
    engine.learn(ham(500), spam=False, forged=True)
    engine.learn(spam(500), spam=True)
    engine.forget(ham(500))
    engine.forget(spam(500))
    engine.fold()
    other = Spam(store)
    other.purge()
    train(other, 60)
    other.fold()
    assert Spam(store).classify(spam(900)).verdict.score == pytest.approx(score, abs=0.2)
    assert engine.status().spam == 20


def test_a_message_learnt_as_forged_is_moved_as_what_it_was(engine: Spam, store: Store) -> None:
    train(engine, 30)
    before = catch_up(store, FOR_ALL, None, None)[0].table.columns()
    engine.learn(spam(500), spam=True, forged=True)
    engine.learn(spam(500), spam=False)
    engine.forget(spam(500))
    after = catch_up(store, FOR_ALL, None, None)[0].table.columns()
    assert [list(map(int, getattr(after, n))) for n in ("ids", "spam", "ham")] == [
        list(map(int, getattr(before, n))) for n in ("ids", "spam", "ham")
    ]


def test_folding_is_not_seen(engine: Spam, store: Store) -> None:
    train(engine)
    held = Spam(store)  # has it in memory before the fold, and settles it
    held.classify(spam(1))
    assert engine.fold()
    fresh = Spam(store)
    for raw in (spam(902), ham(902), spam(903)):
        scores = {each.classify(raw).verdict.score for each in (engine, held, fresh)}
        assert len(scores) == 1
    assert engine.status().changes == 0
    assert engine.status().bytes > 1000


def test_changes_made_during_a_fold_stay(engine: Spam, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    train(engine, 60)
    real = stored.encode_model

    def meanwhile(model: object) -> bytes:
        if engine.status().spam == 20:
            engine.learn(spam(700), spam=True)
        return real(model)  # type: ignore[arg-type]

    monkeypatch.setattr(stored, "encode_model", meanwhile)
    assert engine.fold()
    assert (engine.status().spam, engine.status().changes) == (21, 1)
    assert engine.learn(spam(700), spam=True) == "known"
    model, _ = catch_up(store, FOR_ALL, None, None)
    assert model.spam == 21


def test_the_second_of_two_folds_at_once_gives_way(engine: Spam, monkeypatch: pytest.MonkeyPatch) -> None:
    train(engine, 60)
    real = stored.encode_model
    ran: list[bool] = []

    def race(model: object) -> bytes:
        if not ran:
            ran.append(True)
            assert engine.fold()
        return real(model)  # type: ignore[arg-type]

    monkeypatch.setattr(stored, "encode_model", race)
    assert not engine.fold()
    assert (engine.status().spam, engine.status().ham) == (20, 40)


def test_many_changes_are_folded_by_themselves_or_by_whom_it_is_told(store: Store) -> None:
    told: list[int] = []
    Spam(store, fold_later=lambda tx, number: told.append(number)).learn_many(
        map(ham, range(600)), spam=False, number=7
    )
    assert set(told) == {7}
    engine = Spam(store)
    engine.learn_many(map(ham, range(600)), spam=False, number=8)
    assert engine.status(8).changes == 0
    assert engine.status(7).changes == 600


def test_an_accounts_and_its_tenants_models_are_heard_with_the_one_for_all(store: Store) -> None:
    account = new_id(0)
    engine = Spam(store, scopes_of=lambda tx, id: [Scope("tenant", 5), Scope("account", 6)])
    train(engine, 150)
    general = engine.classify(ham(990), account=account).verdict
    assert general.verdict == "ham"
    # This account hates what others like.
    engine.learn_many([ham(n) for n in range(1000, 1100)], spam=True, number=6)
    engine.learn_many([spam(n) for n in range(1000, 1100)], spam=False, number=6)
    own = engine.classify(ham(990), account=account)
    assert own.verdict.score > general.score
    assert engine.classify(ham(990)).verdict.score == general.score
    assert sum(reason.adds for reason in own.reasons) == pytest.approx(own.verdict.score)


def test_a_model_goes_out_and_comes_in_elsewhere(engine: Spam, store: Store) -> None:
    train(engine)
    data = engine.export()
    other = Spam(open_store("memory:"))
    other.learn(ham(4000), spam=True)
    other.restore(data)
    assert other.export() == data
    assert other.learn(ham(1), spam=False) == "known"
    assert other.classify(spam(950)).verdict == Spam(store).classify(spam(950)).verdict or engine.fold()
    for bad in (b"", data[:-1], b"x" + data):
        with pytest.raises(Corrupt):
            other.restore(bad)
    assert other.export() == data


def test_purged_is_gone_and_a_model_in_memory_notices(engine: Spam, store: Store) -> None:
    train(engine)
    held = Spam(store)
    assert held.classify(spam(1)).verdict.trained
    engine.purge()
    assert not held.classify(spam(1)).verdict.trained
    assert (engine.status().spam, engine.status().ham, engine.status().bytes) == (0, 0, 0)
    assert engine.learn(spam(0), spam=True) == "learnt"
    assert held.classify(spam(1)).verdict.trained is False


def test_a_model_lies_within_its_account(engine: Spam, store: Store) -> None:
    engine.learn_many(map(ham, range(5)), spam=False, number=77)
    engine.fold(77)
    start, stop = account_range(77)
    with store.snapshot() as tx:
        everything = [key for key, _ in tx.scan(b"\x01", b"\xff")]
        assert everything
        assert all(start <= key < stop for key in everything)


def test_a_model_learnt_with_another_tokeniser_is_silent_and_refuses_to_mix(
    engine: Spam, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(engine)
    with monkeypatch.context() as newer:
        newer.setattr(stored, "VERSION", stored.VERSION + 1)
        newer.setattr(service, "VERSION", stored.VERSION)
        assert not engine.classify(spam(1)).verdict.trained
        assert engine.status().outdated
        for refused in (
            lambda: engine.learn(spam(700), spam=True),
            lambda: engine.forget(corpus(1)[0][0]),
            engine.export,
        ):
            with pytest.raises(Unavailable, match="another tokeniser"):
                refused()
        assert not engine.fold()
    # Who goes back to the release that it was learnt with finds it as it was.
    assert engine.classify(spam(1)).verdict.trained
    assert not engine.status().outdated
    engine.purge()
    assert engine.learn(spam(700), spam=True) == "learnt"


def test_old_marks_are_dropped(engine: Spam, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "REGISTER", 10)
    engine.learn_many(map(ham, range(30)), spam=False)
    engine.fold()
    assert engine.learn(ham(29), spam=False) == "known"
    assert engine.learn(ham(2), spam=False) == "learnt"


def _start(*arguments: object, **how: Any) -> "subprocess.Popen[bytes]":
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    command = [sys.executable, "-m", "tests.spam.workers", *map(str, arguments)]
    return subprocess.Popen(command, cwd=root, env=environment, **how)


def test_concurrent_training_from_several_processes_loses_nothing_and_counts_once(tmp_path: Path) -> None:
    workers = [_start("slice", tmp_path, n, 3, 150) for n in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    with LmdbStore(tmp_path) as store:
        status = Spam(store).status()
        assert (status.spam, status.ham) == (50, 100)
        fresh = open_store("memory:")
        train(Spam(fresh), 150)
        left, right = catch_up(store, FOR_ALL, None, None)[0], catch_up(fresh, FOR_ALL, None, None)[0]
        for name in ("ids", "spam", "ham"):
            a, b = getattr(left.table.columns(), name), getattr(right.table.columns(), name)
            assert a.tolist() == b.tolist()


@pytest.mark.parametrize("after", [0.15, 0.4])
def test_after_kill_9_everything_answered_is_there_and_nothing_is_half_done(tmp_path: Path, after: float) -> None:
    worker = _start("ever", tmp_path, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    first = worker.stdout.readline()
    time.sleep(after)
    worker.kill()
    answered = len((first + worker.stdout.read()).splitlines())
    worker.stdout.close()
    worker.wait()
    with LmdbStore(tmp_path) as store:
        engine = Spam(store)
        learnt = engine.status().ham
        assert answered <= learnt <= answered + 1
        model, _ = catch_up(store, FOR_ALL, None, None)
        assert model.ham == learnt
        assert engine.learn(ham(0), spam=False) == "known"
        assert engine.fold()


def test_a_trainer_killed_among_others_costs_nobody_a_message(tmp_path: Path) -> None:
    workers = [_start("ever", tmp_path, n * 10_000, stdout=subprocess.PIPE) for n in range(3)]
    answered: list[list[int]] = [[], [], []]
    for lines in range(60):
        for n, worker in enumerate(workers):
            if worker.poll() is None and worker.stdout is not None:
                answered[n].append(int(worker.stdout.readline()))
        if lines in (20, 45):
            workers[lines // 40].kill()
            workers[lines // 40].wait()
    for worker in workers:
        worker.kill()
        assert worker.stdout is not None
    for n, worker in enumerate(workers):
        assert worker.stdout is not None
        answered[n] += [int(line) for line in worker.stdout.read().splitlines()]
        worker.stdout.close()
        worker.wait()
    assert [len(numbers) >= least for numbers, least in zip(answered, (20, 45, 60), strict=True)] == [True] * 3
    with LmdbStore(tmp_path) as store:
        engine = Spam(store)
        count = sum(map(len, answered))
        assert count <= engine.status().ham <= count + 3
        assert catch_up(store, FOR_ALL, None, None)[0].ham == engine.status().ham
        for number in (number for numbers in answered for number in numbers):
            assert engine.learn(ham(number), spam=False) == "known"


def test_folds_from_memory_and_from_the_store_write_the_same(engine: Spam, store: Store) -> None:
    train(engine, 90)
    engine.fold()
    engine.verdicts([ham(5)])  # now the model is in memory
    for at in range(90, 120):
        engine.learn(ham(at), spam=False)
    exported = Spam(store).export()
    assert engine.fold()
    assert engine.export() == exported
    assert engine.classify(spam(7)).score == Spam(store).classify(spam(7)).score


def test_a_forged_good_name_doesnt_help_when_authentication_has_refuted_it(engine: Spam) -> None:
    train(engine, 240)
    head, _, body = spam(901).partition(b"\n\n")
    friend = next(line for line in ham(1).splitlines() if line.startswith(b"From:"))
    lines = [friend if line.startswith(b"From:") else line for line in head.splitlines()]
    forged = b"\n".join(lines) + b"\n\n" + body
    believed, refuted = engine.classify(forged), engine.classify(forged, forged=True)
    assert refuted.score > believed.score + 0.2
    assert sum(reason.adds for reason in believed.reasons if reason.family in ("from", "name")) < 0
    assert sum(reason.adds for reason in refuted.reasons if reason.family in ("from", "name")) >= 0
    assert refuted.verdict.verdict == "spam"
