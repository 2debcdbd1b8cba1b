"""Accounts over time: what is deleted waits, lingers and goes; what is counted anew is told; races have one winner."""

import threading
from collections.abc import Callable

import pytest

from mailkit import MailKit, journal
from mailkit.clock import FixedClock
from mailkit.errors import AlreadyExists, Denied, NotFound
from mailkit.ids import Id
from mailkit.mailstore.recount import stored_bytes
from mailkit.principals.verify import verify
from mailkit.storage.keyspace import QUOTA_USED
from mailkit.storage.tables import Counter
from tests.accounts.test_limits import ask

DAY = 86_400_000
MAIL = b"Subject: x\r\n\r\nbody\r\n"


def _journal(kit: MailKit) -> list[str]:
    with kit.store.snapshot() as tx:
        return [entry.kind for _, entry in journal.read(tx, 0)]


def test_deleted_mail_lingers_out_of_reach_and_then_goes(kit: MailKit, clock: FixedClock) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org", password="x")
    kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org"])
    kit.accounts.delete(jane.id, due=clock() + DAY, linger=14 * DAY)
    kit.run_due(clock())
    assert kit.principals.buried(jane.id).principal.name == "jane"
    clock.advance(ms=DAY)
    kit.run_due(clock())
    assert kit.used(jane.number) > 0
    assert "user.delete.completed" in _journal(kit)
    with pytest.raises(NotFound) as gone:
        kit.principals.buried(jane.id)
    assert gone.value.code == "account.not_found"
    clock.advance(ms=14 * DAY)
    kit.run_due(clock())
    assert kit.used(jane.number) == 0
    assert kit.principals.find_any(jane.number) is None
    assert _journal(kit).count("user.delete.completed") == 1
    assert list(verify(kit.store)) == []


def test_a_restored_account_has_its_mail_and_password_but_not_its_tokens(kit: MailKit, clock: FixedClock) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org", password="secret")
    token = kit.credentials.issue_token("wd/user", now=clock(), owner=jane.number, auth_version=jane.auth_version)
    kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org"])
    kit.accounts.delete(jane.id, due=clock() + DAY)
    assert kit.accounts.restore(jane.id).main == "jane@example.org"
    kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org"])
    page = kit.mailstore.list(jane.id, mailbox="INBOX")
    assert page.total == 2
    assert kit.callers.of_password("jane", "secret").number == jane.number
    with pytest.raises(Denied) as refused:
        kit.callers.of_token(token)
    assert refused.value.code == "token.invalid"
    clock.advance(ms=2 * DAY)
    kit.run_due(clock())
    assert kit.mailstore.list(jane.id, mailbox="INBOX").total == 2


def test_recounting_all_tells_the_difference(kit: MailKit, clock: FixedClock) -> None:
    people = [kit.accounts.create(f"u{n}", address=f"u{n}@example.org") for n in range(3)]
    for _ in range(2):
        kit.delivery.accept(MAIL, mail_from="", rcpt_to=["u1@example.org"])
    right = kit.used(people[1].number)
    kit.transact(lambda tx: Counter(QUOTA_USED).add(tx, 1000, people[1].number))
    job = kit.users.recount_all()
    kit.run_due(clock())
    with kit.store.snapshot() as tx:
        done = kit.jobs.get(tx, job)
        assert stored_bytes(people[1].number, tx=tx) == right
    assert done.state == "done"
    assert {name: done.progress[name] for name in ("accounts", "changed", "difference")} == {
        "accounts": 3,
        "changed": 1,
        "difference": -1000,
    }
    assert kit.used(people[1].number) == right


def test_one_of_many_gets_a_name_an_address_an_alias(kit: MailKit, race: Callable[..., None]) -> None:
    wins: dict[str, list[str]] = {"name": [], "address": [], "alias": []}
    people = [kit.accounts.create(f"p{n}", address=f"p{n}@example.org") for n in range(4)]
    turns = iter(range(4))
    lock = threading.Lock()

    def attempt(what: str, work: Callable[[], object]) -> None:
        try:
            work()
        except AlreadyExists:
            return
        with lock:
            wins[what].append(threading.current_thread().name)

    def work() -> None:
        from mailkit.principals.normalise import parse_address

        with lock:
            turn = next(turns)
        attempt("name", lambda: kit.accounts.create("new", address=f"new{turn}@example.org"))
        attempt("address", lambda: kit.addressing.add(people[turn], parse_address("both@example.org")))
        attempt("alias", lambda: kit.domain_aliases.add("alias.example", "example.org", now=1))

    race(work)
    assert {what: len(names) for what, names in wins.items()} == {"name": 1, "address": 1, "alias": 1}
    assert list(verify(kit.store)) == []


