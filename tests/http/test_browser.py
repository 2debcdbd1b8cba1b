"""Chromium with its virtual authenticator registers and logs in through WildDuck's operations.

Needs Debian's chromium and chromium-driver, and selenium. The page is this test's own; it speaks to a real server.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailkit import MailKit
from mailkit.credentials.passwords import Cost
from mailkit.http import build_app

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not shutil.which("chromedriver"), reason="needs chromium-driver"),
]

PAGE = b"""<!doctype html><title>test</title><script>
const bytes = hex => Uint8Array.from(hex.match(/../g) || [], h => parseInt(h, 16));
const hex = buffer => Array.from(new Uint8Array(buffer), b => b.toString(16).padStart(2, "0")).join("");
async function call(path, body) {
  const answer = await fetch(path, {method: "POST", body: JSON.stringify(body),
    headers: {"Content-Type": "application/json", "X-Access-Token": token}});
  return await answer.json();
}
let token = "";
async function register(user, given) {
  token = given;
  const begun = await call(`/users/${user}/2fa/webauthn/registration-challenge`,
    {origin: location.origin, description: "virtual"});
  const o = begun.registrationOptions;
  const made = await navigator.credentials.create({publicKey: {...o, challenge: bytes(o.challenge),
    user: {...o.user, id: bytes(o.user.id)},
    excludeCredentials: (o.excludeCredentials || []).map(c => ({...c, id: bytes(c.rawId)}))}});
  return await call(`/users/${user}/2fa/webauthn/registration-attestation`, {challenge: o.challenge,
    rawId: hex(made.rawId), clientDataJSON: hex(made.response.clientDataJSON),
    attestationObject: hex(made.response.attestationObject)});
}
async function login(user, given) {
  token = given;
  const begun = await call(`/users/${user}/2fa/webauthn/authentication-challenge`, {origin: location.origin});
  const o = begun.authenticationOptions;
  const got = await navigator.credentials.get({publicKey: {...o, challenge: bytes(o.challenge),
    allowCredentials: o.allowCredentials.map(c => ({type: c.type, id: bytes(c.rawId)}))}});
  return await call(`/users/${user}/2fa/webauthn/authentication-assertion`, {challenge: o.challenge,
    rawId: hex(got.rawId), clientDataJSON: hex(got.response.clientDataJSON), token: true,
    authenticatorData: hex(got.response.authenticatorData), signature: hex(got.response.signature)});
}
</script>"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[MailKit, str]]:
    import uvicorn

    settings = {"mail.hostname": "mx.example.org"}
    with MailKit.open(tmp_path / "data", settings=settings, password_cost=Cost(8, 1)) as kit:
        app = build_app(kit)

        async def with_page(scope: Any, receive: Any, send: Any) -> None:
            if scope.get("path") != "/page":
                await app(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": PAGE})

        running = uvicorn.Server(uvicorn.Config(with_page, port=0, log_level="error", lifespan="off"))
        thread = threading.Thread(target=running.run)
        thread.start()
        while not running.started:
            pass
        origin = f"http://localhost:{running.servers[0].sockets[0].getsockname()[1]}"
        kit.two_factor._origins = lambda: (origin,)
        yield kit, origin
        running.should_exit = True
        thread.join()


@pytest.fixture
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    made = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        made.add_virtual_authenticator(VirtualAuthenticatorOptions(transport="usb"))
        yield made
    finally:
        made.quit()


def run(browser: Any, script: str) -> Any:
    """The value of a promise in the page."""
    told = "v => done(JSON.stringify(v)), e => done(JSON.stringify(`${e}`))"
    wrapped = f"const done = arguments[0]; {script}.then({told})"
    return json.loads(browser.execute_async_script(wrapped))


@pytest.mark.filterwarnings("ignore")
def test_a_browser_registers_an_authenticator_and_logs_in_with_it(server: tuple[MailKit, str], browser: Any) -> None:
    kit, origin = server
    alice = kit.accounts.create("alice", address="alice@example.org", password="x")
    admin = kit.credentials.issue_token("admin", now=kit.clock())
    browser.set_script_timeout(30)
    browser.get(f"{origin}/page")
    made = run(browser, f"register('{alice.id}', '{admin}')")
    assert made["response"]["description"] == "virtual", made
    assert "InvalidStateError" in run(browser, f"register('{alice.id}', '{admin}')"), "one authenticator, once"
    for times in (1, 2):
        done = run(browser, f"login('{alice.id}', '{admin}')")
        assert done["response"] == {"authenticated": True, "credential": made["response"]["id"]}, done
        assert kit.callers.of_token(done["token"]).caller.number == alice.number
        assert kit.two_factor.authenticators(alice.id)[0].count >= times
