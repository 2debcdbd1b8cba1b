"""A real OAuth client library (Authlib) through every flow, the sign-in page, and what an attacker would try there."""

import asyncio
import html
import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
import pytest
import uvicorn
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.credentials.passwords import Cost
from mailkit.credentials.totp import code_at, parse
from mailkit.http import Served, build_app
from mailkit.ids import new_id
from mailkit.principals.records import Principal

RIGHT = "a long secret"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
SHOP = "https://shop.example/back?from=mail"


@pytest.fixture(scope="module")
def served() -> list[Served]:
    return []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, served: list[Served]) -> Iterator[tuple[MailKit, str]]:
    """A real server on a real socket, with an account and a registered client."""
    folder = tmp_path_factory.mktemp("data")
    settings = {"mail.hostname": "mx.example.org"}
    with MailKit.open(folder, settings=settings, clock=FixedClock(), password_cost=Cost(8, 1)) as kit:
        kit.accounts.create("jane", address="jane@example.org", password=RIGHT)
        row = Principal(
            number=0, id=new_id(), kind="oauthClient", name="shop", display="The Shop", created=0, urls=(SHOP,)
        )
        kit.principals.create(row)
        config = uvicorn.Config(build_app(kit, on_request=served.append), port=0, log_level="error", lifespan="off")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run)
        thread.start()
        while not running.started:
            pass
        port = running.servers[0].sockets[0].getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        kit.oauth.issuer = lambda: base
        yield kit, base
        running.should_exit = True
        thread.join()


def fields(page: str) -> dict[str, str]:
    """What a browser would send of a form's hidden fields."""
    found = re.findall(r"<input type=hidden name='([^']*)' value='([^']*)'>", page)
    return {html.unescape(name): html.unescape(value) for name, value in found}


def sign_in(url: str, **typed: str) -> httpx2.Response:
    """Opens the page, fills it in, sends it as a browser does."""
    page = httpx2.get(url)
    assert page.status_code == 200, page.text
    form = {**fields(page.text), "username": "jane", "password": RIGHT, "answer": "allow", **typed}
    base = url.partition("/authorize")[0]
    return httpx2.post(f"{base}/authorize", data=form, headers={"Origin": base, "Sec-Fetch-Site": "same-origin"})


def session(base: str, client: str, redirect: str, **more: Any) -> OAuth2Session:
    made = OAuth2Session(
        client, redirect_uri=redirect, code_challenge_method="S256", token_endpoint_auth_method="none", **more
    )
    made.trust_env = False
    return made


