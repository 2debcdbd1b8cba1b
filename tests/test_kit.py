"""The kit's own wiring, on every store."""

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.errors import AlreadyExists, Conflict, NotSupported, Unavailable

HAM = b"From: anna@friends.example\r\nSubject: lunch on %d\r\n\r\nshall we meet at the bakery, number %d?\r\n"
SPAM = b"From: win@casino.example\r\nSubject: WINNER %d\r\n\r\nclaim your free casino bonus now %d\r\n"


def test_several_services_are_one_commit(kit: MailKit) -> None:
    kit.accounts.create("taken", address="taken@example.org")

    def two(tx: object) -> None:
        kit.accounts.create("alice", address="alice@example.org", tx=tx)  # type: ignore[arg-type]
        kit.accounts.create("bob", address="taken@example.org", tx=tx)  # type: ignore[arg-type]

    with pytest.raises(AlreadyExists, match=r"address\.exists"):
        kit.transact(two)
    assert kit.principals.find_login("alice") is None
    assert kit.principals.count("individual") == 1


def test_open_transaction_commits_at_its_end_or_raises_conflict(kit: MailKit) -> None:
    with kit.transaction() as tx:
        made = kit.accounts.create("alice", address="alice@example.org", tx=tx)
    assert kit.principals.get(made.number).name == "alice"
    with pytest.raises(Conflict), kit.transaction() as tx:
        kit.mailstore.append(made.id, b"Subject: a\r\n\r\n", tx=tx)
        kit.mailstore.append(made.id, b"Subject: b\r\n\r\n")
    assert kit.mailstore.list(made.id).total == 1


def test_the_spam_engine_is_wired_to_accounts_and_jobs(kit: MailKit, clock: FixedClock) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    kit.spam.learn_many([HAM % (n, n) for n in range(40)], spam=False)
    kit.spam.learn_many([SPAM % (n, n) for n in range(40)], spam=True)
    told = kit.spam.classify(SPAM % (99, 99), account=alice.id)
    assert told.verdict.verdict == "spam"
    assert told.score == pytest.approx(sum(reason.adds for reason in told.reasons))
    while kit.run_due():
        pass
    assert kit.spam.classify(HAM % (99, 99), account=alice.id).verdict.verdict == "ham"


def test_closed_kit_says_so(kit: MailKit) -> None:
    kit.close()
    kit.close()
    with pytest.raises(Unavailable):
        kit.principals.count("individual")


@pytest.mark.parametrize("where", ["redis://x", "gopher:"])
def test_unknown_store_is_not_supported(where: str) -> None:
    with pytest.raises(NotSupported, match=r"store\.unknown_scheme"):
        MailKit.open(where)
