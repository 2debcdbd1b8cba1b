"""What the login log and the journal say of accounts; keys, known passwords and second factors in PUT user."""

import hashlib
import warnings

import pytest

from mailkit import MailKit, journal
from mailkit.accounts.by import By
from mailkit.accounts.known_passwords import KnownPasswords
from mailkit.accounts.users import UserChanges
from mailkit.clock import FixedClock
from mailkit.errors import Denied, Unavailable
from mailkit.mailstore import recount
from mailkit.mailstore.recount import Counting, Recount, recount_step
from mailkit.mailstore.selection import Selection
from mailkit.principals.records import Principal
from mailkit.storage.keyspace import QUOTA_USED
from mailkit.storage.tables import Counter
from tests.accounts.test_limits import ask

DAY = 86_400_000


def log(kit: MailKit, row: Principal) -> list[tuple[str, str | None, str | None]]:
    rows = kit.authlog.list(row.number, now=kit.clock(), limit=50).items
    return [(line.action, line.result, line.details.get("target")) for line in reversed(rows)]


def test_the_login_log_tells_of_an_accounts_whole_life(kit: MailKit, clock: FixedClock) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org", password="secret", targets=("a@elsewhere.example",))
    by = By("192.0.2.9", "web")
    with pytest.raises(Denied):
        kit.login.confirm(jane, "wrong", ip=by.ip, by=by)
    kit.users.change(
        jane, UserChanges(password=True, hashed=None, targets=("a@elsewhere.example", "b@c.example")), by=by
    )
    kit.accounts.delete(jane.id, due=clock() + DAY, by=by)
    kit.accounts.restore(jane.id, by=by)
    assert log(kit, jane) == [
        ("account created", "success", None),
        ("user forward added", "success", "a@elsewhere.example"),
        ("password change", "fail", None),
        ("password change", "success", None),
        ("user forward added", "success", "b@c.example"),
        ("delete user", "success", None),
        ("restore user", "success", None),
    ]
    last = kit.authlog.list(jane.number, now=clock(), limit=1).items[0]
    assert (last.protocol, last.ip, last.session) == ("API", "192.0.2.9", "web")


def test_the_journal_tells_of_every_change_with_who_and_what(kit: MailKit, clock: FixedClock) -> None:
    def do(method: str, path: str, **body: object) -> str:
        answer = ask(kit, method, path, json=body).json()
        assert answer["success"], answer
        return str(answer.get("id", ""))

    jane = do("POST", "/users", username="jane", password="", name="Jane", address="Jane@a.example", targets=["x@b.c"])
    second = do("POST", f"/users/{jane}/addresses", address="Sec.ond@a.example")
    do("PUT", f"/users/{jane}", targets=["x@b.c", "y@b.c"], password="new")
    do("PUT", f"/users/{jane}/logout", reason="Good night")
    do("PUT", f"/users/{jane}/logout")
    do("DELETE", f"/users/{jane}/addresses/{second}")
    info = do("POST", "/addresses/forwarded", address="info@a.example", targets=["z@b.c"])
    do("DELETE", f"/addresses/forwarded/{info}")
    alias = do("POST", "/domainaliases", alias="b.example", domain="a.example")
    do("DELETE", f"/domainaliases/{alias}")
    do("PUT", "/addresses/renameDomain", oldDomain="a.example", newDomain="c.example")
    do("PUT", "/addresses/renameDomain", oldDomain="nobodys.example", newDomain="d.example")
    do("DELETE", f"/users/{jane}", deleteAfter=clock() + DAY)
    do("POST", f"/users/{jane}/restore")
    told = [
        (kind, payload)
        for kind, payload in entries(kit)
        if kind not in ("user.delete.started", "user.delete.cancelled")
    ]
    known = {"user": jane}
    assert told == [
        ("user.created", {**known, "username": "jane", "name": "Jane", "address": "jane@a.example"}),
        ("forward added", {**known, "type": "user", "target": "x@b.c"}),
        ("address.user.created", {**known, "address": second, "value": "sec.ond@a.example"}),
        ("user.password.changed", known),
        ("user.logout", {**known, "reason": "Authentication required"}),
        ("forward added", {**known, "type": "user", "target": "y@b.c"}),
        ("user.logout", {**known, "reason": "Good night"}),
        ("user.logout", {**known, "reason": "Logout requested from API"}),
        ("address.user.deleted", {**known, "address": second, "value": "sec.ond@a.example"}),
        ("address.forwarded.created", {"address": info, "value": "info@a.example"}),
        ("address.forwarded.deleted", {"address": info, "value": "info@a.example"}),
        ("domainalias.created", {"domainalias": alias, "alias": "b.example", "domain": "a.example"}),
        ("domainalias.deleted", {"domainalias": alias, "alias": "b.example", "domain": "a.example"}),
        ("address.domain.renamed", {"previous": "a.example", "current": "c.example"}),
        ("address.domain.renamed", {"previous": "nobodys.example", "current": "d.example"}),
    ]
    kinds = [kind for kind, payload in entries(kit) if payload.get("user") == jane]
    assert kinds[-2:] == ["user.delete.started", "user.delete.cancelled"]


def entries(kit: MailKit) -> list[tuple[str, dict[str, object]]]:
    """What the journal says, ids as text."""
    with kit.store.snapshot() as tx:
        found = [entry for _, entry in journal.read(tx, 0)]
    return [
        (
            entry.kind,
            {name: value.hex() if isinstance(value, bytes) else value for name, value in entry.payload.items()},
        )
        for entry in found
        if not entry.kind.startswith(("mailbox.", "job."))
    ]


