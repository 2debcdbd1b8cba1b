"""Logging in: every way it succeeds, every way it fails, what each costs and what it leaves behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from mailkit import MailKit
from mailkit.accounts.by import By
from mailkit.accounts.login import Attempt, LoggedIn
from mailkit.clock import FixedClock
from mailkit.credentials.oauth.authorize import Asked
from mailkit.credentials.totp import Seed, code_at
from mailkit.errors import MailKitError, RateLimited
from mailkit.ids import new_id
from mailkit.principals.normalise import Mailbox
from mailkit.principals.records import Principal, Profile

DAY = 86_400_000
RIGHT = "correct horse"


def login(kit: MailKit, password: str = RIGHT, name: str = "alice", **rest: object) -> LoggedIn:
    return kit.login.authenticate(Attempt(name, password, **rest))  # type: ignore[arg-type]


def refusal(run: Callable[[], object]) -> MailKitError:
    with pytest.raises(MailKitError) as refused:
        run()
    return refused.value


def code(seed: Seed, clock: FixedClock) -> str:
    return code_at(seed, clock() // 30_000)


def with_totp(kit: MailKit, alice: Principal, clock: FixedClock) -> Seed:
    seed = kit.two_factor.setup_totp(alice.id, issuer="test")
    kit.two_factor.enable_totp(alice.id, code(seed, clock), by=By())
    clock.advance(seconds=60)
    return seed


@pytest.mark.parametrize("name", ["alice", "ALICE", "a.lice", "alice@example.org", "alice+label@example.org"])
def test_names_and_addresses_log_in(kit: MailKit, alice: Principal, name: str) -> None:
    done = login(kit, name=name)
    assert (done.principal.id, done.source, done.factors, done.change) == (alice.id, "master", (), False)
    assert done.address == "alice@example.org"


def test_an_unknown_address_may_be_a_user_name(kit: MailKit) -> None:
    kit.accounts.create("bob@old.example", no_address=True, password=RIGHT)
    assert login(kit, name="bob@old.example").principal.name == "bob@old.example"


def test_a_token_is_given_when_asked_for_and_works(kit: MailKit, alice: Principal) -> None:
    assert login(kit).token is None
    done = login(kit, token=True)
    assert done.token is not None
    caller = kit.callers.of_token(done.token).caller
    assert (caller.number, caller.roles) == (alice.number, ("wd/user",))
    assert login(kit, scope="imap", token=True).token is None


def _catch_all(kit: MailKit, alice: Principal) -> Attempt:
    kit.addressing.add(alice, Mailbox("*", "example.org"))
    return Attempt("anybody@example.org", RIGHT)


def _without_role(kit: MailKit, alice: Principal) -> Attempt:
    kit.principals.update(replace(kit.principals.get(alice.number), roles=()))
    return Attempt("alice", RIGHT)


FAILURES: dict[str, Callable[[MailKit, Principal], Attempt]] = {
    "wrong password": lambda kit, alice: Attempt("alice", "wrong"),
    "empty password": lambda kit, alice: Attempt("alice", ""),
    "endless password": lambda kit, alice: Attempt("alice", "x" * 300),
    "no such user": lambda kit, alice: Attempt("nobody", RIGHT),
    "an address that only a wildcard covers": lambda kit, alice: _catch_all(kit, alice),
    "may not log in": lambda kit, alice: _without_role(kit, alice),
    "no such address": lambda kit, alice: Attempt("nobody@example.org", RIGHT),
    "no password set": lambda kit, alice: (kit.accounts.set_password(alice.id, None), Attempt("alice", RIGHT))[1],
    "disabled": lambda kit, alice: (kit.principals.update(replace(alice, active=False)), Attempt("alice", RIGHT))[1],
    "suspended": lambda kit, alice: (kit.principals.update(replace(alice, suspended=True)), Attempt("alice", RIGHT))[1],
    "scope closed": lambda kit, alice: (
        kit.principals.update(replace(alice, profile=Profile(disabled_scopes=("imap",)))),
        Attempt("alice", RIGHT, scope="imap"),
    )[1],
    "wrong application password": lambda kit, alice: (
        kit.app_passwords.create(alice.id, "phone"),
        Attempt("alice", "abcdefghijklmnop", scope="imap"),
    )[1],
    "wrong while a generated temporary one is set": lambda kit, alice: (
        kit.credentials.set_temporary(alice.number, generated="abcdefghijkl", now=kit.clock()),
        Attempt("alice", "wrong"),
    )[1],
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("way", ["authenticate", "basic"])
def test_every_failure_costs_exactly_one_verification(
    kit: MailKit, alice: Principal, case: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = FAILURES[case](kit, alice)
    if way == "basic" and attempt.scope != "master":
        pytest.skip("scopes are WildDuck's")
    if way == "basic" and case == "may not log in":
        pytest.skip("Stalwart's way tells it after the password")
    from argon2 import PasswordHasher

    login_once = getattr(kit.login, way)
    refusal(lambda: login_once(Attempt("warm", "up")))
    spent = []
    real = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda *args: (spent.append(1), real(*args))[1])
    error = refusal(lambda: login_once(attempt))
    assert error.code == ("login.scope" if case == "scope closed" else "login.failed")
    assert len(spent) == 1


def test_the_failure_names_the_account_if_there_is_one(kit: MailKit, alice: Principal) -> None:
    assert refusal(lambda: login(kit, "wrong")).fields["id"] == str(alice.id)
    assert "id" not in refusal(lambda: login(kit, name="nobody")).fields


def test_an_old_hash_is_replaced_on_the_first_success_and_ends_nothing(kit: MailKit) -> None:
    old = "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"
    bob = kit.accounts.create("bob", hashed=old)
    refusal(lambda: login(kit, "wrong", "bob"))
    assert kit.credentials.password_hash(bob.number) == old
    first = login(kit, "Hello world!", "bob", token=True)
    assert (kit.credentials.password_hash(bob.number) or "").startswith("$argon2id$")
    assert login(kit, "Hello world!", "bob").source == "master"
    assert first.token
    assert kit.callers.of_token(first.token)
    assert kit.principals.get(bob.number).revision == first.principal.revision


# scopes, application passwords


def test_application_passwords_are_for_services_only(kit: MailKit, alice: Principal) -> None:
    made = kit.app_passwords.create(alice.id, "phone", scopes=["imap", "smtp"])
    spaced = " ".join((made.password[:4], made.password[4:8], made.password[8:12], made.password[12:])).upper()
    assert login(kit, spaced, scope="imap").source == "asp"
    assert refusal(lambda: login(kit, made.password, scope="pop3")).code == "login.scope"
    assert refusal(lambda: login(kit, made.password)).code == "login.failed"
    assert refusal(lambda: kit.callers.of_password("alice", made.password)).code == "login.failed"


def test_last_use_is_noted_once_a_minute_and_moves_the_expiry(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    made = kit.app_passwords.create(alice.id, "phone", ttl=DAY)
    login(kit, made.password, scope="imap", ip="192.0.2.7")
    first = kit.app_passwords.get(alice.id, made.row.id)
    assert (first.used, first.ip, first.expires) == (clock(), "192.0.2.7", clock() + DAY)
    clock.advance(seconds=30)
    login(kit, made.password, scope="imap")
    assert kit.app_passwords.get(alice.id, made.row.id) == first
    clock.advance(seconds=31)
    login(kit, made.password, scope="imap")
    assert kit.app_passwords.get(alice.id, made.row.id).expires == clock() + DAY
    clock.advance(ms=DAY)
    assert refusal(lambda: login(kit, made.password, scope="imap")).code == "login.failed"
    assert kit.app_passwords.list(alice.id) == ()


def test_there_is_a_limit_and_deleting_makes_room(kit: MailKit, alice: Principal) -> None:
    kit.principals.update(replace(alice, profile=Profile(limits={"app_passwords": 2})))
    first, _ = (kit.app_passwords.create(alice.id, "x") for _ in range(2))
    refused = refusal(lambda: kit.app_passwords.create(alice.id, "x"))
    assert (refused.code, refused.fields["allowed"]) == ("asp.too_many", 2)
    kit.app_passwords.delete(alice.id, first.row.id)
    kit.app_passwords.create(alice.id, "x")
    assert refusal(lambda: login(kit, first.password, scope="imap")).code == "login.failed"


def test_one_accounts_application_password_opens_no_other(kit: MailKit, alice: Principal) -> None:
    bob = kit.accounts.create("bob", password="bob's own")
    made = kit.app_passwords.create(bob.id, "phone")
    assert refusal(lambda: login(kit, made.password, scope="imap")).code == "login.failed"
    assert refusal(lambda: kit.app_passwords.delete(alice.id, made.row.id)).code == "asp.not_found"
    assert refusal(lambda: kit.app_passwords.get(alice.id, made.row.id)).code == "asp.not_found"


def test_with_a_second_factor_services_need_application_passwords(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    with_totp(kit, alice, clock)
    assert login(kit).factors == ("totp",)
    assert refusal(lambda: login(kit, scope="imap")).code == "login.scope"
    made = kit.app_passwords.create(alice.id, "phone")
    assert login(kit, made.password, scope="imap").factors == ()


# temporary passwords


def test_a_temporary_password_works_beside_the_permanent_one_for_a_day(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    with_totp(kit, alice, clock)
    kit.credentials.set_temporary(alice.number, generated="abcdefghijkl", now=clock())
    done = login(kit, "abcdefghijkl")
    assert (done.source, done.change, done.factors) == ("temporary", True, ())
    assert login(kit).source == "master"
    assert refusal(lambda: login(kit, "abcdefghijkl", scope="imap")).code == "login.failed"
    clock.advance(ms=DAY)
    assert refusal(lambda: login(kit, "abcdefghijkl")).code == "login.failed"


def test_a_temporary_password_waits_and_goes_with_a_new_one(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    kit.credentials.set_temporary(
        alice.number, hashed=kit.credentials.hash("chosen"), now=clock(), valid_after=clock() + 1000
    )
    assert refusal(lambda: login(kit, "chosen")).code == "login.not_yet_valid"
    clock.advance(seconds=1)
    assert login(kit, "chosen").change
    kit.accounts.set_password(alice.id, "new")
    assert refusal(lambda: login(kit, "chosen")).code == "login.failed"
    assert login(kit, "new").source == "master"


# limits


def fail(kit: MailKit, times: int, name: str = "alice", **rest: object) -> None:
    for _ in range(times):
        assert refusal(lambda: login(kit, "wrong", name, **rest)).code == "login.failed"


@pytest.mark.parametrize("name", ["alice", "nobody"])
@pytest.mark.parametrize("ip", [None, "192.0.2.7"])
def test_twelve_failures_are_enough_and_two_minutes_later_it_goes_on(
    kit: MailKit, alice: Principal, clock: FixedClock, name: str, ip: str | None
) -> None:
    fail(kit, 12, name, ip=ip)
    error = refusal(lambda: login(kit, RIGHT, name, ip=ip))
    assert (error.code, type(error)) == ("login.limited", RateLimited)
    clock.advance(seconds=121)
    if name == "alice":
        login(kit, ip=ip)
    else:
        fail(kit, 1, name, ip=ip)


def test_a_success_starts_the_count_anew(kit: MailKit, alice: Principal) -> None:
    for _ in range(3):
        fail(kit, 11, ip="192.0.2.7")
        login(kit, ip="192.0.2.7")


def test_strangers_do_not_lock_a_known_address_out(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    home = "192.0.2.7"
    login(kit, ip=home)
    for network in range(8):
        fail(kit, 11, ip=f"198.51.{network}.9")
    fail(kit, 12, ip="192.0.2.99")  # a neighbour
    assert refusal(lambda: login(kit, ip="203.0.113.5")).code == "login.limited"
    assert refusal(lambda: login(kit, ip="192.0.2.99")).code == "login.limited"
    assert login(kit, ip=home).source == "master"
    clock.advance(days=31)
    fail(kit, 12, ip="192.0.2.99")
    assert refusal(lambda: login(kit, ip=home)).code == "login.limited", "known for 30 days only"


def test_a_network_that_tries_many_accounts_is_refused_with_all_but_its_own(kit: MailKit, alice: Principal) -> None:
    login(kit, ip="192.0.2.7")
    for number in range(10):
        fail(kit, 10, f"guess{number}", ip="192.0.2.66")
    assert refusal(lambda: login(kit, "wrong", "fresh", ip="192.0.2.66")).code == "login.limited"
    assert login(kit, ip="192.0.2.7").source == "master"


def test_the_neighbours_of_an_ipv6_host_are_the_host(kit: MailKit, alice: Principal) -> None:
    fail(kit, 6, ip="2001:db8::1")
    fail(kit, 6, ip="2001:db8::ffff")
    assert refusal(lambda: login(kit, ip="2001:db8::2")).code == "login.limited"
    assert login(kit, ip="2001:db8:0:1::2")


def test_once_there_were_too_many_a_refusal_costs_nothing(
    kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(kit, 12)
    monkeypatch.setattr(kit.credentials, "verify", lambda *_: pytest.fail("a verification"))
    assert refusal(lambda: login(kit)).code == "login.limited"


def test_the_right_password_is_refused_when_its_attempt_was_one_too_many(
    kit: MailKit, alice: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve others fail between the look at the counter and the count: their outcome is told first, and ours is no."""
    real = kit.login._tries._aside.submit

    def late(*arguments: object) -> object:
        monkeypatch.setattr(kit.login._tries._aside, "submit", real)
        fail(kit, 12)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(kit.login._tries._aside, "submit", late)
    assert refusal(lambda: login(kit)).code == "login.limited"


