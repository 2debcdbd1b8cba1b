"""Work that holds much memory waits for room, and for nothing else."""

import asyncio
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.http import dialect
from mailkit.http.room import SMALL, Room
from mailkit.http.wildduck import message
from mailkit.mime.parse import Message, parse
from mailkit.testing.platform import platform, serving

MB = 1 << 20


@given(st.lists(st.tuples(st.integers(SMALL + 1, 60 * MB), st.integers(0, 4), st.booleans()), max_size=30))
def test_no_more_is_held_than_there_is_room_for(work: list[tuple[int, int, bool]]) -> None:
    room, begun = Room(50 * MB), []

    async def one(number: int, weight: int, length: int) -> None:
        async with room.of(weight):
            begun.append(number)
            assert room.held <= room.most
            for _ in range(length):
                await asyncio.sleep(0)

    async def story() -> None:
        tasks = [asyncio.create_task(one(n, weight, length)) for n, (weight, length, _) in enumerate(work)]
        await asyncio.sleep(0)
        for task, (_, _, gives_up) in zip(tasks, work, strict=True):
            if gives_up:
                task.cancel()
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert room.held == 0
        async with room.of(room.most * 2):  # nobody is left in the way; what is too large runs alone
            assert room.held == room.most

    asyncio.run(story())
    assert begun == sorted(begun)  # first come, first served
    assert {n for n, (_, _, gives_up) in enumerate(work) if not gives_up} <= set(begun)


def test_small_work_is_never_held_up() -> None:
    async def story() -> None:
        room = Room(10 * MB)
        async with room.of(20 * MB), room.of(SMALL):
            assert room.held == 10 * MB

    asyncio.run(story())


def test_of_many_large_messages_few_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    active: list[int] = []
    most = 0

    def watched(raw: bytes) -> Message:
        nonlocal most
        active.append(1)
        most = max(most, len(active))
        time.sleep(0.02)  # long enough for others to come
        found = parse(raw)
        active.pop()
        return found

    monkeypatch.setattr(message, "parse", watched)
    monkeypatch.setattr(dialect, "Room", lambda: Room(32 * MB))
    size = 3 * MB // 2
    with platform() as kit, serving(kit) as server:
        alice = kit.accounts.create("alice", address="alice@example.org")
        kit.mailstore.append(alice.id, b"Subject: x\r\n\r\n" + (b"hello " * 160 + b"\r\n") * (size // 962))
        inbox = kit.mailstore.mailbox(alice.id, "INBOX").id
        path = f"/users/{alice.id}/mailboxes/{inbox}/messages/1?accessToken={server.token()}"
        at = urlsplit(server.http)

        async def read() -> bytes:
            reader, writer = await asyncio.open_connection(at.hostname, at.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

        async def story() -> list[bytes]:
            return await asyncio.gather(*(read() for _ in range(40)))

        answers = asyncio.run(story())
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    assert 0 < most <= 2
