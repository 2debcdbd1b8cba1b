"""What accounts may do in a day or a minute: counted where it happens, refused beyond, shown and explained."""

import asyncio
from typing import Any

import httpx2
import pytest

from mailkit import MailKit
from mailkit.accounts.limits import COUNTED, DOWNLOAD, FORWARD, RECEIVE, SEND, UPLOAD, Counted
from mailkit.accounts.users import UserChanges
from mailkit.clock import FixedClock
from mailkit.errors import NotFound, RateLimited
from mailkit.http import build_app
from mailkit.ids import new_id
from mailkit.limits import Limited, Status
from mailkit.principals.normalise import parse_address
from mailkit.principals.records import Principal, Profile
from mailkit.storage.api import Tx

MAIL = b"Subject: x\r\n\r\nbody\r\n"


def person(kit: MailKit, **limits: int) -> Principal:
    return kit.accounts.create("jane", address="jane@example.org", profile=Profile(limits=limits))


def explained(kit: MailKit, row: Principal) -> dict[str, tuple[int, int, int | None]]:
    with kit.store.snapshot() as tx:
        return {one.counted.shown: (one.allowed, one.used, one.ttl) for one in kit.account_limits.explain(row, tx=tx)}


def ask(kit: MailKit, method: str, path: str, **more: Any) -> httpx2.Response:
    async def go() -> httpx2.Response:
        token = kit.credentials.issue_token("admin", now=kit.clock())
        transport = httpx2.ASGITransport(app=build_app(kit))
        headers = {"X-Access-Token": token, **more.pop("headers", {})}
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            return await client.request(method, path, **more)

    return asyncio.run(go())


