"""What was done under a name is known under it for a day, by its caller, and for what was asked."""

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import Invalid
from mailkit.idempotency import KEEP, Name, service
from mailkit.idempotency.records import BY_CALLER, BY_TIME, COUNT, KEPT
from mailkit.verify import verify

ONE = Name("alice", "1", b"f" * 32)


def findings(kit: MailKit) -> list[str]:
    return [str(finding) for finding in verify(kit) if finding.level == "error"]


def count(kit: MailKit) -> int:
    with kit.store.snapshot() as tx:
        return COUNT.get(tx, ONE.caller)


def test_an_answer_is_known_by_its_name_and_to_its_caller_only(kit: MailKit) -> None:
    keys, now = kit.idempotency, kit.clock()
    kit.transact(lambda tx: keys.keep(tx, ONE, b"done", now=now))
    with kit.store.snapshot() as tx:
        known = keys.find(tx, ONE, now=now + KEEP - 1)
        assert known is not None
        assert known.answer == b"done"
        assert keys.find(tx, Name("bob", "1", b"f" * 32), now=now) is None
        assert keys.find(tx, Name("alice", "2", b"f" * 32), now=now) is None
        with pytest.raises(Invalid) as refused:
            keys.find(tx, Name("alice", "1", b"g" * 32), now=now)
    assert refused.value.code == "idempotency.reused"


def test_it_is_forgotten_after_a_day_and_may_then_be_given_to_something_else(kit: MailKit, clock: FixedClock) -> None:
    keys = kit.idempotency
    kit.transact(lambda tx: keys.keep(tx, ONE, b"done", now=clock()))
    other = Name("alice", "1", b"g" * 32)
    clock.advance(ms=KEEP)
    with kit.store.snapshot() as tx:
        assert keys.find(tx, other, now=clock()) is None
    kit.transact(lambda tx: keys.keep(tx, other, None, now=clock()))  # before the job that forgets has come
    assert count(kit) == 1
    assert not kit.transact(lambda tx: keys.forget_some(tx, now=clock()))
    assert count(kit) == 1
    clock.advance(ms=KEEP)
    with kit.background():
        pass
    while kit.run_due():
        pass
    assert count(kit) == 0
    with kit.store.snapshot() as tx:
        for space in (KEPT.space, BY_TIME.space, BY_CALLER.space, COUNT.space):
            assert list(tx.scan(*space.range())) == []


def test_of_too_many_the_oldest_is_forgotten(kit: MailKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 3)
    names = [Name("alice", str(n), bytes([n]) * 32) for n in range(5)]
    others = Name("bob", "0", bytes(32))
    kit.transact(lambda tx: kit.idempotency.keep(tx, others, b"", now=0))
    for n, name in enumerate(names):
        kit.transact(lambda tx, name=name, n=n: kit.idempotency.keep(tx, name, b"%d" % n, now=n))  # type: ignore[misc]
    with kit.store.snapshot() as tx:
        known = [kit.idempotency.find(tx, name, now=9) for name in names]
        assert kit.idempotency.find(tx, others, now=9) is not None
    assert [row and row.answer for row in known] == [None, None, b"2", b"3", b"4"]
    assert count(kit) == 3
    assert findings(kit) == []


def test_check_finds_what_is_damaged(kit: MailKit) -> None:
    kit.transact(lambda tx: kit.idempotency.keep(tx, ONE, b"done", now=0))
    assert findings(kit) == []
    kit.transact(lambda tx: COUNT.set(tx, 2, ONE.caller))
    assert any("2 answers are counted, 1 are kept" in finding for finding in findings(kit))
    kit.transact(lambda tx: COUNT.set(tx, 1, ONE.caller))
    kit.transact(lambda tx: tx.delete(BY_TIME.space.key(0, ONE.caller, ONE.name)))
    assert any("is missing" in finding for finding in findings(kit))
    kit.transact(lambda tx: tx.delete(KEPT.space.key(ONE.caller, ONE.name)))
    assert any("1 answers are counted, 0 are kept" in finding for finding in findings(kit))
    assert any("points to a row that is not there" in finding for finding in findings(kit))
