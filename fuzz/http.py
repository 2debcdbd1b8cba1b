"""Throws mutated requests at both dialects.

    python -m fuzz.http [--seconds 30] [--seed N]

What must hold for any request: the application answers, and never with a crash (500 `InternalError`, or Stalwart's
`Internal Server Error`); the answer is JSON in the dialect's shape; no byte of a request body stays counted.
"""

import argparse
import asyncio
import json
import random
import time
from typing import Any

from mailkit import MailKit
from mailkit.credentials.passwords import Cost
from mailkit.http import build_app
from mailkit.http.app import App
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK

SPICE = [
    "", "0", "-1", "1e9", "9" * 40, "true", "null", "[]", "{}", "%00", "%ff", "%2F", "..", "é", "\U0001f600", "\ud800",
    "a" * 300,
    "[", "]", ".", "a[b]", "a[]", "a.b.c", "&", "=", "*", "@", "x@y.z", "2026-01-01", "f" * 24, "$argon2id$x",
]  # fmt: skip
TYPES = [
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "message/rfc822",
    "text/plain", "application/x+json", "", "multipart/form-data",
]  # fmt: skip
OPERATIONS = [("", o) for o in WILDDUCK] + [(PREFIX, o) for o in STALWART]
BUILT = [(prefix, o) for prefix, o in OPERATIONS if o.endpoint is not None]


def value(chance: random.Random, depth: int = 0) -> Any:
    """A JSON value."""
    kind = chance.randrange(9 if depth < 3 else 6)
    if kind < 3:
        return chance.choice(SPICE)
    if kind == 3:
        return chance.choice([0, 1, -1, 20, 2**53, 2**70, 1.5, 1e300])
    if kind == 4:
        return chance.choice([True, False, None])
    if kind in (5, 6):
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(SPICE): value(chance, depth + 1) for _ in range(chance.randrange(4))}


def make(chance: random.Random, token: str, ids: list[str]) -> tuple[dict[str, Any], bytes]:
    """A scope and a body."""
    prefix, operation = chance.choice(BUILT if chance.random() < 0.8 else OPERATIONS)
    segments = [
        chance.choice(ids) if segment.startswith("{") and chance.random() < 0.8 else segment
        for segment in (prefix + operation.path).split("/")
    ]
    if chance.random() < 0.1:
        segments[chance.randrange(len(segments))] = chance.choice(SPICE)
    path = "/".join(segments).encode("utf-8", "replace")
    names = list(_names(operation)) + SPICE
    fields = {chance.choice(names): value(chance) for _ in range(chance.randrange(6))}
    if operation.name in ("createUser", "postPrincipal") and chance.random() < 0.7:
        fields = {"username": f"u{chance.randrange(10**6)}", "password": "", "emptyAddress": True, **fields}
    query = "&".join(f"{chance.choice(names)}={chance.choice(SPICE + ids)}" for _ in range(chance.randrange(4)))
    media_type = chance.choice(TYPES) if chance.random() < 0.4 else "application/json"
    body = json.dumps(fields).encode() if chance.random() < 0.8 else chance.choice(SPICE).encode("utf-8", "replace") * 3
    if body and chance.random() < 0.2:
        at = chance.randrange(len(body))
        body = body[:at] + chance.choice(SPICE).encode("utf-8", "replace") + body[at + chance.randrange(3) :]
    headers = [(b"host", b"localhost"), (b"content-type", media_type.encode())]
    if chance.random() < 0.95:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    scope = {
        "type": "http", "method": operation.method, "path": path.decode("utf-8", "replace"), "raw_path": path,
        "query_string": query.encode("utf-8", "replace"),
        "headers": headers, "client": ("192.0.2.1", 1), "root_path": "",
    }  # fmt: skip
    return scope, body


def _names(operation: Any) -> list[str]:
    from mailkit.http.declare import params_of

    return [] if operation.endpoint is None else list(params_of(operation.endpoint.request))


async def ask(app: App, scope: dict[str, Any], body: bytes) -> tuple[int, bytes, bytes]:
    """Status, content type and body of the answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    whole = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"])[b"content-type"], whole


async def fuzz(seconds: float, seed: int) -> int:
    """Returns how many requests were sent."""
    chance = random.Random(seed)
    settings = {"mail.domain": "example.org"}
    with MailKit.open("memory:", settings=settings, password_cost=Cost(memory=8, passes=1)) as kit:
        token = kit.credentials.issue_token("admin", now=kit.clock())
        user = kit.accounts.create("someone", password="something")
        inbox = kit.mailstore.mailbox(user.id, "INBOX")
        kit.mailstore.append(user.id, b"Subject: x\r\n\r\nx\r\n")
        ids = [str(user.id), str(inbox.id), "1", "someone", "me", "f" * 24]
        app = build_app(kit)
        stop, count = time.monotonic() + seconds, 0
        while time.monotonic() < stop:
            scope, body = make(chance, token, ids)
            status, media_type, answer = await ask(app, scope, body)
            count += 1
            where = (
                f"seed {seed}, request {count}: {scope['method']} {scope['raw_path']}?{scope['query_string']} {body!r}"
            )
            assert b"Internal" not in answer[:200] or status != 500, f"{where}: {answer!r}"
            if b"json" in media_type:
                shape = json.loads(answer)
                assert shape.keys() & {"success", "error", "data", "status"}, f"{where}: {answer!r}"
            assert app.wildduck._budget.held == 0, where
    return count


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    count = asyncio.run(fuzz(args.seconds, args.seed))
    print(f"{count} requests, seed {args.seed}: nothing found")


if __name__ == "__main__":
    main()
