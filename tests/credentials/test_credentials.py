"""Passwords and tokens."""

import pytest

from mailkit.credentials import passwords
from mailkit.credentials.passwords import Cost, hash_password, verify_password
from mailkit.credentials.service import Credentials
from mailkit.credentials.tokens import DEFAULT_TTL, LIFETIME, key_of
from mailkit.errors import Denied, Invalid
from mailkit.storage.backends.memory import MemoryStore

CHEAP = Cost(memory=8, passes=1)
NOW = 1_700_000_000_000


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(MemoryStore(), CHEAP)


def test_password_verifies_and_nothing_else_does() -> None:
    stored = hash_password("hunter2", CHEAP)
    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "hunter2", CHEAP).right
    assert verify_password(stored, "hunter3", CHEAP).reason == "wrong"
    assert verify_password("not a hash", "hunter2", CHEAP).reason.startswith("its hash is of no known scheme")
    assert verify_password(None, "hunter2", CHEAP).reason == "there is none"


@pytest.mark.parametrize("password", ["", "x" * 257])
def test_passwords_have_a_length(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        hash_password(password, CHEAP)
    assert refused.value.errors[0].path == ("password",)


def test_every_failure_costs_one_verification(credentials: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    spent: list[str] = []
    real = PasswordHasher.verify

    def counted(self: PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:
        outcome = real(self, hash, password)
        spent.append("ran")
        return bool(outcome)

    def counting(self: PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:
        try:
            return counted(self, hash, password)
        except Exception as error:
            if "InvalidHash" not in type(error).__name__:
                spent.append("ran")
            raise

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    for stored in (None, "not a hash", hash_password("right", CHEAP)):
        spent.clear()
        assert not credentials.verify(stored, "wrong").right
        assert len(spent) == 1, stored


def test_tokens_are_kept_by_hash_only(credentials: Credentials) -> None:
    token = credentials.issue_token("root", now=NOW)
    with credentials.store.snapshot() as tx:
        everything = b"".join(key + value for key, value in tx.scan(b"\x00", b"\xff"))
    assert token.encode() not in everything
    assert bytes.fromhex(token) not in everything
    assert credentials.check_token(token.upper(), now=NOW).row.role == "root"


@pytest.mark.parametrize("token", ["", "x", "zz" * 20, "ab" * 20, "ab" * 21])
def test_foreign_tokens_are_denied(credentials: Credentials, token: str) -> None:
    with pytest.raises(Denied, match=r"token\.invalid"):
        credentials.check_token(token, now=NOW)


def test_idle_tokens_die_and_used_ones_live_until_their_lifetime_ends(credentials: Credentials) -> None:
    token = credentials.issue_token("user", now=NOW, owner=7, ttl=DEFAULT_TTL)
    now = NOW
    assert not credentials.check_token(token, now=now).renew
    while now - NOW + DEFAULT_TTL // 2 < LIFETIME:
        now += DEFAULT_TTL // 2
        checked = credentials.check_token(token, now=now)
        assert checked.renew
        credentials.renew(checked.key, now=now)
    with pytest.raises(Denied):
        credentials.check_token(token, now=NOW + LIFETIME)
    other = credentials.issue_token("user", now=NOW, owner=7, ttl=DEFAULT_TTL)
    with pytest.raises(Denied):
        credentials.check_token(other, now=NOW + DEFAULT_TTL)


def test_operator_tokens_never_expire(credentials: Credentials) -> None:
    token = credentials.issue_token("root", now=NOW)
    assert not credentials.check_token(token, now=NOW + 100 * LIFETIME).renew


def test_revoked_and_forgotten_tokens_are_gone(credentials: Credentials) -> None:
    first, second = (credentials.issue_token("user", now=NOW, owner=7) for _ in range(2))
    assert credentials.revoke(first)
    assert not credentials.revoke(first)
    credentials.set_password(7, hash_password("p", CHEAP), now=NOW)
    credentials.forget(7)
    assert not credentials.has_password(7)
    with pytest.raises(Denied):
        credentials.check_token(second, now=NOW)
    with credentials.store.snapshot() as tx:
        assert list(tx.scan(b"\x00", b"\xff")) == []


def test_key_of_ignores_case_and_blanks() -> None:
    assert key_of(" " + "AB" * 20 + "\n") == key_of("ab" * 20)


def test_default_cost_is_what_owasp_recommends() -> None:
    assert (passwords.Cost().memory, passwords.Cost().passes, passwords.Cost().lanes) == (19456, 2, 1)