def test_guesses_sent_at_once_are_counted_one_by_one(kit: MailKit, alice: Principal) -> None:
    def attempt(_: int) -> str:
        return refusal(lambda: login(kit, "wrong", ip="192.0.2.7")).code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(attempt, range(40)))
    assert codes.count("login.failed") == 12


def test_an_outsider_network_can_be_exempt(kit: MailKit, alice: Principal) -> None:
    import ipaddress

    kit.login._tries._exempt = lambda: (ipaddress.ip_network("10.0.0.0/8"),)
    fail(kit, 30, ip="10.1.2.3")
    assert login(kit, ip="10.1.2.3")


# somebody who is logged in, and says the password again


def test_guessing_the_present_password_is_logging_in(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    def confirm(password: str, ip: str | None = "192.0.2.7") -> None:
        kit.login.confirm(alice, password, ip=ip, by=By())

    for _ in range(11):
        assert refusal(lambda: confirm("wrong")).code == "password.wrong"
    confirm(RIGHT)  # and forgets the others
    for _ in range(12):
        assert refusal(lambda: confirm("wrong")).code == "password.wrong"
    assert refusal(lambda: confirm(RIGHT)).code == "login.limited"
    assert refusal(lambda: login(kit, ip="192.0.2.99")).code == "login.limited", "of the same network"
    confirm(RIGHT, ip="198.51.100.1")
    clock.advance(seconds=121)
    confirm(RIGHT)
    assert login(kit, ip="192.0.2.7")


def test_without_a_password_there_is_nothing_to_confirm(kit: MailKit) -> None:
    bob = kit.accounts.create("bob")
    for _ in range(20):
        kit.login.confirm(bob, "anything", ip=None, by=By())


def test_whoever_confirms_his_own_password_cannot_say_where_from(kit: MailKit, alice: Principal) -> None:
    from tests.accounts.test_limits import ask

    mine = login(kit, token=True).token
    for number in range(13):
        body = {"existingPassword": "wrong", "name": "x", "ip": f"10.{number}.0.1"}
        answer = ask(kit, "PUT", "/users/me", json=body, headers={"X-Access-Token": str(mine)})
        assert answer.json()["code"] == ("AuthFail" if number < 12 else "RateLimitedError")
    assert kit.principals.get(alice.number).display is None


# names, with the second factor in the password


def test_basic_takes_the_code_with_the_password_once(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    assert kit.callers.of_password("alice", RIGHT).number == alice.number
    seed = with_totp(kit, alice, clock)
    of = kit.callers.of_password
    assert refusal(lambda: of("alice", RIGHT)).code == "totp.missing"
    assert refusal(lambda: of("alice", "wrong")).code == "login.failed"
    assert refusal(lambda: of("alice", "wrong$" + code(seed, clock))).code == "login.failed"
    assert refusal(lambda: of("alice", RIGHT + "$000000")).code == "login.failed"
    good = RIGHT + "$" + code(seed, clock)
    assert of("alice", good).number == alice.number
    clock.advance(seconds=1)
    assert of("alice", good).number == alice.number, "verified a moment ago, in this process"
    kit.callers._verified._kept.clear()
    assert refusal(lambda: of("alice", good)).code == "login.failed", "replayed"


def test_addresses_are_no_names(kit: MailKit, alice: Principal) -> None:
    assert refusal(lambda: kit.callers.of_password("alice@example.org", RIGHT)).code == "login.failed"


def test_what_was_verified_is_forgotten_when_anything_changes(kit: MailKit, alice: Principal) -> None:
    assert kit.callers.of_password("alice", RIGHT)
    kit.accounts.set_password(alice.id, "new")
    assert refusal(lambda: kit.callers.of_password("alice", RIGHT)).code == "login.failed"
    assert kit.callers.of_password("alice", "new")
    kit.principals.update(replace(kit.principals.get(alice.number), suspended=True))
    assert refusal(lambda: kit.callers.of_password("alice", "new")).code == "login.failed"


def test_a_cached_success_costs_no_verification_and_lasts_a_minute(
    kit: MailKit, alice: Principal, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher

    kit.callers.of_password("alice", RIGHT)
    spent = []
    real = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda *args: (spent.append(1), real(*args))[1])
    clock.advance(seconds=59)
    kit.callers.of_password("alice", RIGHT)
    assert spent == []
    refusal(lambda: kit.callers.of_password("alice", RIGHT + " "))
    clock.advance(seconds=2)
    kit.callers.of_password("alice", RIGHT)
    assert len(spent) == 2


def test_logging_in_needs_the_permission_to(kit: MailKit) -> None:
    kit.accounts.create("bob", password=RIGHT, roles=())
    assert refusal(lambda: kit.callers.of_password("bob", RIGHT)).code == "permission.missing"


# tokens


def test_a_stolen_session_ends_with_the_password(kit: MailKit, alice: Principal) -> None:
    token = login(kit, token=True).token
    assert token
    kit.accounts.set_password(alice.id, "new")
    assert refusal(lambda: kit.callers.of_token(token)).code == "token.invalid"


def test_a_restored_account_has_its_passwords_and_none_of_its_sessions(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    """Whoever deleted it may have done so because of a session; who restores it does not bring that back."""
    token = login(kit, token=True).token
    assert token
    bearer = kit.oauth.exchange(
        {
            "grant_type": "authorization_code",
            "code": kit.oauth.code(
                kit.callers.of_token(token).caller, Asked("webadmin", "stalwart://auth"), direct=True
            ),
            "client_id": "webadmin",
            "redirect_uri": "stalwart://auth",
        }
    )
    phone = kit.app_passwords.create(alice.id, "phone")
    assert kit.callers.of_password("alice", RIGHT)
    kit.accounts.delete(alice.id, due=clock() + DAY)
    assert refusal(lambda: kit.callers.of_token(token)).code == "token.invalid"
    assert refusal(lambda: kit.callers.of_password("alice", RIGHT)).code == "login.failed"
    kit.accounts.restore(alice.id)
    assert refusal(lambda: kit.callers.of_token(token)).code == "token.invalid"
    assert refusal(lambda: kit.callers.of_bearer(bearer.access_token)).code == "token.invalid"
    refresh = {"grant_type": "refresh_token", "refresh_token": bearer.refresh_token or ""}
    assert refusal(lambda: kit.oauth.exchange(refresh)).code == "oauth.invalid_grant"
    assert login(kit).source == "master"
    assert login(kit, phone.password, scope="imap").source == "asp"


@pytest.mark.parametrize("bound", [True, False])
def test_a_token_of_a_role_that_is_none_is_void(kit: MailKit, alice: Principal, bound: bool) -> None:
    token = kit.credentials.issue_token("helpdesk", now=kit.clock(), owner=alice.number if bound else None)
    assert refusal(lambda: kit.callers.of_token(token)).code == "token.invalid"
    kit.principals.create(Principal(number=0, id=new_id(), kind="role", name="helpdesk", created=0))
    if not bound:
        assert kit.callers.of_token(token).caller.roles == ("helpdesk",)


def test_tokens_can_be_listed_revoked_and_signed_anew(kit: MailKit, alice: Principal) -> None:
    tokens = [login(kit, token=True).token for _ in range(3)]
    assert all(tokens)
    listed = kit.credentials.list_tokens(alice.number)
    assert len(listed) == 3
    kit.credentials.revoke_key(listed[0][0])
    assert len(kit.credentials.list_tokens(alice.number)) == 2
    bob = kit.accounts.create("bob", password=RIGHT)
    assert not kit.credentials.resign(tokens[1] or "", 99, owner=bob.number), "not his"
    assert kit.credentials.revoke_all(alice.number) == 2
    assert kit.credentials.list_tokens(alice.number) == ()


# what is left behind


def test_the_log_merges_what_is_alike_for_six_hours(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    fail(kit, 3, ip="192.0.2.7")
    login(kit, ip="192.0.2.7", session="first")
    fail(kit, 1, ip="192.0.2.8")
    clock.advance(seconds=3600)
    login(kit, ip="192.0.2.7", session="second")
    page = kit.authlog.list(alice.number, now=clock(), limit=10)
    assert [(row.result, row.ip, row.events, row.session) for row in page.items] == [
        ("fail", "192.0.2.8", 1, None),
        ("success", "192.0.2.7", 2, "first"),
        ("fail", "192.0.2.7", 3, None),
        ("success", None, 1, None),  # the account's creation
    ]
    assert page.items[1].last == clock()
    assert page.total == 4
    clock.advance(seconds=5 * 3600)
    login(kit, ip="192.0.2.7", session="third")
    assert kit.authlog.list(alice.number, now=clock(), limit=1).items[0].session == "third"


def test_the_log_can_be_filtered_and_paged_and_ends(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    for number in range(7):
        login(kit, ip=f"192.0.2.{number}")
    made = kit.app_passwords.create(alice.id, "phone")
    whole = kit.authlog.list(alice.number, now=clock(), limit=20).items
    assert [row.action for row in whole] == ["create asp"] + ["authentication"] * 7 + ["account created"]
    assert whole[0].details["aname"] == "phone"
    assert whole[0].details["asp"] == str(made.row.id)
    first = kit.authlog.list(alice.number, now=clock(), limit=3)
    second = kit.authlog.list(alice.number, now=clock(), limit=6, after=first.items[-1].id)
    assert first.items + second.items == whole
    assert (first.before, first.after, second.before, second.after) == (False, True, True, False)
    back = kit.authlog.list(alice.number, now=clock(), limit=3, after=second.items[0].id, reverse=True)
    assert back.items == first.items
    only = kit.authlog.list(alice.number, now=clock(), limit=20, action="authentication", ip="192.0.2.3")
    assert (only.total, [row.ip for row in only.items]) == (1, ["192.0.2.3"])
    clock.advance(days=30)
    assert kit.authlog.list(alice.number, now=clock(), limit=20).items == ()
    kit.transact(lambda tx: kit.access.expire(tx, now=clock()))
    assert kit.authlog.list(alice.number, now=clock(), limit=20).total == 0
    assert refusal(lambda: kit.authlog.get(alice.number, whole[0].id, now=clock())).code == "event.not_found"


def test_disabled_accounts_say_so_in_the_log_only(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    kit.principals.update(replace(alice, active=False))
    refusal(lambda: login(kit))
    assert kit.authlog.list(alice.number, now=clock(), limit=1).items[0].result == "disabled"


def test_expired_things_are_forgotten_and_nothing_else(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    kept = kit.app_passwords.create(alice.id, "kept")
    kit.app_passwords.create(alice.id, "gone", ttl=1000)
    token = login(kit, token=True).token
    clock.advance(days=200)
    kit.run_due()
    kit.transact(lambda tx: kit.access.expire(tx, now=clock()))
    with kit.store.snapshot() as tx:
        from mailkit.credentials.tables import ASP_COUNT, ASPS, TOKENS

        assert [row.id for _, row in ASPS.scan(tx, alice.number)] == [kept.row.id]
        assert ASP_COUNT.get(tx, alice.number) == 1
        assert list(TOKENS.scan(tx)) == []
    assert token


def test_nothing_stored_shows_a_secret(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    seed = with_totp(kit, alice, clock)
    made = kit.app_passwords.create(alice.id, "phone")
    kit.credentials.set_temporary(alice.number, generated="abcdefghijkl", now=clock())
    token = login(kit, "abcdefghijkl", token=True).token
    assert token
    with kit.store.snapshot() as tx:
        everything = b"".join(key + value for key, value in tx.scan(b"\x00", b"\xff"))
    for secret in (RIGHT, made.password, "abcdefghijkl", seed.base32, token):
        assert secret.encode() not in everything
    assert seed.secret not in everything


def test_deleting_an_account_leaves_no_credential(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    with_totp(kit, alice, clock)
    kit.app_passwords.create(alice.id, "phone", ttl=DAY)
    login(kit, token=True)
    kit.accounts.delete(alice.id)
    assert refusal(lambda: login(kit)).code == "login.failed"
    kit.run_due()
    clock.advance(days=200)
    kit.transact(lambda tx: kit.access.expire(tx, now=clock()))
    from mailkit.storage.keyspace import SPACES

    with kit.store.snapshot() as tx:
        for mark, space in SPACES.items():
            if space.owner == "credentials" and len(mark) == 1:
                assert list(tx.scan(*space.range())) == [], space.name
