"""Update streams: over real sockets, with their ids, and thousands of them at once."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailkit import MailKit, journal
from mailkit.errors import RateLimited
from mailkit.http import watching
from mailkit.http.watching import MOST_PER_ACCOUNT, Subscription, watcher
from mailkit.http.wildduck.update_events import event_id, events_of, frame, position_of
from mailkit.ids import new_id
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import Selection
from mailkit.testing.platform import Server, platform, serving

RAW = b"Subject: x\r\n\r\nx\r\n"


class Client:
    """A connection that reads events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, server: Server, user: str, token: str, extra: str = "", headers: str = "") -> "Client":
        at = urlsplit(server.http)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        path = f"/users/{user}/updates?accessToken={token}{extra}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        made = cls(reader, writer)
        made.head = await reader.readuntil(b"\r\n\r\n")
        return made

    head: bytes

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def block(self) -> str:
        """The next event or comment, without the chunks' lengths."""
        lines: list[str] = []
        while True:
            line = (await self.reader.readline()).decode().rstrip("\r\n")
            if line.startswith((":", "data:", "id:", "event:")):
                lines.append(line)
            elif lines and not line:
                return "\n".join(lines)

    async def event(self) -> tuple[dict[str, Any], str]:
        """The next event and its id."""
        while True:
            block = await self.block()
            if block.startswith("data:"):
                data = "".join(line[6:] for line in block.split("\n") if line.startswith("data:"))
                return json.loads(data), block.partition("\nid: ")[2]

    async def events(self, count: int) -> list[tuple[dict[str, Any], str]]:
        return [await asyncio.wait_for(self.event(), 10) for _ in range(count)]


