"""OAuth: every flow, and codes and tokens that were stolen, bent, replayed or are another's."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit import MailKit
from mailkit.accounts.oauth import DEVICE_GRANT, Tokens
from mailkit.clock import FixedClock
from mailkit.credentials.oauth.authorize import Asked, Client, authorize
from mailkit.credentials.oauth.pkce import challenge_of, proves
from mailkit.errors import MailKitError
from mailkit.ids import new_id
from mailkit.principals.permits import Caller
from mailkit.principals.records import Principal

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture
def caller(kit: MailKit, alice: Principal) -> Caller:
    return kit.callers.of_password("alice", "correct horse")


def refusal(run: Callable[[], object]) -> str:
    with pytest.raises(MailKitError) as refused:
        run()
    return refused.value.code.removeprefix("oauth.")


def code(kit: MailKit, caller: Caller, client: str = "webadmin", redirect: str = "stalwart://auth") -> str:
    return kit.oauth.code(caller, Asked(client, redirect), direct=True)


def redeem(kit: MailKit, code: str, **form: str) -> Tokens:
    usual = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "webadmin",
        "redirect_uri": "stalwart://auth",
    }
    return kit.oauth.exchange({**usual, **form})


def refresh(kit: MailKit, token: str | None, **form: str) -> Tokens:
    return kit.oauth.exchange({"grant_type": "refresh_token", "refresh_token": token or "", **form})


def alive(kit: MailKit, token: str) -> bool:
    try:
        return kit.callers.of_bearer(token).name == "alice"
    except MailKitError:
        return False


def test_rfc_7636_appendix_b() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE
    assert proves(CHALLENGE, VERIFIER)


@given(st.text(max_size=130), st.text(max_size=130))
def test_only_the_verifier_of_a_challenge_proves_it(one: str, other: str) -> None:
    assert not proves(CHALLENGE, one)
    assert proves(None, None)
    assert not proves(None, one)
    assert not proves(one, None)


SHOP = Client("shop", "Shop", ("https://shop.example/back", "app.shop:/back"))


@pytest.mark.parametrize(
    ("redirect", "fine"),
    [
        ("https://shop.example/back", True),
        ("app.shop:/back", True),
        ("https://shop.example/back/", False),
        ("https://shop.example/back?x=1", False),
        ("https://shop.example/back/../evil", False),
        ("https://SHOP.example/back", False),
        ("https://shop.example@evil.example/back", False),
        ("https://evil.example/back", False),
        ("http://shop.example/back", False),
        ("", False),
    ],
)
def test_a_registered_client_redirects_to_exactly_what_it_registered(redirect: str, fine: bool) -> None:
    refused = authorize(Asked("shop", redirect), SHOP, registration=False, direct=False)
    assert (refused is None) is fine
    if refused:
        assert refused.error == "invalid_client"


@pytest.mark.parametrize(
    ("redirect", "fine"),
    [
        ("http://127.0.0.1:1234/back", True),
        ("http://[::1]/back", True),
        ("com.example.app:/back", True),
        ("https://evil.example/back", False),
        ("http://127.0.0.1.evil.example/back", False),
        ("http://127.0.0.1@evil.example/back", False),
        ("http://evil.example\\@127.0.0.1/", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example", False),
        ("app:/x#fragment", False),
        ("http://[broken", False),
    ],
)
def test_a_browser_is_sent_to_this_machine_only_for_unregistered_clients(redirect: str, fine: bool) -> None:
    asked = Asked("anyone", redirect, CHALLENGE, "S256")
    assert (authorize(asked, None, registration=False, direct=False) is None) is fine
    assert authorize(asked, None, registration=True, direct=False) is not None


@pytest.mark.parametrize(
    "asked",
    [
        Asked("", "stalwart://auth"),
        Asked("webadmin", "https://evil.example"),
        Asked("anyone", "app:/x"),
        Asked("anyone", "app:/x", CHALLENGE, "plain"),
        Asked("anyone", "app:/x", CHALLENGE, None),
        Asked("anyone", "app:/x", "short", "S256"),
        Asked("anyone", "app:/x", None, "S256"),
        Asked("anyone", "http://evil.example", CHALLENGE, "S256"),
    ],
)
@pytest.mark.parametrize("direct", [True, False])
def test_what_asks_wrongly_gets_no_code(asked: Asked, direct: bool) -> None:
    assert authorize(asked, None, registration=False, direct=direct) is not None


def test_a_code_becomes_tokens_that_work(kit: MailKit, caller: Caller, clock: FixedClock) -> None:
    tokens = redeem(kit, code(kit, caller))
    assert tokens.expires_in == 3600
    assert tokens.refresh_token
    assert tokens.id_token
    bearer = kit.callers.of_bearer(tokens.access_token)
    assert (bearer.number, bearer.permissions, bearer.kind) == (caller.number, caller.permissions, "oauth")
    clock.advance(ms=HOUR)
    assert not alive(kit, tokens.access_token)
    again = refresh(kit, tokens.refresh_token)
    assert alive(kit, again.access_token)
    assert again.refresh_token is None
    clock.advance(ms=27 * DAY)
    renewed = refresh(kit, tokens.refresh_token)
    assert renewed.refresh_token
    clock.advance(ms=3 * DAY)
    assert refusal(lambda: refresh(kit, tokens.refresh_token)) == "invalid_grant"
    refresh(kit, renewed.refresh_token)


def test_an_id_token_can_be_verified_by_anybody(kit: MailKit, caller: Caller, clock: FixedClock) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    made = kit.oauth.code(caller, Asked("webadmin", "stalwart://auth"), nonce="n-0S6", direct=True)
    tokens = redeem(kit, made)
    assert tokens.id_token
    claims = jwt.decode(tokens.id_token, KeySet.import_key_set(kit.oauth.jwks()), algorithms=["ES256"]).claims
    assert claims["sub"] == str(caller.number)
    assert claims["nonce"] == "n-0S6"
    assert (claims["aud"], claims["email"]) == ("webadmin", "alice@example.org")
    assert claims["exp"] == clock() // 1000 + 900


def test_a_code_used_twice_voids_what_it_gave(kit: MailKit, caller: Caller) -> None:
    made = code(kit, caller)
    tokens = redeem(kit, made)
    assert alive(kit, tokens.access_token)
    assert refusal(lambda: redeem(kit, made)) == "access_denied"
    assert not alive(kit, tokens.access_token)
    assert refusal(lambda: refresh(kit, tokens.refresh_token)) == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"redirect_uri": "stalwart://evil"}, "invalid_client"),
        ({"code_verifier": VERIFIER}, "invalid_grant"),
        ({"code": "x" * 40}, "access_denied"),
        ({"code": ""}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"grant_type": "password"}, "invalid_grant"),
        ({"grant_type": ""}, "invalid_grant"),
    ],
)
def test_a_code_of_another_client_or_with_another_proof_is_refused(
    kit: MailKit, caller: Caller, form: dict[str, str], error: str
) -> None:
    made = code(kit, caller)
    assert refusal(lambda: redeem(kit, **{"code": made, **form})) == error
    if form.keys() & {"redirect_uri", "code_verifier"} or form.get("client_id") == "other":
        assert refusal(lambda: redeem(kit, made)) == "access_denied", "and it is used up"


def test_pkce_is_demanded_of_whoever_promised_it(kit: MailKit, caller: Caller) -> None:
    asked = Asked("cli", "http://127.0.0.1:9/x", CHALLENGE, "S256")
    form = {"client_id": "cli", "redirect_uri": asked.redirect}
    for bad in ({}, {"code_verifier": "x" * 43}, {"code_verifier": CHALLENGE}):
        made = kit.oauth.code(caller, asked, direct=True)
        assert refusal(lambda m=made, b=bad: redeem(kit, m, **form, **b)) == "invalid_grant"  # type: ignore[misc]
    made = kit.oauth.code(caller, asked, direct=True)
    assert alive(kit, redeem(kit, made, **form, code_verifier=VERIFIER).access_token)


def test_codes_expire(kit: MailKit, caller: Caller, clock: FixedClock) -> None:
    made = code(kit, caller)
    clock.advance(seconds=600)
    assert refusal(lambda: redeem(kit, made)) == "access_denied"


@pytest.mark.parametrize("what", ["password", "suspended", "deleted"])
def test_a_changed_account_ends_codes_and_tokens(kit: MailKit, caller: Caller, alice: Principal, what: str) -> None:
    from msgspec.structs import replace

    made, tokens = code(kit, caller), redeem(kit, code(kit, caller))
    if what == "password":
        kit.accounts.set_password(alice.id, "new")
    elif what == "suspended":
        kit.principals.update(replace(kit.principals.get(alice.number), suspended=True))
    else:
        kit.accounts.delete(alice.id)
    assert not alive(kit, tokens.access_token)
    assert refusal(lambda: refresh(kit, tokens.refresh_token)) == "invalid_grant"
    assert refusal(lambda: redeem(kit, made)) == "invalid_grant"
    assert kit.oauth.introspect(tokens.access_token) == {"active": False}


def test_a_token_is_for_its_use_only_and_bends_for_nobody(kit: MailKit, caller: Caller) -> None:
    tokens = redeem(kit, code(kit, caller))
    assert tokens.refresh_token
    assert not alive(kit, tokens.refresh_token)
    assert refusal(lambda: refresh(kit, tokens.access_token)) == "invalid_grant"
    assert refusal(lambda: refresh(kit, tokens.refresh_token, client_id="other")) == "invalid_grant"
    text = tokens.access_token
    for at in range(0, len(text), 7):
        assert not alive(kit, text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    for bad in ("", "x", text[:-4], text + "AAAA", "x" * 5000, "ü" * 40, text + "\n" + text):
        assert not alive(kit, bad)


def test_another_servers_token_is_none_of_ours(kit: MailKit, caller: Caller) -> None:
    with MailKit.open("memory:", settings={"mail.hostname": "mx.example.org"}) as other:
        other.accounts.create("filler")
        bob = other.accounts.create("alice", password="x")
        tokens = redeem(other, code(other, other.callers.of_principal(bob.number, caller.kind)))
    redeem(kit, code(kit, caller))
    assert not alive(kit, tokens.access_token)


def test_revocation_voids_all_tokens_of_the_grant_and_no_other(kit: MailKit, caller: Caller) -> None:
    tokens, others = redeem(kit, code(kit, caller)), redeem(kit, code(kit, caller))
    kit.oauth.revoke(tokens.refresh_token or "", client="somebody else")
    assert alive(kit, tokens.access_token)
    kit.oauth.revoke(tokens.refresh_token or "")
    kit.oauth.revoke("nonsense")
    assert not alive(kit, tokens.access_token)
    assert alive(kit, others.access_token)


def test_introspection_tells_of_living_tokens(kit: MailKit, caller: Caller, clock: FixedClock) -> None:
    tokens = redeem(kit, code(kit, caller))
    told = kit.oauth.introspect(tokens.access_token)
    assert (told["active"], told["username"], told["client_id"]) == (True, "alice", "webadmin")
    assert told["exp"] - told["iat"] == 3600
    assert kit.oauth.introspect("nonsense") == {"active": False}


# devices


def poll(kit: MailKit, device: str, client: str = "tv") -> Tokens:
    return kit.oauth.exchange({"grant_type": DEVICE_GRANT, "device_code": device, "client_id": client})


def test_a_device_waits_is_approved_once_and_gets_its_tokens_once(
    kit: MailKit, caller: Caller, clock: FixedClock
) -> None:
    device = kit.oauth.device("tv")
    assert len(device.user_code) == 9
    assert device.user_code[4] == "-"
    assert refusal(lambda: poll(kit, device.device_code)) == "authorization_pending"
    assert refusal(lambda: poll(kit, device.device_code)) == "slow_down"
    clock.advance(seconds=5)
    assert refusal(lambda: poll(kit, device.device_code)) == "authorization_pending"
    assert kit.oauth.approve(caller, device.user_code.lower().replace("-", " "))
    assert not kit.oauth.approve(caller, device.user_code), "single use"
    assert refusal(lambda: poll(kit, device.device_code, "radio")) == "invalid_client"
    assert alive(kit, poll(kit, device.device_code).access_token)
    assert refusal(lambda: poll(kit, device.device_code)) == "expired_token"


def test_user_codes_cannot_be_guessed_for_long(kit: MailKit, caller: Caller, clock: FixedClock) -> None:
    device = kit.oauth.device("tv")
    for _ in range(5):
        assert not kit.oauth.approve(caller, "AAAA-AAAA")
    assert refusal(lambda: kit.oauth.approve(caller, device.user_code)) == "user_code"
    clock.advance(seconds=1800)
    assert not kit.oauth.approve(caller, device.user_code), "too late"
    assert refusal(lambda: poll(kit, device.device_code)) == "expired_token"


# registered clients


def test_registration_can_be_demanded(kit: MailKit, caller: Caller) -> None:
    row = Principal(number=0, id=new_id(), kind="oauthClient", name="shop", created=0, urls=SHOP.redirects)
    kit.principals.create(row)
    kit.oauth._setting = lambda key: True if key.name == "oauth.registration_required" else kit.settings.get(key)
    assert refusal(lambda: code(kit, caller, "cli", "app:/x")) == "invalid_request"
    assert refusal(lambda: kit.oauth.device("tv")) == "invalid_request"
    assert code(kit, caller, "shop", SHOP.redirects[0])
    assert refusal(lambda: code(kit, caller, "shop", "https://evil.example")) == "invalid_client"
    assert kit.oauth.device("shop")


def test_what_is_over_is_forgotten(kit: MailKit, caller: Caller, clock: FixedClock) -> None:
    made = code(kit, caller)
    redeem(kit, made)
    refusal(lambda: redeem(kit, made))
    kit.oauth.device("tv")
    clock.advance(ms=31 * DAY)
    kit.transact(lambda tx: kit.access.expire(tx, now=clock()))
    from mailkit.storage import keyspace

    with kit.store.snapshot() as tx:
        for space in (keyspace.GRANT, keyspace.USER_CODE, keyspace.GRANT_END, keyspace.REVOKED, keyspace.REVOKED_END):
            assert list(tx.scan(*space.range())) == [], space.name


def test_an_operators_token_has_no_account_to_give_away(kit: MailKit) -> None:
    root = kit.callers.of_token(kit.credentials.issue_token("wd/root", now=kit.clock())).caller
    assert refusal(lambda: code(kit, root)) == "access_denied"
    assert refusal(lambda: kit.oauth.approve(root, "AAAA-AAAA")) == "access_denied"
