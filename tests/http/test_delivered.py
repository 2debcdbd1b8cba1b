"""A message that was delivered, as WildDuck's operations show it."""

import asyncio
from typing import Any

import httpx2

from mailkit import MailKit
from mailkit.http import build_app


def shown(kit: MailKit, path: str) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        transport = httpx2.ASGITransport(app=build_app(kit))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            token = kit.credentials.issue_token("admin", now=kit.clock())
            answer = await client.get(path, headers={"X-Access-Token": token})
            found: dict[str, Any] = answer.json()
            return found

    return asyncio.run(ask())


def test_the_envelope_is_shown_with_recipients_as_they_were_looked_for(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    kit.delivery.accept(
        b"Subject: x\r\n\r\nx", mail_from="Bounce@Example.net", rcpt_to=["Al.Ice+label@Example.ORG"], ip="192.0.2.1"
    )
    inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
    found = shown(kit, f"/users/{alice.id}/mailboxes/{inbox}/messages/1")
    assert found["envelope"] == {
        "from": "Bounce@Example.net",
        "rcpt": [{"value": "Al.Ice+label@Example.ORG", "formatted": "alice@example.org"}],
    }
    assert found["from"] == {"name": "", "address": "Bounce@Example.net"}  # there is neither From nor Sender
    assert (found["seen"], found["draft"]) == (False, False)
    listed = shown(kit, f"/users/{alice.id}/mailboxes/{inbox}/messages")["results"]
    assert listed[0]["from"] == found["from"]


def test_answered_and_forwarded_are_told_apart(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
    for flags in ([], ["\\Answered"], ["$Forwarded"], ["\\Answered", "$Forwarded"]):
        kit.mailstore.append(alice.id, b"Subject: x\r\n\r\nx", flags=flags)
    rows = shown(kit, f"/users/{alice.id}/mailboxes/{inbox}/messages?order=asc")["results"]
    told = [(row["answered"], row["forwarded"]) for row in rows]
    assert told == [(False, False), (True, False), (False, True), (False, True)]
    for uid, want in enumerate(told, 1):
        one = shown(kit, f"/users/{alice.id}/mailboxes/{inbox}/messages/{uid}")
        assert (one["answered"], one["forwarded"]) == want