def test_the_token_that_changed_the_password_lives_on_and_others_do_not(kit: MailKit) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org", password="secret")
    mine, other = (
        kit.credentials.issue_token("wd/user", now=kit.clock(), owner=jane.number, auth_version=jane.auth_version)
        for _ in range(2)
    )
    answer = ask(kit, "PUT", "/users/me", json={"password": "new secret"}, headers={"X-Access-Token": mine})
    assert answer.json() == {"success": True}
    assert kit.callers.of_token(mine).caller.principal == jane.id
    with pytest.raises(Denied):
        kit.callers.of_token(other)


def test_passwords_that_others_know_are_refused_only_when_asked(kit: MailKit) -> None:
    body = {"username": "jane", "password": "Password1", "address": "jane@example.org"}
    refused = ask(kit, "POST", "/users", json={**body, "allowUnsafe": False})
    assert (refused.status_code, refused.json()["code"]) == (403, "InsecurePasswordError")
    user = ask(kit, "POST", "/users", json=body).json()["id"]
    refused = ask(kit, "PUT", f"/users/{user}", json={"password": "qwerty", "allowUnsafe": False})
    assert (refused.status_code, refused.json()["code"]) == (403, "InsecurePasswordError")
    assert ask(kit, "PUT", f"/users/{user}", json={"password": "dGhlIHJhaW4", "allowUnsafe": False}).status_code == 200


def test_a_range_service_learns_five_digits_and_its_failure_counts_for_nothing() -> None:
    digest = hashlib.sha1(b"rare but stolen").hexdigest().upper()
    asked: list[str] = []

    def fetch(url: str) -> str:
        asked.append(url)
        return f"{'0' * 35}:3\r\n{digest[5:]}:12\r\n"

    known = KnownPasswords(lambda: "https://ranges.example/range/", fetch=fetch)
    assert known("rare but stolen")
    assert asked == [f"https://ranges.example/range/{digest[:5]}"]
    assert not known("rare and mine")
    assert not KnownPasswords(lambda: "https://x.example", fetch=lambda _: f"{digest[5:]}:0\r\n")("rare but stolen")

    def broken(url: str) -> str:
        raise Unavailable("egress.failed", "no way")

    assert not KnownPasswords(lambda: "https://x.example", fetch=broken)("rare but stolen")


def test_an_openpgp_key_is_tried_kept_described_and_cleared(kit: MailKit) -> None:
    import pysequoia

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        key = str(pysequoia.Cert.generate("Jane Doe <jane@example.org>"))
    user = ask(kit, "POST", "/users", json={"username": "jane", "password": "", "pubKey": key}).json()["id"]
    shown = ask(kit, "GET", f"/users/{user}").json()
    assert shown["pubKey"] == key
    assert (shown["keyInfo"]["name"], shown["keyInfo"]["address"]) == ("Jane Doe", "jane@example.org")
    assert shown["keyInfo"]["fingerprint"] == pysequoia.Cert.from_bytes(key.encode()).fingerprint
    for bad in ("x", key[:300], key.replace("\n", "", 3)):
        refused = ask(kit, "PUT", f"/users/{user}", json={"pubKey": bad})
        assert (refused.status_code, refused.json()["code"]) == (400, "InputValidationError")
        assert refused.json()["details"]["pubKey"].startswith("PGP key validation failed.")
    assert ask(kit, "PUT", f"/users/{user}", json={"pubKey": ""}).status_code == 200
    shown = ask(kit, "GET", f"/users/{user}").json()
    assert (shown["pubKey"], shown["keyInfo"]) == ("", False)


def test_an_administrator_takes_all_second_factors_away(kit: MailKit) -> None:
    jane = kit.accounts.create("jane", address="jane@example.org", password="x")
    kit.two_factor.enable_custom(jane.id, by=By())
    assert ask(kit, "GET", f"/users/{jane.id}").json()["enabled2fa"] == ["custom"]
    assert ask(kit, "GET", "/users").json()["results"][0]["enabled2fa"] == ["custom"]
    assert ask(kit, "PUT", f"/users/{jane.id}", json={"disable2fa": False}).status_code == 200
    assert kit.two_factor.enabled(jane.id) == ("custom",)
    assert ask(kit, "PUT", f"/users/{jane.id}", json={"disable2fa": True}).status_code == 200
    assert kit.two_factor.enabled(jane.id) == ()


def test_bytes_are_counted_in_steps_while_mail_comes_and_goes(kit: MailKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recount, "STEP", 3)
    jane = kit.accounts.create("jane", address="jane@example.org")
    for number in range(10):
        kit.delivery.accept(b"Subject: %d\r\n\r\nx\r\n" % number, mail_from="", rcpt_to=["jane@example.org"])
    right = kit.used(jane.number)
    kit.transact(lambda tx: Counter(QUOTA_USED).add(tx, 500, jane.number))
    at: Counting | Recount = Counting()
    steps = 0
    while isinstance(at, Counting):
        at = Counting.of(at.stored())  # as a job keeps it
        at = kit.transact(lambda tx, at=at: recount_step(jane.number, at, quota=kit.quota, tx=tx))  # type: ignore[misc]
        steps += 1
        if steps == 2:  # one that was counted leaves, and another comes
            page = kit.mailstore.list(jane.id, mailbox="INBOX")
            uid = min(entry.uid for entry in page.items)
            kit.mailstore.remove(jane.number, page.items[0].mailbox.id, Selection.of([uid]))
            kit.delivery.accept(b"Subject: new\r\n\r\nx\r\n", mail_from="", rcpt_to=["jane@example.org"])
            right = kit.used(jane.number) - 500
    assert steps > 5
    assert at.after == kit.used(jane.number) == right
    assert at.before == right + 500
