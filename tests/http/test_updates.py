"""Update streams: over real sockets, with their ids, and thousands of them at once."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailkit import MailKit, journal
from mailkit.errors import RateLimited
from mailkit.http import answers, watching
from mailkit.http import server as web
from mailkit.http.stream_slots import PLACES, slots_in
from mailkit.http.watching import Subscription, watcher
from mailkit.http.wildduck import updates
from mailkit.http.wildduck.update_events import event_id, events_of, frame, position_of
from mailkit.ids import new_id
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import Selection
from mailkit.storage.api import Tx
from mailkit.testing.platform import Server, platform, serving
from tests.cli.conftest import SRC, mailkit, start

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
        # DROP was for those who listened.
        for how in ({"extra": f"&Last-Event-ID={news[2][1]}"}, {"headers": f"Last-Event-ID: {news[2][1]}\r\n"}):
            again = await Client.open(server, str(alice.id), token, **how)
            assert await again.events(3) == [news[3], news[4], news[6]]
            assert (await again.event())[0]["command"] == "COUNTERS"
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
            clients = [await Client.open(server, str(alice.id), token) for _ in range(PLACES)]
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


def test_places_are_one_processs_or_all_of_a_folders(tmp_path: Path) -> None:
    mine, alone = slots_in(tmp_path), slots_in(None)
    assert slots_in(tmp_path) is mine
    assert [mine.take(7) for _ in range(PLACES)] == list(range(PLACES))
    assert mine.take(7) is None
    assert not mine.free(7)
    assert mine.free(8)
    assert alone.take(7) == 0
    mine.give(7, 3)
    assert mine.free(7)
    assert mine.take(7) == 3
    other = (
        "from pathlib import Path; from mailkit.http.stream_slots import slots_in;"
        f"s = slots_in(Path({str(tmp_path)!r})); print(s.take(7), s.take(8), s.take(8), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(SRC)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "None 0 1\n"
        assert mine.take(8) == 2
        process.kill()
        process.wait()
        assert [mine.take(8), mine.take(8)] == [0, 1]  # the kernel has taken them back
    for place in range(PLACES):
        mine.give(7, place)
    for place in range(3):
        mine.give(8, place)


def test_an_account_has_so_many_streams_whichever_worker_serves_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with MailKit.open(data) as kit:
        user = str(kit.accounts.create("alice", address="alice@example.org").id)
        token = kit.credentials.issue_token("admin", now=kit.clock())
    running = start(data, "--workers", "2", http=True)

    async def story() -> None:
        server = Server(None, f"http://127.0.0.1:{running.http}", ("", 0))  # type: ignore[arg-type]
        clients: list[Client] = []
        while len(clients) < PLACES:
            clients.append(await Client.open(server, user, token))
            assert b"200" in clients[-1].head.split(b"\r\n")[0]
            await clients[-1].block()
        held = {pid: sockets_of(pid) for pid in workers()}
        for _ in range(8):  # neither has room for one more
            refused = await Client.open(server, user, token)
            assert b"429" in refused.head.split(b"\r\n")[0]
            await refused.close()
        killed = max(held, key=lambda pid: held[pid])
        os.kill(killed, signal.SIGKILL)
        await until(lambda: killed not in workers())
        with MailKit.open(data) as kit:  # the others are told of it
            kit.mailstore.append(kit.principals.by_name("alice").number, RAW)
        gone = await asyncio.gather(*(ended(client) for client in clients))
        assert any(gone)
        for _ in range(sum(gone)):
            clients.append(await Client.open(server, user, token))
            assert b"200" in clients[-1].head.split(b"\r\n")[0]
            await clients[-1].block()
        clients.append(await Client.open(server, user, token))
        assert b"429" in clients[-1].head.split(b"\r\n")[0]
        for client in clients:
            client.writer.transport.abort()

    def workers() -> list[int]:
        return [pid for pid in running.children() if "http_worker" in Path(f"/proc/{pid}/cmdline").read_text()]

    try:
        asyncio.run(story())
        assert running.stop() == 0
    finally:
        if running.process.poll() is None:
            running.kill()
        assert running.process.stderr is not None
        running.process.stderr.close()


async def ended(client: Client) -> bool:
    """Whether the connection ends; False when something is told."""
    with suppress(ConnectionError):
        while line := await client.reader.readline():
            if line.startswith(b"data:"):
                return False
    return True


def test_a_logout_is_told_once_and_not_again_to_who_comes_back(kit: MailKit) -> None:
    alice = kit.accounts.create("alice", address="alice@example.org")
    kit.mailstore.append(alice.id, RAW)
    with kit.store.snapshot() as tx:
        seen = event_id(journal.head(tx))

    async def story(server: Server) -> None:
        token = server.token()
        client = await Client.open(server, str(alice.id), token)
        await client.block()
        await asyncio.sleep(0.05)

        def work() -> None:
            kit.users.logout(kit.principals.user(alice.id), "Bye")
            kit.mailstore.create_mailbox(alice.id, Folder("Work"))

        await asyncio.to_thread(work)
        (logout, no_id), (create, id) = await client.events(2)
        assert (logout, no_id) == ({"command": "LOGOUT", "reason": "Bye"}, "")
        assert create["command"] == "CREATE"
        again = await Client.open(server, str(alice.id), token, f"&Last-Event-ID={seen}")
        assert await again.events(1) == [(create, id)]
        for one in (client, again):
            await one.close()

    with serving(kit) as server:
        asyncio.run(story(server))


def test_silence_is_broken_by_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "_IDLE", 0.02)

    async def story(server: Server, user: str) -> None:
        client = await Client.open(server, user, server.token())
        assert [await client.block() for _ in range(4)] == [f": idling {n}" for n in range(1, 5)]
        await client.close()

    with platform() as kit, serving(kit) as server:
        asyncio.run(story(server, str(kit.accounts.create("alice", address="alice@example.org").id)))


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    with platform() as kit, serving(kit) as server:
        alice = kit.accounts.create("alice", address="alice@example.org")

        async def story() -> None:
            token = server.token()
            clients = [await Client.open(server, str(alice.id), token) for _ in range(4)]
            for client in clients:
                await client.block()
            assert watcher(kit).count == 4
            for client in clients[:2]:  # one kind of end
                await client.close()
            for client in clients[2:]:  # and the other
                client.writer.transport.abort()
            await until(lambda: watcher(kit).count == 0)
            await until(lambda: not any(t.name == "mailkit updates" for t in threading.enumerate()))

        asyncio.run(story())


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what other threads bring about, for as long as a busy machine may need."""
    for _ in range(1200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come true")


def test_a_client_that_reads_nothing_is_cut_off_and_costs_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_PATIENCE", 2)
    monkeypatch.setattr(web, "_LINGER_TICKS", 5)
    with platform(str(tmp_path / "data")) as kit, serving(kit) as server, socket.socket() as slow:
        alice = kit.accounts.create("alice", address="alice@example.org")
        at = urlsplit(server.http)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((at.hostname, at.port))
        path = f"/users/{alice.id}/updates?accessToken={server.token()}"
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

        def happens(tx: Tx) -> None:  # much, and all of it to be told
            said = {"mailbox": alice.id, "path": "x" * 2_000}
            entry = journal.Entry(kind="mailbox.created", account=alice.number, at=kit.clock(), payload=said)
            journal.add(tx, *[entry] * 250)

        async def story() -> None:
            following = watcher(kit)
            await until(lambda: following.count == 1)
            written = 0
            tracemalloc.start()
            try:
                while following.count or written < 64 << 20:
                    await asyncio.to_thread(kit.store.transact, happens)
                    written += 250 * 2_000
                    assert written < 1 << 30, "nobody cut it off"
                assert tracemalloc.get_traced_memory()[1] < 32 << 20
            finally:
                tracemalloc.stop()
            # Nor does the connection stay, though what was written is never taken.
            await until(lambda: f":{slow.getsockname()[1]:04X}" not in held_by(at.port or 0))
            other = await Client.open(server, str(alice.id), server.token())  # the server goes on
            assert await other.block() == ": idling 1"
            await other.close()

        asyncio.run(story())


def test_a_download_that_is_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_PATIENCE_FOR_BYTES", 0.2)
    monkeypatch.setattr(web, "_LINGER_TICKS", 2)
    with platform() as kit, serving(kit) as server, socket.socket() as slow:
        alice = kit.accounts.create("alice", address="alice@example.org")
        size = kit.mailstore.append(alice.id, b"Subject: x\r\n\r\n" + os.urandom(24 << 20)).size
        inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
        at = urlsplit(server.http)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((at.hostname, at.port))
        path = f"/users/{alice.id}/mailboxes/{inbox}/messages/1/message.eml?accessToken={server.token()}"
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.recv(1)
        asyncio.run(until(lambda: f":{slow.getsockname()[1]:04X}" not in held_by(at.port or 0)))
        slow.settimeout(60)
        came = 0
        with suppress(ConnectionResetError):
            while data := slow.recv(1 << 16):
                came += len(data)
        assert came < size


def held_by(port: int) -> str:
    """The other ends of the connections that a process holds which serves this port, as the kernel lists them. Those
    that it has let go of, and that the kernel still has bytes of, have no inode."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return " ".join(line[2] for line in lines if line[1].endswith(f":{port:04X}") and line[9] != "0")


def test_two_thousand_idle_streams_of_two_workers_need_no_thread_each(tmp_path: Path) -> None:
    data = tmp_path / "data"
    mailkit("user", "add", "alice", "--data", str(data), "--address", "alice@example.org", "--no-password")
    with MailKit.open(data) as kit:
        users = [str(kit.accounts.create(f"u{n}", address=f"u{n}@example.org").id) for n in range(125)]
        token = kit.credentials.issue_token("admin", now=kit.clock())
    running = start(data, "--workers", "2", http=True)
    try:
        workers = [pid for pid in running.children() if "http_worker" in Path(f"/proc/{pid}/cmdline").read_text()]
        assert len(workers) == 2
        server = Server(None, f"http://127.0.0.1:{running.http}", ("", 0))  # type: ignore[arg-type]
        asyncio.run(_two_thousand(server, token, users, workers, data))
        assert running.stop() == 0  # streams end when the server does
    finally:
        if running.process.poll() is None:
            running.kill()
        assert running.process.stderr is not None
        running.process.stderr.close()


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def sockets_of(pid: int) -> int:
    return sum(
        os.readlink(link).startswith("socket:") for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()
    )


async def _two_thousand(server: Server, token: str, users: list[str], workers: list[int], data: Path) -> None:
    clients = [(n, await Client.open(server, users[n], token)) for n in range(8)]
    await asyncio.gather(*(client.block() for _, client in clients))
    threads = [threads_of(pid) for pid in workers]
    for begin in range(8, 2000, 100):
        numbers = [n % 125 for n in range(begin, min(begin + 100, 2000))]
        made = await asyncio.gather(*(Client.open(server, users[n], token) for n in numbers))
        clients += zip(numbers, made, strict=True)
    assert all(b"200" in client.head.split(b"\r\n")[0] for _, client in clients)
    await asyncio.gather(*(client.block() for n, client in clients[8:]))
    held = [sockets_of(pid) for pid in workers]
    assert sum(held) >= 2000
    assert all(count > 50 for count in held)  # both have their part
    after = [threads_of(pid) for pid in workers]
    assert all(now - before < 20 for before, now in zip(threads, after, strict=True))

    def deliver() -> None:  # by a third process: this one
        with MailKit.open(data) as kit:
            kit.mailstore.append(kit.principals.by_name("u7").number, RAW)

    await asyncio.to_thread(deliver)
    told = await asyncio.gather(*(client.events(2) for n, client in clients if n == 7))
    assert len(told) == 16
    assert all([event["command"] for event, _ in one] == ["EXISTS", "COUNTERS"] for one in told)
    assert len({tuple(id for _, id in one) for one in told}) == 1  # the same ids, whichever worker tells it
    for n, client in clients:
        if n != 7:
            buffered: Any = client.reader
            assert b"data:" not in buffered._buffer  # nobody else was told anything
        await client.close()


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
