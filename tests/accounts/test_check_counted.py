"""`mailkit check` sees every damage to address registers and counters, and rows of accounts that are not there."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from mailkit import MailKit, journal
from mailkit.accounts.directory import NewPrincipal
from mailkit.accounts.limits import DOWNLOAD, FORWARD, RECEIVE, SEND
from mailkit.clock import FixedClock
from mailkit.errors import Denied
from mailkit.limits.service import ROWS as COUNTERS
from mailkit.limits.service import Row
from mailkit.mailstore.selection import Selection
from mailkit.principals.normalise import parse_address
from mailkit.principals.permits import LOCAL_ADMINISTRATOR
from mailkit.principals.records import Principal
from mailkit.principals.register import ROWS as PEOPLE
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.storage.keyspace import Space
from mailkit.storage.verify import Finding
from mailkit.verify import verify

HOUR = 3_600_000
DAY = 24 * HOUR
MAIL = b"From: Bob <bob@example.net>\r\nSubject: x\r\n\r\nbody\r\n"


@pytest.fixture
def kit(quick_kit: MailKit) -> MailKit:
    """Damage is planted with `put` and `delete`: any store will do."""
    return quick_kit


@pytest.fixture
def jane(kit: MailKit) -> Principal:
    """An account that had mail, and has sent."""
    made = kit.accounts.create("jane", address="jane@example.org")
    assert kit.delivery.accept(MAIL, mail_from="bob@example.net", rcpt_to=["jane@example.org"]).stored == 1
    kit.account_limits.take(made.id, SEND, 3)
    return made


def findings(kit: MailKit) -> list[Finding]:
    return list(verify(kit))


def first(tx: Tx, space: Space, *prefix: Any) -> tuple[bytes, bytes]:
    return next(iter(tx.scan(*space.range(*prefix))))


def test_nothing_is_found_while_an_account_comes_writes_and_goes(
    kit: MailKit, jane: Principal, clock: FixedClock
) -> None:
    for number in (0, jane.number):  # a spam model for all, and one of its own
        kit.spam.learn(MAIL, spam=True, number=number)
    assert findings(kit) == []
    kit.accounts.delete(jane.id, due=clock() + HOUR)
    assert findings(kit) == [], "its data stays until it is purged"
    clock.advance(seconds=3600)
    kit.run_due()
    assert findings(kit) == []
    with kit.store.snapshot() as tx:
        assert not kit.limits.known(tx, f"account:{jane.number}"), "its counters go with it"
        assert list(tx.scan(*keyspace.account_range(jane.number))) == []


@pytest.mark.parametrize("kind", ["apiKey", "role", "domain", "tenant", "list", "resource", "oauthClient"])
def test_nothing_is_left_of_what_is_no_account(kit: MailKit, kind: str) -> None:
    """Anybody may have a password and log in, and a tenant a spam model."""
    made = kit.transact(
        kit.directory.prepare(
            NewPrincipal(kind, "thing.example", enabled=("authenticate",), password="secret"), LOCAL_ADMINISTRATOR
        )
    )
    for password in ("wrong", "secret"):
        with suppress(Denied):
            kit.callers.of_password("thing.example", password, ip="192.0.2.7")
    kit.spam.learn(MAIL, spam=True, number=made.number)
    with kit.store.snapshot() as tx:
        assert len(list(tx.scan(*keyspace.account_range(made.number)))) > 2
    kit.transact(lambda tx: kit.directory.delete(kit.principals.get(made.number, tx=tx), tx=tx))
    assert findings(kit) == []
    kit.run_due()
    assert findings(kit) == []
    with kit.store.snapshot() as tx:
        assert list(tx.scan(*keyspace.account_range(made.number))) == []
        assert list(tx.scan(*keyspace.AUTHLOG_END.range())) == []
        told = [entry.kind for _, entry in journal.read(tx, 0) if entry.account == made.number]
    assert "user.delete.completed" not in told


def test_nothing_is_left_of_a_forwarded_address_nor_of_a_domain_that_became_another(kit: MailKit) -> None:
    row = kit.addressing.add_forwarded(parse_address("info@old.example"), ())
    old = kit.principals.find_domain("old.example")
    assert old is not None
    kit.accounts.create("jane", address="jane@new.example")
    for number in (row.owner, old.number):
        kit.account_limits.take(kit.principals.get(number), FORWARD)
        kit.spam.learn(MAIL, spam=True, number=number)
    kit.domain_names.rename("old.example", "new.example")
    assert kit.principals.find(old.number) is None
    kit.addressing.remove_forwarded(row.id)
    assert findings(kit) == []
    kit.run_due()
    assert findings(kit) == []
    with kit.store.snapshot() as tx:
        for number in (row.owner, old.number):
            assert list(tx.scan(*keyspace.account_range(number))) == []
            assert not kit.limits.known(tx, f"account:{number}")


def _row(table: Any, change: Callable[[Any], Any], *prefix: Any) -> Callable[[Tx, int], None]:
    def damage(tx: Tx, number: int) -> None:
        parts = prefix or (number,)
        key, value = first(tx, table.space, *parts)
        tx.put(key, table.codec.encode(change(table.codec.decode(value))))

    return damage


def _entry(space: Space, move: Callable[[tuple[Any, ...]], tuple[Any, ...]], *, of_account: bool) -> Any:
    def damage(tx: Tx, number: int) -> None:
        key, value = first(tx, space, *((number,) if of_account else ()))
        tx.put(space.key(*move(space.parts(key))), value)

    return damage


def _counter(change: Callable[[Row], Row]) -> Callable[[Tx, int], None]:
    """A counter that is stored as a changed row demands, indexes and all."""

    def damage(tx: Tx, number: int) -> None:
        row = COUNTERS.get(tx, f"account:{number}", SEND.counter)
        changed = change(row)
        COUNTERS.delete(tx, row.who, row.what)
        COUNTERS.put(tx, changed, changed.who, changed.what)

    return damage


def _garbage(space: Space, *, of_account: bool) -> Callable[[Tx, int], None]:
    return lambda tx, number: tx.put(first(tx, space, *((number,) if of_account else ()))[0], b"\x01garbage")


def _gone(space: Space, *, of_account: bool) -> Callable[[Tx, int], None]:
    return lambda tx, number: tx.delete(first(tx, space, *((number,) if of_account else ()))[0])


REGISTER, REGISTER_ADDRESS = keyspace.REGISTER, keyspace.REGISTER_ADDRESS

DAMAGE: dict[str, tuple[Callable[[Tx, int], None], str]] = {
    "a person's row is missing": (_gone(REGISTER, of_account=True), "belongs to no row that claims it"),
    "a person's entry is missing": (_gone(REGISTER_ADDRESS, of_account=True), "is missing or not its own"),
    "a person cannot be read": (_garbage(REGISTER, of_account=True), "people that an account had mail with"),
    "a person is listed under two addresses": (
        _entry(REGISTER_ADDRESS, lambda parts: (parts[0], "eve@example.net"), of_account=True),
        "belongs to no row that claims it",
    ),
    "a person belongs to another account": (
        _row(PEOPLE, lambda row: replace(row, account=row.account + 1)),
        "the row says that it is another's",
    ),
    "a person's address is none": (
        _row(PEOPLE, lambda row: replace(row, address="Bob@Example.NET")),
        "is no address in normal form",
    ),
    "a counter is missing": (_gone(keyspace.LIMIT, of_account=False), "points to a row that is not there"),
    "a counter would never be forgotten": (_gone(keyspace.LIMIT_EXPIRY, of_account=False), "is missing"),
    "a counter cannot be read": (_garbage(keyspace.LIMIT, of_account=False), "rate counter by who and what"),
    "a counter is forgotten twice": (
        _entry(keyspace.LIMIT_EXPIRY, lambda parts: (parts[0] + 1, *parts[1:]), of_account=False),
        "points to a row that does not claim it",
    ),
    "a counter is another's": (
        lambda tx, number: COUNTERS.put(
            tx, COUNTERS.get(tx, f"account:{number}", SEND.counter), f"account:{number}", DOWNLOAD.counter
        ),
        "the row says that it is recipients of account:",
    ),
    "a counter is below nothing": (_counter(lambda row: replace(row, used=-1)), "counts less than nothing"),
    "a window ends before it begins": (
        _counter(lambda row: replace(row, expires=row.start)),
        "ends before it begins",
    ),
    "a window is too long": (
        _counter(lambda row: replace(row, expires=row.start + 2 * DAY)),
        "its window is 172800000 ms long, not 86400000",
    ),
    "a window is another counter's": (
        _counter(lambda row: replace(row, what=RECEIVE.counter)),
        "its window is 86400000 ms long, not 60000",
    ),
    "a counter of nothing": (_counter(lambda row: replace(row, what="steps")), "accounts have no such limit"),
    "a counter of nobody": (_counter(lambda row: replace(row, who="account:999")), "this account is not there"),
    "a counter of no number": (_counter(lambda row: replace(row, who="account:x")), "this account is not there"),
    "rows of nobody": (
        lambda tx, number: tx.put(keyspace.QUOTA_USED.key(999), first(tx, keyspace.QUOTA_USED, number)[1]),
        "999 is not there, but has rows: bytes kept by an account or a tenant",
    ),
    "a register of nobody": (
        lambda tx, number: PEOPLE.put(
            tx,
            replace(PEOPLE.codec.decode(first(tx, REGISTER, number)[1]), account=2**32 - 1),
            2**32 - 1,
            REGISTER.parts(first(tx, REGISTER, number)[0])[1],
        ),
        "4294967295 is not there, but has rows: people that an account had mail with",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_named(kit: MailKit, jane: Principal, damage: str) -> None:
    plant, said = DAMAGE[damage]
    kit.transact(lambda tx: plant(tx, jane.number))
    errors = [f"{each.place}: {each.message}" for each in findings(kit) if each.level == "error"]
    assert any(said in text for text in errors), errors


def test_a_counter_that_the_cleanup_leaves_is_told(kit: MailKit, jane: Principal, clock: FixedClock) -> None:
    with kit.background():
        pass  # makes the jobs that come back
    clock.advance(seconds=26 * 3600)
    with kit.store.snapshot() as tx:
        kept = COUNTERS.get(tx, f"account:{jane.number}", SEND.counter)
    kit.run_due()
    assert findings(kit) == []
    clock.advance(seconds=3 * 3600)
    kit.run_due()
    kit.transact(lambda tx: COUNTERS.put(tx, kept, kept.who, kept.what))
    told = [(each.level, each.message) for each in findings(kit)]
    assert told == [("notice", f"recipients of account:{jane.number}: is empty, and was not removed")]


def test_no_row_that_cannot_be_read_stops_the_check(kit: MailKit, jane: Principal) -> None:
    """Whatever single value is damaged, everything else is looked at, and nothing is raised."""
    kit.domain_aliases.add("alias.example", "example.org", now=kit.clock())
    kit.accounts.create("bob", address="bob@example.org", password="secret")
    kit.accounts.delete(kit.accounts.create("gone", address="gone@example.org").id, due=kit.clock() + DAY)
    kit.mailstore.remove(jane.id, "INBOX", Selection.of([1]))
    with kit.store.snapshot() as tx:
        pairs = list(tx.scan(b"\x02", b"\xff"))
    silent = set()
    for key, value in pairs:
        for garbage in (b"\x01garbage", b""):
            kit.transact(lambda tx, key=key, garbage=garbage: tx.put(key, garbage))
            try:
                found = findings(kit)
            except Exception as problem:
                raise AssertionError(f"{keyspace.owner_of(key)} {key!r}: {problem!r}") from problem
            if not found and value != garbage:
                silent.add(keyspace.owner_of(key).name)
            kit.transact(lambda tx, key=key, value=value: tx.put(key, value))
    assert silent <= {
        keyspace.FORMAT.name,  # read before anything else is, and refused
        keyspace.MODSEQ.name,  # all is in the key
        keyspace.VANISHED.name,
    }