def test_received_messages_count_for_a_minute_and_the_next_is_put_off(kit: MailKit, clock: FixedClock) -> None:
    jane = person(kit, receivedMax=2)
    statuses = [kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org"]).outcomes[0] for _ in range(3)]
    assert [(o.status, o.reply, o.code) for o in statuses] == [
        ("stored", 250, "2.1.5"),
        ("stored", 250, "2.1.5"),
        ("deferred", 450, "4.2.1"),
    ]
    assert explained(kit, jane)["received"] == (2, 2, 60_000)
    shown = ask(kit, "GET", f"/users/{jane.id}").json()["limits"]["received"]
    assert shown == {"allowed": 2, "used": 2, "ttl": 60}
    clock.advance(seconds=60)
    assert explained(kit, jane)["received"] == (2, 0, None)
    assert kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org"]).stored == 1


def test_the_servers_limit_of_received_messages_is_kept_on_request(kit: MailKit, clock: FixedClock) -> None:
    jane = person(kit)
    kit.settings.change({"limits.received_per_minute": "2"}, now=clock())

    def deliver() -> str:
        return kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org"]).outcomes[0].status

    assert [deliver() for _ in range(3)] == ["stored", "stored", "stored"]
    assert explained(kit, jane)["received"] == (2, 2, 60_000)
    kit.settings.change({"limits.enforce_received": "true"}, now=clock())
    assert deliver() == "deferred"


def test_each_recipient_of_an_account_counts_and_what_is_refused_does_not(kit: MailKit) -> None:
    jane = person(kit)
    kit.accounts.create("full", address="full@example.org", quota=1)
    kit.delivery.accept(MAIL, mail_from="", rcpt_to=["jane@example.org", "jane+a@example.org", "full@example.org"])
    assert explained(kit, jane)["received"][1] == 2
    assert explained(kit, kit.principals.by_name("full"))["received"][1] == 0


def test_uploads_and_downloads_are_counted_in_bytes_and_refused_beyond(kit: MailKit, clock: FixedClock) -> None:
    jane = person(kit, imapMaxUpload=30, imapMaxDownload=30)
    box = next(one for one in kit.mailstore.mailboxes(jane.id) if one.path == "INBOX")
    place = f"/users/{jane.id}/mailboxes/{box.id}/messages"
    raw = {"headers": {"Content-Type": "message/rfc822"}, "content": MAIL}
    assert ask(kit, "POST", place, **raw).status_code == 200
    assert ask(kit, "POST", place, **raw).status_code == 200  # the limit isn't reached yet: taken whole
    refused = ask(kit, "POST", place, **raw)
    assert (refused.status_code, refused.json()["code"]) == (403, "RateLimitedError")
    assert refused.json()["error"] == ("You reached a daily upload limit for your account. Limit expires in 24 hours.")
    assert kit.mailstore.list(jane.id, mailbox="INBOX").total == 2
    answers = [ask(kit, "GET", f"{place}/1/message.eml").status_code for _ in range(3)]
    assert answers == [200, 200, 403]
    size = len(MAIL)
    assert explained(kit, jane)["imapUpload"] == (30, 2 * size, 86_400_000)
    assert explained(kit, jane)["imapDownload"] == (30, 2 * size, 86_400_000)
    kit.users.change(jane, UserChanges(limits={"imapMaxUpload": 0, "imapMaxDownload": 1000}))
    jane = kit.principals.by_name("jane")
    assert explained(kit, jane)["imapUpload"] == (10 << 30, 0, None)
    assert explained(kit, jane)["imapDownload"] == (1000, 0, None)


def test_downloads_below_a_share_of_the_limit_write_nothing_and_count_all_the_same(kit: MailKit) -> None:
    jane = person(kit)
    assert kit.account_limits.note(jane, DOWNLOAD, 1000) is None
    assert explained(kit, jane)["imapDownload"][1] == 1000
    write = kit.account_limits.note(jane, DOWNLOAD, 2 << 20)
    assert write is not None
    write()
    with kit.store.snapshot() as tx:
        window = kit.account_limits.window(jane, DOWNLOAD)
        stored = kit.limits.status(tx, f"account:{jane.number}", "imap.download", window, now=kit.clock())
    assert stored.used == (2 << 20) + 1000 == explained(kit, jane)["imapDownload"][1]


@pytest.mark.parametrize("counted", COUNTED, ids=lambda counted: counted.name)
def test_whoever_sends_forwards_or_serves_counts_by_the_accounts_id(
    kit: MailKit, clock: FixedClock, counted: Counted
) -> None:
    jane = person(kit, **{counted.name: 3}).id
    limits = kit.account_limits
    assert limits.ask(jane, counted) is None
    assert limits.take(jane, counted, 2) == Status(3, 2, counted.length)
    clock.advance(seconds=5)
    assert limits.take(jane, counted) == Status(3, 3, counted.length - 5000), "the window began with the first"
    assert limits.ask(jane, counted) == Limited(3, 3, counted.length - 5000)
    for refusing in (limits.check, limits.take):
        with pytest.raises(RateLimited) as refused:
            refusing(jane, counted)
        assert refused.value.fields["retry_after"] == counted.length - 5000
    (told,) = (each for each in limits.explain(jane) if each.counted is counted)
    assert (told.allowed, told.used, told.ttl, told.own) == (3, 3, counted.length - 5000, True)
    clock.advance(ms=counted.length - 5001)
    assert limits.ask(jane, counted) == Limited(3, 3, 1)
    clock.advance(ms=1)
    assert limits.ask(jane, counted) is None
    assert limits.take(jane, counted) == Status(3, 1, counted.length)


def test_what_is_counted_stands_with_what_it_counts_or_falls_with_it(kit: MailKit) -> None:
    jane = person(kit).id

    def send(tx: Tx) -> None:
        kit.account_limits.take(jane, SEND, 3, tx=tx)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        kit.transact(send)
    assert explained(kit, kit.principals.by_name("jane"))["recipients"] == (2000, 0, None)
    with pytest.raises(NotFound):
        kit.account_limits.take(new_id(0), SEND)


def test_a_forwarded_address_counts_for_itself(kit: MailKit) -> None:
    """Its limit is its own, whatever that of the server is."""
    token = {"targets": ["bob@example.net"], "forwards": 2}
    assert ask(kit, "POST", "/addresses/forwarded", json={"address": "info@example.org", **token}).status_code == 200
    address = kit.addresses.find(parse_address("info@example.org"))
    assert address is not None
    hidden = kit.principals.get(address.owner)
    assert kit.account_limits.take(hidden.id, FORWARD, 2).used == 2
    shown = ask(kit, "GET", f"/addresses/forwarded/{address.id}").json()["limits"]["forwards"]
    assert shown == {"allowed": 2, "used": 2, "ttl": 86_400}
    with pytest.raises(RateLimited):
        kit.account_limits.take(hidden.id, FORWARD)


@pytest.mark.parametrize("counted", [SEND, FORWARD, RECEIVE, UPLOAD])
def test_one_may_go_past_a_limit_and_none_after(kit: MailKit, counted: Any) -> None:
    jane = person(kit, **{counted.name: 3})
    kit.transact(lambda tx: kit.account_limits.take(jane, counted, 5, tx=tx))
    with pytest.raises(RateLimited) as refused:
        kit.transact(lambda tx: kit.account_limits.take(jane, counted, 1, tx=tx))
    assert counted.doing in refused.value.message
    assert explained(kit, jane)[counted.shown][:2] == (3, 5)
    with kit.store.snapshot() as tx:
        reasons = {one.counted.shown: one.reason for one in kit.account_limits.explain(jane, tx=tx)}
    assert "the account's own limit" in reasons[counted.shown]
    assert all("the setting limits." in text for name, text in reasons.items() if name != counted.shown)