def test_changes_are_told_and_replayed(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    bob = kit.accounts.create("bob", address="bob@example.org")

    async def story(server: Server) -> None:
        token = server.token()
        client = await Client.open(server, str(alice.id), token)
        assert b"200" in client.head.split(b"\r\n")[0]
        assert b"text/event-stream" in client.head
        assert await client.block() == ": idling 1"
        await asyncio.sleep(0.05)

        def work() -> str:
            box = kit.mailstore.create_mailbox(alice.id, Folder("Work"))
            kit.mailstore.append(bob.id, RAW)
            kit.mailstore.append(alice.id, RAW)
            kit.mailstore.update(alice.id, "INBOX", Selection.of([1]), Change(add=["\\Seen"]))
            kit.mailstore.move(alice.id, "INBOX", Selection.of([1]), "Junk")
            kit.mailstore.delete_mailbox(alice.id, box.id)
            return str(box.id)

        box = await asyncio.to_thread(work)
        said: list[tuple[dict[str, Any], str]] = []
        while (
            not said
            or [event["command"] for event, _ in said].count("COUNTERS") < 2
            or said[-1][0]["command"] != "COUNTERS"
        ):
            said += await client.events(1)
        news = [(event, id) for event, id in said if event["command"] != "COUNTERS"]
        assert [event["command"] for event, _ in news] == [
            "CREATE", "EXISTS", "FETCH", "EXPUNGE", "EXISTS", "DROP", "DELETE",
        ]  # fmt: skip
        assert news[0][0] == {"command": "CREATE", "mailbox": box, "path": "Work"}
        assert (news[1][0]["uid"], news[2][0]["flags"], news[4][0]["junk"]) == (1, ["\\Seen"], 1)
        assert news[5][1] == ""
        inbox = kit.mailstore.mailbox(alice.id, "INBOX")
        last_counters = [
            event for event, _ in said if event["command"] == "COUNTERS" and event["mailbox"] == str(inbox.id)
        ]
        assert last_counters[-1] == {"command": "COUNTERS", "mailbox": str(inbox.id), "total": 0, "unseen": 0}
        await client.close()

        # Coming back with the id of FETCH, by query or header: what followed, and nothing else.
        for how in ({"extra": f"&Last-Event-ID={news[2][1]}"}, {"headers": f"Last-Event-ID: {news[2][1]}\r\n"}):
            again = await Client.open(server, str(alice.id), token, **how)
            replayed = await again.events(4)
            assert replayed == news[3:7]
            await again.close()

    with serving(kit) as server:
        asyncio.run(story(server))


def test_unknown_users_and_too_many_streams_are_refused() -> None:
    with platform() as kit, serving(kit) as server:
        alice = kit.accounts.create("alice", address="alice@example.org")

        async def story() -> None:
            token = server.token()
            nobody = await Client.open(server, str(new_id()), token)
            assert b"404" in nobody.head.split(b"\r\n")[0]
            clients = [await Client.open(server, str(alice.id), token) for _ in range(MOST_PER_ACCOUNT)]
            for client in clients:
                await client.block()
            refused = await Client.open(server, str(alice.id), token)
            assert b"429" in refused.head.split(b"\r\n")[0]
            for client in (*clients, nobody, refused):
                await client.close()
            for _ in range(100):  # those who went away make room
                await asyncio.sleep(0.05)
                try:
                    watcher(kit).check(alice.number)
                    break
                except RateLimited:
                    continue
            again = await Client.open(server, str(alice.id), token)
            assert b"200" in again.head.split(b"\r\n")[0]
            await again.close()

        asyncio.run(story())


def test_two_thousand_idle_streams_need_no_thread_each(tmp_path: Path) -> None:
    with platform(str(tmp_path / "data")) as kit:
        _two_thousand(kit)


def _two_thousand(kit: MailKit) -> None:
    users = [kit.accounts.create(f"u{n}", address=f"u{n}@example.org") for n in range(125)]

    async def story(server: Server) -> None:
        token = server.token()
        clients: list[tuple[int, Client]] = []
        for start in range(0, 2000, 100):
            made = [Client.open(server, str(users[n % 125].id), token) for n in range(start, start + 100)]
            clients += zip([n % 125 for n in range(start, start + 100)], await asyncio.gather(*made), strict=True)
        assert all(b"200" in client.head.split(b"\r\n")[0] for _, client in clients)
        await asyncio.gather(*(client.block() for _, client in clients))
        assert threading.active_count() - threads < 60
        await asyncio.to_thread(kit.mailstore.append, users[7].id, RAW)
        told = await asyncio.gather(*(client.events(2) for n, client in clients if n == 7))
        assert len(told) == 16
        assert all([event["command"] for event, _ in one] == ["EXISTS", "COUNTERS"] for one in told)
        for n, client in clients:
            if n != 7:
                assert not client.reader._buffer.strip()  # type: ignore[attr-defined]  # nobody else was told anything
            await client.close()

    with serving(kit) as server:
        threads = threading.active_count()
        asyncio.run(story(server))


def test_a_stream_that_is_not_read_is_lost_not_buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_WAITING", 3)

    async def story() -> None:
        stream = Subscription(1, asyncio.get_running_loop())
        entry = journal.Entry(kind="x", account=1, at=0)
        stream.hand([(1, entry), (2, entry)])
        assert [position for position, _ in stream.take()] == [1, 2]
        stream.hand([(3, entry), (4, entry)])
        stream.hand([(5, entry), (6, entry)])
        assert stream.lost
        assert stream.take() == []
        assert await stream.wait(1)

    asyncio.run(story())


def test_frames_have_a_data_prefix_on_every_line() -> None:
    assert frame({"command": "DROP", "mailbox": "ab"}, None) == (
        b'data: {\ndata:   "command": "DROP",\ndata:   "mailbox": "ab"\ndata: }\n\n'
    )
    assert frame({}, 255).endswith(b"id: 0000000000000000000000ff\n\n")


def test_ids_and_positions() -> None:
    assert position_of(event_id(123_456)) == 123_456
    assert [position_of(text) for text in ("", "zz", "g" * 24, "1" * 23)] == [0, 0, 0, 0]
    assert events_of(journal.Entry(kind="quota.changed", at=0)) == ()
