"""Somebody outside of a tenant, with one of everything: what the tenant's administrator must neither see nor touch.

Everything that has a name or a text of its own has ZEBRA in it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
from attrs import field, frozen

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.http import build_app
from mailkit.storage.walk import walk

__all__ = ["WHO", "ZEBRA", "Foreign", "everything", "furnish", "talk"]

ZEBRA = "zebra"
WHO = "zebra@zebra.example"
DAY = 86_400_000
MAIL = b"\r\n".join(
    (
        b"From: zebra@zebra.example",
        b"Subject: zebra",
        b"Content-Type: multipart/mixed; boundary=x",
        b"",
        b"--x",
        b"",
        b"zebra",
        b"--x",
        b"Content-Type: image/png",
        b"Content-Disposition: attachment; filename=zebra.png",
        b"",
        b"zebra",
        b"--x--",
        b"",
    )
)


@frozen
class Foreign:
    """The ids by which it is all asked for, and a token of each administrator's."""

    path: Mapping[str, str] = field(factory=dict)
    """Placeholder of WildDuck's paths -> id."""
    deleted: str = ""
    forwarded: str = ""
    boss: str = ""
    root: str = ""


def everything(kit: MailKit) -> dict[bytes, bytes]:
    """Every key that there is, and what is at it."""
    return dict(walk(kit.store, b"", b"\xff" * 600))


def talk(kit: MailKit, token: str, asked: list[tuple[str, str, Any]]) -> list[httpx2.Response]:
    """The answers to (method, path, body), one after the other."""

    async def go() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=build_app(kit))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            return [
                await client.request(method, path, **({} if body is None else {"json": body}))
                for method, path, body in asked
            ]

    return asyncio.run(go())


def furnish(kit: MailKit, *, tenant: bool) -> Foreign:
    """Two worlds: acme with its administrator, and zebra, in a tenant of its own or in none."""
    root = kit.credentials.issue_token("admin", now=kit.clock())

    def ask(method: str, path: str, body: Any = None) -> Any:
        answer = talk(kit, root, [(method, path, body)])[0].json()
        assert answer.get("success", "data" in answer), answer
        return answer

    def principal(kind: str, name: str, **more: Any) -> int:
        number: int = ask("POST", "/api/principal", {"type": kind, "name": name, **more})["data"]
        return number

    principal("tenant", "acme", roles=["admin"])
    principal("domain", "acme.example", tenant="acme")
    principal("individual", "boss@acme.example", tenant="acme", roles=["admin"], emails=["boss@acme.example"])
    inside = {"tenant": "zebras"} if tenant else {}
    if tenant:
        principal("tenant", "zebras", roles=["admin"])
    principal("domain", "zebra.example", **inside)
    for kind in ("group", "list", "role", "apiKey", "oauthClient", "resource", "location"):
        principal(kind, f"{kind}@zebra.example".lower(), description="zebra", **inside)
    body = {"description": "zebra", "emails": ["zebra@zebra.example", "other@zebra.example"], "roles": ["user"]}
    principal("individual", WHO, secrets="zebra's", **body, **inside)
    principal("individual", "gone@zebra.example", **inside)
    user = ask("GET", "/users/resolve/zebra@zebra.example")["id"]
    gone = ask("GET", "/users/resolve/gone@zebra.example")["id"]
    ask("DELETE", f"/users/{gone}?deleteAfter={kit.clock() + DAY}")
    ask("PUT", f"/users/{user}", {"tags": ["zebra"], "metaData": {"zebra": 1}, "targets": ["x@zebra.example"]})
    rows = ask("GET", f"/users/{user}/addresses")["results"]
    forwarded = ask("POST", "/addresses/forwarded", {"address": "away@zebra.example", "targets": ["x@zebra.example"]})
    if tenant:  # made by the server's administrator it is in no tenant
        ask("PATCH", f"/api/principal/forward:{forwarded['id']}", [_set("tenant", "zebras")])
    for _ in range(2):
        kit.delivery.accept(MAIL, mail_from="", rcpt_to=["zebra@zebra.example"])
    box = ask("POST", f"/users/{user}/mailboxes", {"path": "zebra"})["id"]
    inbox = ask("GET", f"/users/{user}/mailboxes/resolve?path=INBOX")["id"]
    ask("DELETE", f"/users/{user}/mailboxes/{inbox}/messages/2")
    archived = ask("GET", f"/users/{user}/archived/messages")["results"][0]["id"]
    alias = ask("POST", "/domainaliases", {"alias": "alias-zebra.example", "domain": "zebra.example"})["id"]
    asp = ask("POST", f"/users/{user}/asps", {"description": "zebra", "scopes": ["imap"]})["id"]
    kept = ask("POST", f"/users/{user}/storage", {"filename": "zebra.txt", "content": "zebra"})["id"]
    event = ask("GET", f"/users/{user}/authlog")["results"][0]["id"]
    row = kit.principals.by_name("boss@acme.example")
    boss = kit.credentials.issue_token("admin", now=kit.clock(), owner=row.number, auth_version=row.auth_version)
    assert isinstance(kit.clock, FixedClock)
    return Foreign(
        path={
            "user": user,
            "address": next(one["id"] for one in rows if not one["main"]),
            "mailbox": inbox,
            "box": box,
            "message": "1",
            "archived": archived,
            "attachment": "ATT00001",
            "alias": alias,
            "asp": asp,
            "file": kept,
            "event": event,
            "username": "zebra@zebra.example",
        },
        deleted=gone,
        forwarded=forwarded["id"],
        boss=boss,
        root=root,
    )


def _set(name: str, value: Any) -> dict[str, Any]:
    return {"action": "set", "field": name, "value": value}