def test_restore_against_a_taken_name_has_one_winner(
    kit: MailKit, clock: FixedClock, race: Callable[..., None]
) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org")
    kit.accounts.delete(jane.id, due=clock() + DAY)
    done: list[Id] = []
    turns = iter(["restore", "create"])

    def work() -> None:
        turn = next(turns)
        try:
            if turn == "restore":
                done.append(kit.accounts.restore(jane.id).principal.id)
            else:
                done.append(kit.accounts.create("jane", address="jane@example.org").id)
        except AlreadyExists:
            pass

    race(work, 2)
    assert len(done) == 1
    row = kit.principals.by_name("jane")
    assert row.id == done[0]
    assert list(verify(kit.store)) == []


def test_deleted_accounts_are_listed_until_their_data_is_gone(kit: MailKit, clock: FixedClock) -> None:
    gone = [kit.accounts.create(name, address=f"{name}@example.org") for name in ("ann", "bob", "eve")]
    for row in gone:
        kit.accounts.delete(row.id, due=clock() + DAY)
    first = kit.principals.list_buried(limit=2)
    rest = kit.principals.list_buried(limit=2, after=first[-1].principal.number)
    assert [row.principal.name for row in [*first, *rest]] == ["ann", "bob", "eve"]
    kit.accounts.restore(gone[1].id)
    clock.advance(ms=DAY)
    kit.run_due(clock())
    assert kit.principals.list_buried(limit=10) == []


def test_tokens_of_everybody_and_nobody_are_listed(kit: MailKit, clock: FixedClock) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org")
    for owner in (jane.number, None, None):
        kit.credentials.issue_token("wd/user" if owner else "admin", now=clock(), owner=owner)
    first = kit.credentials.all_tokens(limit=2)
    rest = kit.credentials.all_tokens(limit=2, after=first[-1][0])
    assert sorted(row.owner or 0 for _, row in [*first, *rest]) == [0, 0, jane.number]
    assert {row.owner for _, row in kit.credentials.list_tokens(jane.number)} == {jane.number}


def test_what_a_change_does_not_name_stays(kit: MailKit) -> None:
    """The reference forgets `uploadSentMessages` at each change (quirk 9)."""
    user = ask(kit, "POST", "/users", json={"username": "jane", "password": "", "uploadSentMessages": True}).json()[
        "id"
    ]
    before = kit.principals.by_name("jane")
    assert ask(kit, "PUT", f"/users/{user}", json={}).json() == {"success": True}
    after = kit.principals.by_name("jane")
    assert after.profile == before.profile
    assert after.profile is not None
    assert after.profile.upload_sent


def test_a_password_for_a_day_is_twelve_letters_and_digits(kit: MailKit) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org", password="secret")
    made = {ask(kit, "POST", f"/users/{jane.id}/password/reset", json={}).json()["password"] for _ in range(20)}
    assert len(made) == 20
    assert all(len(text) == 12 and text.isascii() and text.isalnum() for text in made)
    letters = "".join(made)
    assert any(map(str.isupper, letters))
    assert any(map(str.islower, letters))
    assert any(map(str.isdigit, letters))
    actions = [row.action for row in kit.authlog.list(jane.number, now=kit.clock(), limit=50).items]
    assert "reset" in actions


@pytest.mark.parametrize(("name", "counter"), [("receivedMax", "received"), ("imapMaxUpload", "imapUpload")])
def test_a_limit_that_is_set_starts_its_counter_anew(kit: MailKit, name: str, counter: str) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org")
    kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org"])
    inbox = ask(kit, "GET", f"/users/{jane.id}/mailboxes/resolve?path=INBOX").json()["id"]
    assert ask(kit, "POST", f"/users/{jane.id}/mailboxes/{inbox}/messages", json={"raw": "Subject: x\r\n\r\ny"}).json()[
        "success"
    ]

    def used() -> dict[str, int]:
        limits = ask(kit, "GET", f"/users/{jane.id}").json()["limits"]
        return {one: limits[one]["used"] for one in ("received", "imapUpload")}

    before = used()
    assert all(before.values())
    assert ask(kit, "PUT", f"/users/{jane.id}", json={name: 0}).json()["success"]
    assert used() == {**before, counter: 0}
