"""Second factors: setting them up, proving them, and everything that must not count as a proof."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailkit import MailKit
from mailkit.accounts.by import By
from mailkit.accounts.login import Attempt
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.credentials.totp import Seed, code_at
from mailkit.errors import MailKitError
from mailkit.ids import Id
from mailkit.journal import read as read_journal
from mailkit.principals.records import Principal

from .softkey import SoftKey

ORIGIN = "https://mail.example.org"
BY = By("192.0.2.7")


@pytest.fixture
def kit(tmp_path: Path, clock: FixedClock) -> Iterator[MailKit]:
    settings = {"webauthn.origins": ORIGIN, "mail.hostname": "mx.example.org"}
    with MailKit.open(tmp_path / "data", settings=settings, clock=clock, password_cost=Cost(8, 1)) as opened:
        yield opened


def refusal(run: Callable[[], object]) -> str:
    with pytest.raises(MailKitError) as refused:
        run()
    return refused.value.code


def session(kit: MailKit) -> str:
    done = kit.login.authenticate(Attempt("alice", "correct horse", token=True))
    assert done.token
    return done.token


def alive(kit: MailKit, token: str) -> bool:
    try:
        kit.callers.of_token(token)
    except MailKitError:
        return False
    return True


def events(kit: MailKit) -> list[str]:
    with kit.store.snapshot() as tx:
        return [entry.kind for _, entry in read_journal(tx) if entry.kind.startswith("mfa")]


def code(seed: Seed, clock: FixedClock, away: int = 0) -> str:
    return code_at(seed, clock() // 30_000 + away)


# TOTP


def test_a_seed_is_set_up_enabled_checked_and_discarded(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    two = kit.two_factor
    assert refusal(lambda: two.enable_totp(alice.id, "123456", by=BY)) == "totp.disabled"
    assert refusal(lambda: two.check_totp(alice.id, "123456", by=BY)) == "totp.disabled"
    replaced = two.setup_totp(alice.id, issuer="ACME")
    seed = two.setup_totp(alice.id, issuer="ACME", label="a@b")
    assert (seed.issuer, seed.label, len(seed.secret)) == ("ACME", "a@b", 20)
    assert refusal(lambda: two.enable_totp(alice.id, code(replaced, clock), by=BY)) == "totp.wrong_code"
    two.enable_totp(alice.id, code(seed, clock), by=BY)
    assert two.enabled(alice.id) == ("totp",)
    assert refusal(lambda: two.setup_totp(alice.id, issuer="ACME")) == "totp.enabled"
    assert refusal(lambda: two.enable_totp(alice.id, code(seed, clock), by=BY)) == "totp.enabled"
    two.check_totp(alice.id, code(seed, clock), by=BY)  # enabling does not use a code up (W3.4)
    two.disable_totp(alice.id, by=BY)
    assert two.enabled(alice.id) == ()
    assert refusal(lambda: two.disable_totp(alice.id, by=BY)) == "totp.disabled"
    assert events(kit) == ["mfa.totp.enabled", "mfa.totp.disabled"]
    assert [row.action for row in kit.authlog.list(alice.number, now=clock(), limit=9).items] == [
        "disable 2fa totp", "check 2fa totp", "enable 2fa totp", "enable 2fa totp", "account created",
    ]  # fmt: skip


def test_a_seed_waits_six_hours(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    seed = kit.two_factor.setup_totp(alice.id, issuer="ACME")
    clock.advance(seconds=6 * 3600)
    assert refusal(lambda: kit.two_factor.enable_totp(alice.id, code(seed, clock), by=BY)) == "totp.disabled"


def enable(kit: MailKit, alice: Principal, clock: FixedClock) -> Seed:
    seed = kit.two_factor.setup_totp(alice.id, issuer="ACME")
    kit.two_factor.enable_totp(alice.id, code(seed, clock), by=BY)
    return seed


def test_a_code_counts_once_in_all_processes(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    seed = enable(kit, alice, clock)
    kit.two_factor.check_totp(alice.id, code(seed, clock), by=BY)
    assert refusal(lambda: kit.two_factor.check_totp(alice.id, code(seed, clock), by=BY)) == "totp.used"
    kit.two_factor.check_totp(alice.id, code(seed, clock, -1), by=BY)
    kit.two_factor.check_totp(alice.id, code(seed, clock, +1), by=BY)
    assert refusal(lambda: kit.two_factor.check_totp(alice.id, code(seed, clock, +2), by=BY)) == "totp.wrong"
    clock.advance(seconds=30)
    assert refusal(lambda: kit.two_factor.check_totp(alice.id, code(seed, clock), by=BY)) == "totp.used"


def test_guesses_run_out_and_a_right_code_too_late_is_refused(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    seed = enable(kit, alice, clock)
    for _ in range(12):
        assert refusal(lambda: kit.two_factor.check_totp(alice.id, "000000", by=BY)) == "totp.wrong"
    assert refusal(lambda: kit.two_factor.check_totp(alice.id, code(seed, clock), by=BY)) == "totp.limited"
    clock.advance(seconds=121)
    kit.two_factor.check_totp(alice.id, code(seed, clock), by=BY)


def test_another_accounts_code_is_wrong(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    enable(kit, alice, clock)
    bob = kit.accounts.create("bob", password="x")
    seed = enable(kit, bob, clock)
    assert refusal(lambda: kit.two_factor.check_totp(alice.id, code(seed, clock), by=BY)) == "totp.wrong"


# sessions


@pytest.mark.parametrize("factor", ["totp", "custom", "webauthn"])
def test_the_first_factor_ends_all_sessions_but_the_one_that_did_it(
    kit: MailKit, alice: Principal, clock: FixedClock, factor: str
) -> None:
    mine, stolen = session(kit), session(kit)
    by = By("192.0.2.7", token=mine)
    if factor == "totp":
        seed = kit.two_factor.setup_totp(alice.id, issuer="ACME")
        kit.two_factor.enable_totp(alice.id, code(seed, clock), by=by)
    elif factor == "custom":
        kit.two_factor.enable_custom(alice.id, by=by)
    else:
        register(kit, alice.id, SoftKey(), by=by)
    assert (alive(kit, mine), alive(kit, stolen)) == (True, False)
    second = session(kit)
    (kit.two_factor.enable_custom if factor != "custom" else lambda *a, **k: enable(kit, alice, clock))(alice.id, by=by)
    assert alive(kit, second), "a further factor ends nothing"


def test_custom_is_a_mark_and_all_can_be_taken_away(kit: MailKit, alice: Principal, clock: FixedClock) -> None:
    two = kit.two_factor
    assert refusal(lambda: two.disable_custom(alice.id, by=BY)) == "custom.disabled"
    two.enable_custom(alice.id, by=BY)
    assert refusal(lambda: two.enable_custom(alice.id, by=BY)) == "custom.enabled"
    enable(kit, alice, clock)
    register(kit, alice.id, SoftKey())
    assert two.enabled(alice.id) == ("totp", "custom", "webauthn")
    two.disable_all(alice.id, by=BY)
    assert two.enabled(alice.id) == ()
    assert two.authenticators(alice.id) == ()
    assert events(kit)[-1] == "mfa.disabled"


# WebAuthn


def register(kit: MailKit, id: Id, key: SoftKey, by: By = BY) -> Id:
    begun = kit.two_factor.begin_registration(id, description="key", origin=ORIGIN)
    return kit.two_factor.register(id, challenge=begun.challenge, by=by, **key.register(begun.challenge)).id


def prove(kit: MailKit, id: Id, key: SoftKey, challenge: bytes | None = None, **bent: bytes) -> Any:
    raw = challenge or kit.two_factor.begin_assertion(id, origin=ORIGIN).challenge
    answer = {**key.sign(raw), **bent}
    return kit.two_factor.finish_assertion(id, challenge=raw, token=True, by=BY, **answer)


def test_a_real_signature_registers_and_logs_in(kit: MailKit, alice: Principal) -> None:
    assert refusal(lambda: kit.two_factor.begin_assertion(alice.id, origin=ORIGIN)) == "webauthn.disabled"
    key = SoftKey()
    id = register(kit, alice.id, key)
    begun = kit.two_factor.begin_assertion(alice.id, origin=ORIGIN)
    assert (begun.rp_id, [row.raw_id for row in begun.credentials]) == ("mail.example.org", [key.raw_id])
    done = prove(kit, alice.id, key)
    assert done.credential.id == id
    assert alive(kit, done.token)
    prove(kit, alice.id, key)
    assert kit.two_factor.authenticators(alice.id)[0].count == 2


def test_of_the_other_attachment_nothing_is_offered(kit: MailKit, alice: Principal) -> None:
    register(kit, alice.id, SoftKey())
    begun = kit.two_factor.begin_assertion(alice.id, origin=ORIGIN, attachment="platform")
    assert begun.credentials == ()


BENT: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "another origin": ({"origin": "https://evil.example"}, {}),
    "a look-alike origin": ({"origin": ORIGIN + ".evil.example"}, {}),
    "plain http": ({"origin": "http://mail.example.org"}, {}),
    "another rpId": ({"rp_id": "evil.example"}, {}),
    "nobody present": ({"flags": 0}, {}),
    "a garbled signature": ({}, {"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"}),
    "no signature": ({}, {"signature": b""}),
    "no client data": ({}, {"client_data": b""}),
    "client data that is no JSON": ({}, {"client_data": b"{"}),
    "short authenticator data": ({}, {"authenticator_data": b"x" * 10}),
}


@pytest.mark.parametrize("case", BENT)
def test_what_was_bent_is_refused(kit: MailKit, alice: Principal, case: str) -> None:
    key = SoftKey()
    register(kit, alice.id, key)
    change, bent = BENT[case]
    for name, value in change.items():
        setattr(key, name, value)
    assert refusal(lambda: prove(kit, alice.id, key, **bent)) == "webauthn.refused"
    if change:
        begun = kit.two_factor.begin_registration(alice.id, description="key", origin=ORIGIN)
        answer = key.register(begun.challenge)
        run = lambda: kit.two_factor.register(alice.id, challenge=begun.challenge, by=BY, **answer)  # noqa: E731
        assert refusal(run) == "webauthn.refused"


def test_a_signature_over_another_challenge_is_refused(kit: MailKit, alice: Principal) -> None:
    key = SoftKey()
    register(kit, alice.id, key)
    one, other = (kit.two_factor.begin_assertion(alice.id, origin=ORIGIN).challenge for _ in range(2))
    answer = key.sign(other)
    run = lambda: kit.two_factor.finish_assertion(alice.id, challenge=one, token=False, by=BY, **answer)  # noqa: E731
    assert refusal(run) == "webauthn.refused"


def test_a_challenge_is_good_once_even_if_it_fails_and_for_an_hour(
    kit: MailKit, alice: Principal, clock: FixedClock
) -> None:
    key = SoftKey()
    register(kit, alice.id, key)
    challenge = kit.two_factor.begin_assertion(alice.id, origin=ORIGIN).challenge
    assert refusal(lambda: prove(kit, alice.id, key, challenge, signature=b"x")) == "webauthn.refused"
    assert refusal(lambda: prove(kit, alice.id, key, challenge)) == "webauthn.challenge_not_found"
    late = kit.two_factor.begin_assertion(alice.id, origin=ORIGIN).challenge
    clock.advance(seconds=3600)
    assert refusal(lambda: prove(kit, alice.id, key, late)) == "webauthn.challenge_not_found"
    assert refusal(lambda: prove(kit, alice.id, key, b"never given")) == "webauthn.challenge_not_found"


def test_challenges_keep_to_their_account_and_purpose(kit: MailKit, alice: Principal) -> None:
    bob = kit.accounts.create("bob", password="x")
    key, his = SoftKey(), SoftKey()
    register(kit, alice.id, key)
    register(kit, bob.id, his)
    challenge = kit.two_factor.begin_assertion(bob.id, origin=ORIGIN).challenge
    assert refusal(lambda: prove(kit, alice.id, key, challenge)) == "webauthn.challenge_not_found"
    registering = kit.two_factor.begin_registration(alice.id, description="", origin=ORIGIN).challenge
    assert refusal(lambda: prove(kit, alice.id, key, registering)) == "webauthn.challenge_not_found"
    assert refusal(lambda: prove(kit, alice.id, his)) == "webauthn.credential_not_found"


def test_a_counter_that_goes_back_is_a_copied_key(kit: MailKit, alice: Principal) -> None:
    key = SoftKey(count=5)
    register(kit, alice.id, key)
    prove(kit, alice.id, key)
    key.count = 3
    assert refusal(lambda: prove(kit, alice.id, key)) == "webauthn.refused"
    key.count = 5  # signs with 6, which was used
    assert refusal(lambda: prove(kit, alice.id, key)) == "webauthn.refused"
    prove(kit, alice.id, key)


def test_only_configured_origins_begin_a_ceremony(kit: MailKit, alice: Principal) -> None:
    def begin(origin: str, rp_id: str | None = None) -> object:
        return kit.two_factor.begin_registration(alice.id, description="", origin=origin, rp_id=rp_id)

    for origin in ("https://evil.example", "https://mail.example.org.evil.example", "http://mail.example.org", ""):
        assert refusal(lambda o=origin: begin(o)) == "webauthn.origin"  # type: ignore[misc]
    for rp_id in ("evil.example", "org", "ail.example.org"):
        assert refusal(lambda r=rp_id: begin(ORIGIN, r)) == "webauthn.rp_id"  # type: ignore[misc]
    begin(ORIGIN, "example.org")


def test_an_authenticator_registers_once_and_can_be_removed(kit: MailKit, alice: Principal) -> None:
    key = SoftKey()
    id = register(kit, alice.id, key)
    assert refusal(lambda: register(kit, alice.id, key)) == "webauthn.exists"
    bob = kit.accounts.create("bob", password="x")
    assert not kit.two_factor.remove_authenticator(bob.id, id, by=BY), "not his"
    assert kit.two_factor.remove_authenticator(alice.id, id, by=BY)
    assert not kit.two_factor.remove_authenticator(alice.id, id, by=BY)
    assert kit.two_factor.enabled(alice.id) == ()
    assert events(kit)[-2:] == ["mfa.webauthn.registered", "mfa.webauthn.removed"]
