"""What comes back by itself, on every store."""

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.oauth.grants import Grants
from mailkit.housekeeping import FORGET
from mailkit.limits.decide import Limit
from mailkit.storage.api import Tx
from mailkit.verify import verify


def test_bytes_of_deleted_accounts_go_and_those_of_others_stay(kit: MailKit, clock: FixedClock) -> None:
    big = b"Subject: big\r\n\r\n" + bytes(range(32, 127)) * 5000  # large enough for a file
    people = [kit.accounts.create(name, address=f"{name}@example.org") for name in ("alice", "bob")]
    for person in people:
        kit.mailstore.append(person.id, big)
    kit.mailstore.append(people[0].id, big.replace(b"big", b"own"))
    kit.accounts.delete(people[0].id)
    with kit.background():
        pass  # schedules what comes back
    for _ in range(3):
        while kit.run_due():
            pass
        clock.advance(days=1)
    assert list(verify(kit)) == []
    assert len(list(kit.blobs.files.list())) == 1
    assert kit.mailstore.source(people[1].id, "INBOX", 1) == big


def test_a_class_of_counters_is_forgotten_and_no_other(kit: MailKit, clock: FixedClock) -> None:
    limit = Limit(1000, 3_600_000)

    def count(tx: Tx) -> None:
        for number in range(600):
            kit.limits.count(tx, f"login:{number}|*", "failed logins", 1, limit, now=clock())
        kit.limits.count(tx, "login-from:192.0.2.0/24", "failed logins", 1, limit, now=clock())
        kit.limits.count(tx, "account:7", "recipients", 1, limit, now=clock())
        kit.jobs.schedule(tx, FORGET, {"prefix": "rate-auth"}, due=clock(), key="rate-auth")

    kit.transact(count)
    while kit.run_due():
        pass
    with kit.store.snapshot() as tx:
        for who, what, used in (
            ("login:599|*", "failed logins", 0),
            ("login-from:192.0.2.0/24", "failed logins", 0),
            ("account:7", "recipients", 1),
        ):
            assert kit.limits.status(tx, who, what, limit, now=clock()).used == used


def test_codes_that_wait_are_forgotten(kit: MailKit, clock: FixedClock) -> None:
    grants = Grants()
    code, _ = kit.transact(lambda tx: grants.device(tx, client="c", nonce=None, now=clock(), life=600_000))
    kit.transact(lambda tx: kit.jobs.schedule(tx, FORGET, {"prefix": "oauth"}, due=clock(), key="oauth"))
    with kit.store.snapshot() as tx:
        assert grants.find(tx, code, "device", now=clock()) is not None
    while kit.run_due():
        pass
    with kit.store.snapshot() as tx:
        assert grants.find(tx, code, "device", now=clock()) is None
    assert list(verify(kit)) == []
