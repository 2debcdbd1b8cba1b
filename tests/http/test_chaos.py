"""A server whose processes are all killed in the middle of everything, again and again: nothing that was answered is
lost, nothing that was repeated is doubled, and `mailkit check` finds nothing after any of it."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from attrs import define, field

from mailkit import MailKit
from mailkit.verify import verify
from tests.cli.conftest import Server, start

ACCOUNTS = 3
CLIENTS = 2
"""Clients of each account: they get in each other's way."""

LEAF = b"x" * 60_000  # in many messages, stored once
LARGE = bytes(range(256)) * 1_500  # goes to a file


@define
class Client:
    """One client's view of its account: what it was told to be done, and what it must ask for again."""

    user: str
    token: str
    chance: random.Random
    name: str
    boxes: dict[str, str] = field(factory=dict)
    made: int = 0
    stored: set[str] = field(factory=set)
    """Subjects and file names whose storing was acknowledged."""
    open: list[tuple[str, dict[str, Any]]] = field(factory=list)
    """Requests with a name that nobody has answered yet."""
    told: Callable[[], None] = lambda: None

    async def run(self, http: httpx2.AsyncClient) -> None:
        """Asks for one thing after the other until the server is gone."""
        while self.open:
            await self.create(http, *self.open[0])
            self.open.pop(0)
        while True:
            what = self.chance.choice([self.upload] * 4 + [self.keep, self.flag, self.move, self.delete, self.clear])
            await self.chance.choice([what] * 5 + [self.mailbox, self.restore])(http)

    async def ask(self, http: httpx2.AsyncClient, method: str, path: str, **how: Any) -> dict[str, Any]:
        headers = {"X-Access-Token": self.token, **how.pop("headers", {})}
        answer = await http.request(method, f"/users/{self.user}{path}", headers=headers, **how)
        assert answer.status_code in (200, 400, 404), answer.text  # others may have been there first
        said: dict[str, Any] = answer.json()
        return said

    async def create(self, http: httpx2.AsyncClient, path: str, how: dict[str, Any]) -> None:
        said = await self.ask(http, "POST", path, **how)
        assert said.get("success"), said
        self.stored.add(how["headers"]["Idempotency-Key"])
        self.told()

    async def named(self, http: httpx2.AsyncClient, path: str, **how: Any) -> None:
        self.made += 1
        how["headers"] = {**how["headers"], "Idempotency-Key": f"{self.name}-{self.made}"}
        self.open.append((path, how))
        await self.create(http, path, how)
        self.open.pop()

    async def upload(self, http: httpx2.AsyncClient) -> None:
        subject = f"{self.name}-{self.made + 1}".encode()
        body = self.chance.choice([b"small", b"small", LEAF, LARGE.hex().encode()])
        raw = (
            b"Subject: %s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%s\r\n--b\r\n"
            b"Content-Type: application/x\r\n\r\n%s\r\n--b--\r\n" % (subject, subject, body)
        )
        headers = {"Content-Type": "message/rfc822"}
        await self.named(http, f"/mailboxes/{self.boxes['INBOX']}/messages", content=raw, headers=headers)

    async def keep(self, http: httpx2.AsyncClient) -> None:
        content = self.chance.choice([b"small", LARGE])
        name = f"{self.name}-{self.made + 1}"
        await self.named(
            http, "/storage", params={"filename": name}, content=content, headers={"Content-Type": "application/x"}
        )

    def some(self) -> str:
        first = self.chance.randint(1, 40)
        return self.chance.choice([str(first), f"{first}:*", f"{first}:{first + 7}", f"{first},{first + 2}"])

    def box(self) -> str:
        return self.boxes[self.chance.choice(sorted(self.boxes))]

    async def flag(self, http: httpx2.AsyncClient) -> None:
        change = {"seen": self.chance.random() < 0.5, "metaData": {"by": self.name}}
        await self.ask(http, "PUT", f"/mailboxes/{self.box()}/messages", json={"message": self.some(), **change})

    async def move(self, http: httpx2.AsyncClient) -> None:
        change = {"message": self.some(), "moveTo": self.box(), "flagged": True}
        await self.ask(http, "PUT", f"/mailboxes/{self.box()}/messages", json=change)

    async def delete(self, http: httpx2.AsyncClient) -> None:
        await self.ask(http, "DELETE", f"/mailboxes/{self.box()}/messages/{self.chance.randint(1, 60)}")

    async def clear(self, http: httpx2.AsyncClient) -> None:
        later = self.chance.choice(["true", "false"])
        await self.ask(http, "DELETE", f"/mailboxes/{self.boxes['Trash']}/messages?async={later}")

    async def mailbox(self, http: httpx2.AsyncClient) -> None:
        path = f"box {self.chance.randint(1, 3)}"
        made = await self.ask(http, "POST", "/mailboxes", json={"path": path})
        if "id" in made:
            self.boxes[path] = made["id"]
        elif path in self.boxes and self.chance.random() < 0.5:
            await self.ask(http, "DELETE", f"/mailboxes/{self.boxes.pop(path)}")
        elif path in self.boxes:
            await self.ask(http, "PUT", f"/mailboxes/{self.boxes[path]}", json={"path": f"{path} {self.made}"})

    async def restore(self, http: httpx2.AsyncClient) -> None:
        listed = await self.ask(http, "GET", "/archived/messages?limit=3")
        for row in listed["results"]:
            await self.ask(http, "POST", f"/archived/messages/{row['id']}/restore")


