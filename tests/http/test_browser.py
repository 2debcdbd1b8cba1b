"""Chromium with its virtual authenticator registers and logs in through WildDuck's operations, and its EventSource
follows an update stream.

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
from mailkit.http.watching import watcher
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import Selection

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
const told = [];
let opened = 0, broken = 0;
function follow(user, given) {
  const source = new EventSource(`/users/${user}/updates?accessToken=${given}`);
  source.onopen = () => { opened += 1; };
  source.onmessage = event => told.push([JSON.parse(event.data), event.lastEventId]);
  source.addEventListener("error", event => {
    if (event.data === undefined) broken += 1; else told.push([{error: 1}, ""]);
  });
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


def test_a_browsers_event_source_follows_and_comes_back(server: tuple[MailKit, str], browser: Any) -> None:
    """It sends the last id that it has seen by itself: nothing is missed meanwhile, and nothing comes twice."""
    kit, origin = server
    alice = kit.accounts.create("alice", address="alice@example.org", password="x")
    token = kit.credentials.issue_token("wd/user", now=kit.clock(), owner=alice.number, auth_version=alice.auth_version)
    browser.get(f"{origin}/page")
    browser.execute_script(f"follow('{alice.id}', '{token}')")

    def state() -> tuple[int, int, list[tuple[dict[str, Any], str]]]:
        found = browser.execute_script("return [opened, broken, told]")
        return found[0], found[1], [(event, id) for event, id in found[2]]

    def news(commands: list[str]) -> list[tuple[dict[str, Any], str]]:
        """What was told but counters, once it is all of these."""
        for _ in range(600):
            found = [one for one in state()[2] if one[0].get("command") != "COUNTERS"]
            if len(found) >= len(commands):
                break
            threading.Event().wait(0.05)
        assert [event.get("command", "error") for event, _ in found] == commands
        return found

    while not (state()[0] and watcher(kit).count):
        threading.Event().wait(0.05)
    box = kit.mailstore.create_mailbox(alice.id, Folder("Work"))
    kit.mailstore.append(alice.id, b"Subject: one\r\n\r\n")
    kit.mailstore.update(alice.id, "INBOX", Selection.of([1]), Change(add=["\\Seen"]))
    kit.mailstore.move(alice.id, "INBOX", Selection.of([1]), box.id)
    first = ["CREATE", "EXISTS", "FETCH", "EXPUNGE", "EXISTS"]
    seen = news(first)
    assert seen[2][0]["flags"] == ["\\Seen"]
    ids = [id for _, id in seen]
    assert sorted(set(ids)) == ids
    assert all(len(id) == 24 for id in ids)

    watcher(kit).end()  # as when the server stops
    while not state()[1]:
        threading.Event().wait(0.05)
    kit.mailstore.append(alice.id, b"Subject: two\r\n\r\n")  # nobody listens
    kit.mailstore.delete_mailbox(alice.id, box.id)
    while state()[0] < 2:
        threading.Event().wait(0.05)
    again = [*first, "error", "EXISTS", "DELETE"]  # no DROP: that was for those who listened
    seen = news(again)
    assert seen[6][0]["uid"] == 2
    inbox = str(kit.mailstore.mailbox(alice.id, "INBOX").id)
    counters = [event for event, _ in state()[2] if event.get("command") == "COUNTERS" and event["mailbox"] == inbox]
    assert counters[-1] == {"command": "COUNTERS", "mailbox": inbox, "total": 1, "unseen": 1}

    kit.users.logout(kit.principals.user(alice.id), "Bye")
    kit.mailstore.delete_mailbox(alice.id, kit.mailstore.create_mailbox(alice.id, Folder("Play")).id)
    seen = news([*again, "LOGOUT", "CREATE", "DROP", "DELETE"])
    assert seen[8][0]["reason"] == "Bye"
    assert seen[10][1] == seen[9][1]  # what has no id leaves the last one standing
