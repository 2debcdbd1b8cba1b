"""Who is let in from where: client addresses, origins, open servers, caps."""

import asyncio
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.http import Served, build_app
from mailkit.http.client_address import client_address
from mailkit.http.origin import cors_headers, local_only

NETS = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "meant"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # no proxy of ours: not believed
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("", "203.0.113.9", ""),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),  # an IPv4 proxy, seen by a dual-stack socket
    ],
)
def test_forwarded_addresses_are_believed_from_proxies_only(peer: str, forwarded: str, meant: str) -> None:
    assert client_address(peer, forwarded, NETS) == meant


def test_cors_is_off_until_configured_and_never_credentialed_for_all() -> None:
    assert cors_headers("https://a.example", (), preflight=False) == []
    named = dict(cors_headers("https://a.example", ("https://a.example",), preflight=True))
    assert named[b"access-control-allow-credentials"] == b"true"
    assert named[b"access-control-allow-origin"] == b"https://a.example"
    everyone = dict(cors_headers("https://a.example", ("*",), preflight=False))
    assert everyone[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in everyone
    assert b"access-control-allow-origin" not in dict(
        cors_headers("https://b.example", ("https://a.example",), preflight=False)
    )


@pytest.mark.parametrize(
    ("host", "origin", "site", "served"),
    [
        ("localhost:8080", "", "", True),
        ("127.0.0.1", "http://127.0.0.1", "same-origin", True),
        ("[::1]:80", "", "none", True),
        ("rebound.example", "", "", False),
        ("localhost.evil.example", "", "", False),
        ("localhost:8080", "http://localhost:9", "", False),
        ("localhost:8080", "null", "", False),
        ("localhost:8080", "http://[", "", False),
        ("localhost:8080", "HTTP://LOCALHOST:8080", "", True),
        ("localhost:8080", "", "cross-site", False),
        ("", "", "", False),
    ],
)
def test_an_open_server_answers_to_this_machine_only(host: str, origin: str, site: str, served: bool) -> None:
    assert (local_only(host, origin, site) is None) is served


@pytest.fixture
def small() -> Any:
    with MailKit.open("memory:", settings={"http.open": True}, clock=FixedClock()) as kit:
        yield kit


def ask(app: Any, method: str, path: str, **how: Any) -> httpx2.Response:
    async def go() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app, client=("192.0.2.7", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
            return await client.request(method, path, **how)

    return asyncio.run(go())


def test_an_open_server_needs_no_credentials_but_checks_those_that_come(small: MailKit) -> None:
    app = build_app(small)
    assert ask(app, "GET", "/users").status_code == 200
    assert ask(app, "GET", "/api/principal").status_code == 200
    assert ask(app, "GET", "/users", headers={"X-Access-Token": "wrong"}).status_code == 403
    assert ask(app, "GET", "/api/principal", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert ask(app, "GET", "/users", headers={"Host": "mail.example.org"}).json()["code"] == "OriginRefused"
    assert ask(app, "GET", "/users", headers={"Origin": "https://evil.example"}).status_code == 403


def test_the_log_holds_the_path_and_never_the_query(small: MailKit) -> None:
    told: list[Served] = []
    app = build_app(small, on_request=told.append)
    ask(app, "GET", "/users?query=secret&accessToken=0123456789")
    ask(app, "GET", "/users?query=secret")
    assert [(t.path, t.status, t.operation) for t in told] == [("/users", 403, "getUsers"), ("/users", 200, "getUsers")]
    assert "secret" not in repr(told)
    assert "0123456789" not in repr(told)
    assert told[1].caller == "Local administrator"
    assert told[1].address == "192.0.2.7"


def test_too_many_header_bytes_are_refused(small: MailKit) -> None:
    app = build_app(small)
    assert ask(app, "GET", "/users", headers={"X-Long": "x" * 70_000}).status_code == 431
    assert ask(app, "GET", "/api/principal", headers={f"X-{n}": "x" * 700 for n in range(100)}).status_code == 431


def test_bodies_are_capped_one_by_one_and_together(small: MailKit) -> None:
    app = build_app(small, most_body_bytes=1000)
    assert ask(app, "POST", "/users", content=b"x" * 2000).status_code == 429
    assert (
        ask(app, "POST", "/users", json={"username": "fits", "password": "", "emptyAddress": True}).status_code == 200
    )
    assert ask(app, "POST", "/api/principal", content=b"x" * 2000).status_code == 429
    roomy = build_app(small)
    assert ask(roomy, "POST", "/api/principal", content=b'"' + b"x" * (1 << 20)).status_code == 413

    async def endless() -> Any:
        while True:
            yield b"x" * 65536

    assert ask(roomy, "POST", "/api/principal", content=endless()).status_code == 413
    assert roomy.wildduck._budget.held == 0


def test_a_crash_is_a_500_that_tells_nothing(small: MailKit, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(small.mailstore, "mailboxes", crash)
    app = build_app(small)
    user = ask(app, "POST", "/users", json={"username": "u", "password": "", "emptyAddress": True}).json()["id"]
    answer = ask(app, "GET", f"/users/{user}/mailboxes")
    assert answer.status_code == 500
    assert answer.json() == {"error": "Internal error", "code": "InternalError"}


def test_the_application_can_be_mounted_below_a_path(small: MailKit) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app = Starlette(routes=[Mount("/mail", app=build_app(small))])
    assert ask(app, "GET", "/mail/users").json()["success"] is True
    assert ask(app, "GET", "/mail/api/principal").json() == {"data": {"items": [], "total": 0}}
    assert ask(app, "GET", "/mail/openapi.json").json()["openapi"] == "3.1.0"
    assert ask(app, "GET", "/mail/nothing").status_code == 404


def test_configured_origins_may_read_and_preflight(tmp_path: Path) -> None:
    with MailKit.open("memory:", settings={"http.cors_origins": "https://app.example"}) as kit:
        app = build_app(kit)
        answer = ask(app, "GET", "/users", headers={"Origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert answer.headers["vary"] == "origin"
        assert (
            "access-control-allow-origin"
            not in ask(app, "GET", "/users", headers={"Origin": "https://b.example"}).headers
        )
        headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
        preflight = ask(app, "OPTIONS", "/users", headers=headers)
        assert preflight.status_code == 204
        assert "PUT" in preflight.headers["access-control-allow-methods"]


def test_a_client_cannot_hide_its_address_from_a_proxy_that_adds_a_field() -> None:
    told: list[Served] = []
    settings = {"http.open": True, "http.trusted_proxies": "192.0.2.7"}
    with MailKit.open("memory:", settings=settings) as kit:
        app = build_app(kit, on_request=told.append)
        forwarded = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9")]
        assert ask(app, "GET", "/users", headers=forwarded).status_code == 200
    assert told[0].address == "203.0.113.9"