async def load(server: Server, clients: list[Client], more: int) -> None:
    """All clients at once, until everything is killed under them: when they have stored so much more."""
    enough, full = done(clients) + more, asyncio.Event()

    def count() -> None:
        if done(clients) >= enough:
            full.set()

    async def one(client: Client) -> None:
        client.told = count
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.http}", timeout=60) as http:
                await client.run(http)
        except httpx2.TransportError:
            pass

    running = asyncio.gather(*map(one, clients))
    filling = asyncio.create_task(full.wait())
    await asyncio.wait([filling, running], return_when=asyncio.FIRST_COMPLETED)
    filling.cancel()
    await asyncio.to_thread(server.kill)
    await running


def done(clients: list[Client]) -> int:
    """How much was stored, and acknowledged."""
    return sum(len(client.stored) for client in clients)


async def settle(server: Server, clients: list[Client]) -> None:
    """Whoever waits for an answer asks again, and this time gets it."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.http}", timeout=60) as http:
        for client in clients:
            for path, how in client.open:
                await client.create(http, path, how)
            client.open.clear()


def subjects(kit: MailKit, user: str) -> Counter[str]:
    """What there is of an account's mail and files, wherever it is."""
    number = next(row.number for row in kit.principals.list_by_id("individual", limit=100).items if str(row.id) == user)
    found: Counter[str] = Counter()
    for box in kit.mailstore.mailboxes(number):
        found.update(entry.row.subject for entry in kit.mailstore.list(number, box.id, limit=100_000).items)
    found.update(one.row.subject for one in kit.mailstore.archive.list(number, limit=100_000).items)
    found.update(file.filename for file in kit.files.list(number, limit=100_000).items)
    return found


@pytest.fixture(params=["lmdb", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the server keeps its data."""
    return str(tmp_path / "data") if request.param == "lmdb" else str(request.getfixturevalue("postgres_url"))


def chaos(where: str, rounds: int) -> None:
    chance = random.Random(rounds)
    with MailKit.open(where) as kit:
        clients = []
        for n in range(ACCOUNTS):
            user = kit.accounts.create(f"u{n}", address=f"u{n}@example.org")
            token = kit.credentials.issue_token("admin", now=kit.clock())
            boxes = {box.path: str(box.id) for box in kit.mailstore.mailboxes(user.number)}
            for m in range(CLIENTS):
                name = f"{n}.{m}"
                clients.append(Client(str(user.id), token, random.Random(name), name, dict(boxes)))
    for _ in range(rounds):
        server = start(where, "--workers", "2", http=True)  # type: ignore[arg-type]
        asyncio.run(load(server, clients, chance.randint(10, 60)))
        with MailKit.open(where) as kit:
            assert [str(finding) for finding in verify(kit) if finding.level == "error"] == []
    server = start(where, "--workers", "2", http=True)  # type: ignore[arg-type]
    try:
        asyncio.run(settle(server, clients))
    finally:
        assert server.stop() == 0
    with MailKit.open(where) as kit:
        while kit.run_due():
            pass
        assert [str(finding) for finding in verify(kit) if finding.level == "error"] == []
        assert done(clients) >= 10 * rounds
        for n in range(0, len(clients), CLIENTS):
            mine = clients[n : n + CLIENTS]
            want = Counter(name for client in mine for name in client.stored)
            assert subjects(kit, mine[0].user) == want  # all of it, and each once


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_twenty_power_cuts_lose_nothing_and_double_nothing(where: str) -> None:
    chaos(where, 20)


def test_a_power_cut_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chaos(str(tmp_path / "data"), 1)
