"""`mailkit check` sees every damage to what credentials keep, and none where there is none."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from mailkit import MailKit
from mailkit.accounts.by import By
from mailkit.accounts.login import Attempt
from mailkit.clock import FixedClock
from mailkit.credentials import tables
from mailkit.credentials.oauth.authorize import Asked
from mailkit.credentials.records import Pending, WebAuthnCredential
from mailkit.credentials.totp import code_at
from mailkit.ids import new_id
from mailkit.principals.records import Principal
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.storage.keyspace import SPACES, Space
from mailkit.storage.verify import Finding
from mailkit.verify import verify

DAY = 86_400_000
GLOBAL = [space for mark, space in SPACES.items() if space.owner in ("credentials", "sealing") and len(mark) == 1]
OF_ACCOUNT = [space for mark, space in SPACES.items() if space.owner == "credentials" and len(mark) == 2]


@pytest.fixture
def kit(quick_kit: MailKit) -> MailKit:
    """Damage is planted with `put` and `delete`: any store will do."""
    return quick_kit


@pytest.fixture
def full(kit: MailKit, alice: Principal, clock: FixedClock) -> Principal:
    """An account with everything there is."""
    seed = kit.two_factor.setup_totp(alice.id, issuer="x")
    kit.two_factor.enable_totp(alice.id, code_at(seed, clock() // 30_000), by=By())
    kit.two_factor.check_totp(alice.id, code_at(seed, clock() // 30_000), by=By())
    number = alice.number
    key = WebAuthnCredential(
        id=new_id(clock()),
        raw_id=b"raw",
        public_key=b"key",
        count=0,
        description="",
        attachment="platform",
        rp_id="example.org",
        created=clock(),
    )
    kit.two_factor._authenticators.add(number, key)
    kit.two_factor._authenticators.challenge(
        number, "registration", origin="https://a", rp_id="a", attachment="platform", now=clock()
    )
    phone = kit.app_passwords.create(alice.id, "phone", ttl=DAY)
    kit.login.authenticate(Attempt("alice", phone.password, scope="imap", ip="192.0.2.7"))
    kit.login.authenticate(Attempt("alice", "correct horse", token=True, ip="192.0.2.7"))
    kit.credentials.set_temporary(number, generated="abcdefghijkl", now=clock())
    asked = Asked("webadmin", "stalwart://auth")
    caller = kit.callers.of_principal(number, "basic")  # type: ignore[arg-type]
    tokens = kit.oauth.exchange(
        {
            "grant_type": "authorization_code",
            "code": kit.oauth.code(caller, asked, direct=True),
            "client_id": "webadmin",
            "redirect_uri": "stalwart://auth",
        }
    )
    kit.oauth.device("tv")
    kit.oauth.revoke(tokens.access_token)
    return kit.principals.get(number)


def findings(kit: MailKit) -> list[Finding]:
    return list(verify(kit))


def first(tx: Tx, space: Space, *prefix: Any) -> tuple[bytes, bytes]:
    return next(iter(tx.scan(*space.range(*prefix))))


def test_nothing_is_found_where_nothing_is_wrong(kit: MailKit, full: Principal, clock: FixedClock) -> None:
    assert findings(kit) == []
    kit.accounts.delete(full.id, due=clock() + DAY)
    assert findings(kit) == []
    clock.advance(days=1)
    kit.run_due()
    assert findings(kit) == [], "entries by time outlive their account"
    clock.advance(days=400)
    kit.transact(lambda tx: kit.access.expire(tx, now=clock()))
    assert findings(kit) == []


def test_everything_that_is_kept_is_there_to_be_damaged(kit: MailKit, full: Principal) -> None:
    """Else the tests below would prove nothing."""
    with kit.store.snapshot() as tx:
        empty = [space.name for space in GLOBAL if not list(tx.scan(*space.range(), limit=1))]
        empty += [space.name for space in OF_ACCOUNT if not list(tx.scan(*space.range(full.number), limit=1))]
    assert empty == []


# Rows that may be missing: nothing else depends on them.
ALONE = {keyspace.LAST_LOGIN, keyspace.KNOWN_ADDRESS, keyspace.USED_CODE}
NAMES = {space.name: space for space in GLOBAL + OF_ACCOUNT}


@pytest.mark.parametrize("name", [name for name, space in NAMES.items() if space not in ALONE])
def test_a_missing_row_or_entry_is_found(kit: MailKit, full: Principal, name: str) -> None:
    space = NAMES[name]
    prefix = (full.number,) if space in OF_ACCOUNT else ()

    def remove(tx: Tx) -> None:
        for key, _ in list(tx.scan(*space.range(*prefix))):
            tx.delete(key)

    kit.transact(remove)
    assert findings(kit), name


TABLES = [
    tables.SECRETS,
    tables.TOKENS,
    tables.ASPS,
    tables.WEBAUTHN,
    tables.CHALLENGES,
    tables.AUTHLOG,
    tables.LAST_LOGIN,
    tables.KNOWN,
    tables.USED_CODES,
    tables.GRANTS,
    tables.REVOKED,
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.space.name)
def test_a_row_that_cannot_be_read_is_found(kit: MailKit, full: Principal, table: Any) -> None:
    prefix = (full.number,) if table.space in OF_ACCOUNT else ()
    kit.transact(lambda tx: tx.put(first(tx, table.space, *prefix)[0], b"\x01garbage"))
    assert any(finding.level == "error" for finding in findings(kit))


def _bent(space: Space, parts: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Callable[[MailKit, Tx], None]:
    def bend(kit: MailKit, tx: Tx) -> None:
        key, value = first(tx, space)
        tx.put(space.key(*parts(space.parts(key))), value)

    return bend


def _of_alice(damage: Callable[[MailKit, Tx, int], None]) -> Callable[[MailKit, Tx], None]:
    return lambda kit, tx: damage(kit, tx, kit.principals.by_name("alice", tx=tx).number)


def _foreign_seed(kit: MailKit, tx: Tx, number: int) -> None:
    row = tables.SECRETS.get(tx, number)
    sealed = kit.sealing.seal(tx, b"otpauth://totp/x?secret=AAAAAAAAAAAAAAAA", owner="otp:999")
    tables.SECRETS.put(tx, replace(row, otp=(replace(row.otp[0], sealed=sealed),)), number)


def _bent_bytes(data: bytes) -> bytes:
    """Other bytes than these, whatever they are."""
    return data[:-1] + bytes((data[-1] ^ 1,))


def _foreign_pending(kit: MailKit, tx: Tx, number: int) -> None:
    row = tables.SECRETS.get(tx, number)
    tables.SECRETS.put(tx, replace(row, pending=Pending(sealed=_bent_bytes(row.otp[0].sealed), created=0)), number)


def _key_of_another_kind(kit: MailKit, tx: Tx, number: int) -> None:
    keys = [key for key, _ in tx.scan(*keyspace.AUTHLOG_KEY.range(number))]
    other = tx.get(keys[1])
    assert other is not None
    tx.put(keys[0], other)


DAMAGE: dict[str, Callable[[MailKit, Tx], None]] = {
    "a token of nobody": lambda kit, tx: _use(kit.credentials.issue_token("wd/user", now=0, owner=999, tx=tx)),
    "secrets of nobody": lambda kit, tx: kit.credentials.set_password(999, "x", now=0, tx=tx),
    "a token listed for another": _bent(keyspace.OWNER_TOKEN, lambda parts: (parts[0] + 1, parts[1])),
    "a token that dies twice": _bent(keyspace.TOKEN_END, lambda parts: (parts[0] + 1, parts[1])),
    "an application password that ends twice": _bent(keyspace.ASP_END, lambda parts: (parts[0] + 1, *parts[1:])),
    "a challenge that ends twice": _bent(keyspace.CHALLENGE_END, lambda parts: (parts[0] + 1, *parts[1:])),
    "an event that ends twice": _bent(keyspace.AUTHLOG_END, lambda parts: (parts[0] + 1, *parts[1:])),
    "a grant that ends twice": _bent(keyspace.GRANT_END, lambda parts: (parts[0] + 1, *parts[1:])),
    "a voided grant that ends twice": _bent(keyspace.REVOKED_END, lambda parts: (parts[0] + 1, *parts[1:])),
    "a second user code": _bent(keyspace.USER_CODE, lambda parts: ("ZZZZ-ZZZZ",)),
    "a second look-up": _of_alice(
        lambda kit, tx, number: tx.put(
            keyspace.ASP_LOOKUP.key(number, b"x" * 32), first(tx, keyspace.ASP_LOOKUP, number)[1]
        )
    ),
    "a look-up of nothing": _of_alice(
        lambda kit, tx, number: tx.put(keyspace.ASP_LOOKUP.key(number, b"x" * 32), b"not an id")
    ),
    "a second authenticator id": _of_alice(
        lambda kit, tx, number: tx.put(
            keyspace.WEBAUTHN_RAW.key(number, b"x" * 32), first(tx, keyspace.WEBAUTHN_RAW, number)[1]
        )
    ),
    "a wrong count of application passwords": _of_alice(
        lambda kit, tx, number: _use(tables.ASP_COUNT.add(tx, 1, number))
    ),
    "a wrong count of events": _of_alice(lambda kit, tx, number: _use(tables.AUTHLOG_COUNT.add(tx, -1, number))),
    "a wrong count of authenticators": _of_alice(
        lambda kit, tx, number: tables.SECRETS.put(tx, replace(tables.SECRETS.get(tx, number), webauthn=3), number)
    ),
    "another account's seed": _of_alice(_foreign_seed),
    "a bent seed that waits": _of_alice(_foreign_pending),
    "events merged into another kind": _of_alice(_key_of_another_kind),
    "a key that does not open": lambda kit, tx: tx.put(
        first(tx, keyspace.NAMED_KEY)[0], _bent_bytes(first(tx, keyspace.NAMED_KEY)[1])
    ),
}


def _use(_: object) -> None:
    pass


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(kit: MailKit, full: Principal, damage: str) -> None:
    kit.transact(lambda tx: DAMAGE[damage](kit, tx))
    assert any(finding.level == "error" for finding in findings(kit)), damage