def discover(base: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx2.get(f"{base}/.well-known/oauth-authorization-server").json()
    return found


@pytest.mark.parametrize(("client", "redirect"), [("shop", SHOP), ("cli", "http://127.0.0.1:9/callback")])
def test_authlib_completes_the_code_flow_with_pkce_and_refreshes(
    server: tuple[MailKit, str], client: str, redirect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    _kit, base = server
    about = discover(base)
    oauth = session(base, client, redirect)
    url, state = oauth.create_authorization_url(about["authorization_endpoint"], code_verifier=VERIFIER)
    assert create_s256_code_challenge(VERIFIER) in url
    answer = sign_in(url)
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith(redirect.partition("?")[0])
    query = parse_qs(urlsplit(location).query)
    assert (query["state"], query["iss"]) == ([state], [base])
    if client == "shop":
        assert query["from"] == ["mail"], "what the registered URI has of its own is kept"
    token = oauth.fetch_token(about["token_endpoint"], authorization_response=location, code_verifier=VERIFIER)
    assert oauth.get(f"{base}/auth/userinfo").json()["preferred_username"] == "jane"
    assert oauth.get(f"{base}/api/account/auth").json() == {"data": {"otpEnabled": False, "appPasswords": []}}
    fresh = oauth.refresh_token(about["token_endpoint"], refresh_token=token["refresh_token"])
    assert fresh["access_token"] != token["access_token"]
    told = oauth.post(about["introspection_endpoint"], data={"token": fresh["access_token"]}).json()
    assert (told["active"], told["client_id"]) == (True, client)
    oauth.revoke_token(about["revocation_endpoint"], token=fresh["access_token"])
    assert (
        httpx2.get(f"{base}/auth/userinfo", headers={"Authorization": f"Bearer {fresh['access_token']}"}).status_code
        == 401
    )


def test_authlib_connects_a_device(server: tuple[MailKit, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    _kit, base = server
    about = discover(base)
    device = httpx2.post(about["device_authorization_endpoint"], data={"client_id": "tv"}).json()
    page = sign_in(device["verification_uri_complete"], code=device["user_code"].lower())
    assert "The device is connected" in page.text
    oauth = session(base, "tv", "")
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    token = oauth.fetch_token(about["token_endpoint"], grant_type=grant, device_code=device["device_code"])
    assert token["refresh_token"]
    assert oauth.get(f"{base}/auth/userinfo").json()["preferred_username"] == "jane"


def test_denying_goes_back_with_an_error_and_no_code(server: tuple[MailKit, str]) -> None:
    _, base = server
    answer = sign_in(
        f"{base}/authorize?{urlencode({'client_id': 'shop', 'redirect_uri': SHOP, 'state': 's'})}", answer="deny"
    )
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert (query["error"], query["state"], "code" in query) == ("access_denied", "s", False)


@pytest.mark.parametrize(
    "given",
    [
        {"client_id": "shop", "redirect_uri": "https://evil.example/"},
        {"client_id": "shop", "redirect_uri": SHOP + "x"},
        {"client_id": "shop"},
        {
            "client_id": "unknown",
            "redirect_uri": "https://evil.example/",
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
        },
        {"client_id": "unknown", "redirect_uri": "http://127.0.0.1:1/"},
        {"client_id": "webadmin", "redirect_uri": "https://evil.example/"},
        {"client_id": "", "redirect_uri": SHOP},
    ],
)
def test_nobody_is_sent_to_where_nobody_registered(server: tuple[MailKit, str], given: dict[str, str]) -> None:
    """Neither the page nor its form redirects, with the right password or without an answer."""
    _, base = server
    page = httpx2.get(f"{base}/authorize?{urlencode(given)}")
    assert (page.status_code, page.headers.get("location")) == (400, None)
    for answer in ("allow", "deny"):
        form = {**given, "username": "jane", "password": RIGHT, "answer": answer}
        sent = httpx2.post(f"{base}/authorize", data=form)
        assert (sent.status_code, sent.headers.get("location")) == (400, None)


def authorize_url(base: str, **more: str) -> str:
    return f"{base}/authorize?{urlencode({'client_id': 'shop', 'redirect_uri': SHOP, **more})}"


def test_the_page_runs_no_script_and_lies_in_no_frame(server: tuple[MailKit, str]) -> None:
    _, base = server
    page = httpx2.get(authorize_url(base, state="'><script>alert(1)</script>"))
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_another_sites_form_is_refused(server: tuple[MailKit, str], headers: dict[str, str]) -> None:
    _, base = server
    form = {"client_id": "shop", "redirect_uri": SHOP, "username": "jane", "password": RIGHT, "answer": "allow"}
    assert httpx2.post(f"{base}/authorize", data=form, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"password": "wrong"}, "is wrong"),
        ({"username": "nobody"}, "is wrong"),
        ({"password": ""}, "is wrong"),
    ],
)
def test_what_is_wrong_is_said_on_the_page_and_gives_no_code(
    server: tuple[MailKit, str], typed: dict[str, str], told: str
) -> None:
    _, base = server
    answer = sign_in(authorize_url(base), **typed)
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert told in answer.text


def test_an_account_with_totp_needs_its_code_and_no_application_password_will_do(server: tuple[MailKit, str]) -> None:
    from mailkit.accounts.secrets import Add

    kit, base = server
    url = "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    tom = kit.accounts.create("tom", password=RIGHT)
    change = kit.secrets.prepare([Add(url), Add("$app$phone$phone secret")])
    kit.transact(lambda tx: change(tx, tom.number))
    assert "asks for a code" in sign_in(authorize_url(base), username="tom").text
    assert "is wrong" in sign_in(authorize_url(base), username="tom", password="phone secret").text
    assert "is wrong" in sign_in(authorize_url(base), username="tom", totp="000000").text
    code = code_at(parse(url), kit.clock() // 30_000)
    assert sign_in(authorize_url(base), username="tom", totp=code).status_code == 303
    assert "is wrong" in sign_in(authorize_url(base), username="tom", totp=code).text, "replayed"


def test_the_query_is_in_no_log(server: tuple[MailKit, str], served: list[Served]) -> None:
    kit, base = server
    token = kit.credentials.issue_token("admin", now=kit.clock())
    assert httpx2.get(f"{base}/health?accessToken={token}").status_code == 200
    httpx2.get(authorize_url(base, state="private-state"))
    assert {row.path for row in served[-2:]} == {"/health", "/authorize"}
    assert token not in repr(served)
    assert "private-state" not in repr(served)


@pytest.mark.parametrize("path", ["/auth/token", "/auth/device", "/auth/introspect", "/auth/revoke"])
def test_nothing_of_oauth_may_be_cached_and_bodies_are_small(server: tuple[MailKit, str], path: str) -> None:
    _, base = server
    answer = httpx2.post(base + path, data={"client_id": "x", "grant_type": "x", "token": "x"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    big = httpx2.post(
        base + path, data={"token": "x" * 3000}, headers={"Authorization": "Basic amFuZTphIGxvbmcgc2VjcmV0"}
    )
    assert big.status_code == 400


def test_slow_logins_do_not_hold_up_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """While passwords are being verified, other requests are answered: no verification ends before one was."""
    with MailKit.open("memory:", settings={"mail.hostname": "mx.example.org"}, password_cost=Cost(8, 1)) as kit:
        kit.accounts.create("jane", password=RIGHT)
        token = kit.credentials.issue_token("admin", now=kit.clock())
        answered, waited = threading.Event(), []
        real = kit.credentials.verify

        def verify(hashed: str | None, password: str) -> Any:
            waited.append(answered.wait(10))
            return real(hashed, password)

        monkeypatch.setattr(kit.credentials, "verify", verify)

        async def go() -> list[int]:
            transport = httpx2.ASGITransport(app=build_app(kit))
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
                body = {"username": "jane", "password": RIGHT}
                headers = {"X-Access-Token": token}
                logins = [
                    asyncio.create_task(client.get("/api/account/auth", auth=("jane", RIGHT))),
                    asyncio.create_task(client.post("/authenticate", json=body, headers=headers)),
                ]
                await asyncio.sleep(0.05)
                health = await client.get("/health", headers=headers)
                answered.set()
                return [health.status_code, *(done.status_code for done in await asyncio.gather(*logins))]

        assert asyncio.run(go()) == [200, 200, 200]
        assert waited == [True, True]


# clients that register themselves (RFC 7591)

APP = {"client_name": "A Mail App", "redirect_uris": ["https://app.example/back"]}


def register(base: str, body: Any, **how: Any) -> httpx2.Response:
    return httpx2.post(f"{base}/auth/register", json=body, **how)


@pytest.fixture
def anonymous(server: tuple[MailKit, str]) -> Iterator[tuple[MailKit, str]]:
    kit, base = server
    for on in (True, False):
        kit.settings.change({"oauth.registration_anonymous": on}, now=kit.clock())
        kit.settings.reload()
        if on:
            yield kit, base


def test_nobody_registers_a_client_without_the_permission(server: tuple[MailKit, str]) -> None:
    _, base = server
    assert register(base, APP).status_code == 401
    assert register(base, APP, auth=("jane", RIGHT)).status_code == 403


def test_an_administrators_client_is_as_good_as_one_that_was_made(server: tuple[MailKit, str]) -> None:
    kit, base = server
    token = kit.credentials.issue_token("admin", now=kit.clock())
    made = register(base, APP, headers={"Authorization": f"Bearer {token}"})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    client = kit.oauth.client(made.json()["client_id"])
    assert client is not None
    assert (client.name, client.redirects, client.vouched) == ("A Mail App", ("https://app.example/back",), True)
    assert len(client.id) == 20, "POST /api/oauth takes no longer ones"


def test_authlib_registers_and_completes_the_flow(
    anonymous: tuple[MailKit, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    _, base = anonymous
    about = discover(base)
    made = httpx2.post(about["registration_endpoint"], json=APP).json()
    oauth = session(base, made["client_id"], APP["redirect_uris"][0])
    url, _ = oauth.create_authorization_url(about["authorization_endpoint"], code_verifier=VERIFIER)
    assert "Nobody here has vouched for it" in httpx2.get(url).text
    location = sign_in(url).headers["location"]
    assert oauth.fetch_token(about["token_endpoint"], authorization_response=location, code_verifier=VERIFIER)
    bare = urlencode({"client_id": made["client_id"], "redirect_uri": APP["redirect_uris"][0]})
    assert httpx2.get(f"{base}/authorize?{bare}").status_code == 400, "without PKCE"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], "invalid_client_metadata"),
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a@app.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/"] * 11}, "invalid_redirect_uri"),
        ({**APP, "client_name": "x" * 101}, "invalid_client_metadata"),
        ({**APP, "client_name": "a\nb"}, "invalid_client_metadata"),
        ({**APP, "token_endpoint_auth_method": "client_secret_basic"}, "invalid_client_metadata"),
    ],
)
def test_what_cannot_be_registered_is_named(anonymous: tuple[MailKit, str], body: Any, error: str) -> None:
    refused = register(anonymous[1], body)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_registrations_of_one_network_run_out(anonymous: tuple[MailKit, str]) -> None:
    codes = [register(anonymous[1], APP).status_code for _ in range(12)]
    assert codes[-1] == 429
    assert set(codes) == {201, 429}
