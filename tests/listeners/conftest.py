"""A real listener on a loopback socket, its event loop in a thread, and a sink that remembers."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from mailkit.errors import NotFound, OverQuota
from mailkit.listeners import Envelope, Limits, Mailbox, Reply, Session
from mailkit.listeners.lmtp import LmtpListener

T = TypeVar("T")


class RememberingSink:
    """Decides by the local part: unknown, full, later, broken, silly fail at RCPT, poison, crash, miscount later."""

    def __init__(self) -> None:
        self.messages: list[tuple[Session, Envelope, bytes]] = []
        self.asked: list[Mailbox] = []
        self.gate = threading.Event()  # deliveries wait for it
        self.gate.set()
        self.delivering = threading.Event()

    async def check_recipient(self, session: Session, address: Mailbox, parameters: Any) -> Reply:
        self.asked.append(address)
        match address.local:
            case "unknown":
                raise NotFound("address.unknown", "no such mailbox here")
            case "full":
                raise OverQuota(None, "the mailbox is full")
            case "later":
                return Reply(450, "4.2.1", "mailbox busy")
            case "broken":
                raise RuntimeError("sink is broken")
            case "silly":
                return Reply(354, None, "what?")
            case _:
                return Reply(250, "2.1.5", f"{address} ok")

    async def deliver(self, session: Session, envelope: Envelope, raw: bytes) -> list[Reply]:
        self.delivering.set()
        await asyncio.to_thread(self.gate.wait)
        locals_ = [recipient.mailbox.local for recipient in envelope.recipients]
        if "crash" in locals_:
            raise RuntimeError("sink crashed")
        if "miscount" in locals_:
            return []
        self.messages.append((session, envelope, raw))
        return [
            Reply(550, "5.7.1", "poisoned") if local == "poison" else Reply(250, "2.0.0", f"stored for {local}")
            for local in locals_
        ]


class Running:
    """A listener in a thread of its own."""

    def __init__(self, limits: Limits) -> None:
        self.sink = RememberingSink()
        self.problems: list[dict[str, Any]] = []
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.listener = LmtpListener(self.sink, limits)
        self.host, self.port = self.run(self.listener.listen("127.0.0.1", 0))

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.start(coroutine).result(20)

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=20)

    def stop(self) -> None:
        self.sink.gate.set()
        self.run(self.listener.close(timedelta(seconds=5)))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Starts listeners: `running(max_size=100)`."""
    started: list[Running] = []

    def start(**limits: Any) -> Running:
        started.append(Running(Limits(hostname="mx.test", **limits)))
        return started[-1]

    yield start
    for each in started:
        each.stop()
