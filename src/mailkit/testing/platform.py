"""A whole mail platform for a test: in memory, with a clock of its own, and on real sockets where that is wanted.

    with platform() as kit: ...                    # the library
    with serving(kit) as server: ...               # both REST dialects and LMTP on loopback

Password hashes cost next to nothing here; never open a real store this way.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from attrs import frozen

from mailkit.clock import Clock, now_ms
from mailkit.credentials.passwords import Cost
from mailkit.kit import MailKit

__all__ = ["CHEAP", "Server", "platform", "serving"]

CHEAP = Cost(memory=8, passes=1)
"""A password hash that takes microseconds and protects nothing."""


@contextmanager
def platform(
    where: str = "memory:", *, clock: Clock = now_ms, settings: Mapping[str, object] | None = None
) -> Iterator[MailKit]:
    """An empty platform, gone at the end of the block."""
    given = {"mail.hostname": "mx.example.org", **(settings or {})}
    with MailKit.open(where, settings=given, clock=clock, password_cost=CHEAP) as kit:
        yield kit


@frozen
class Server:
    """A platform on loopback sockets."""

    kit: MailKit
    http: str
    """`http://127.0.0.1:port`; WildDuck's dialect at the root, Stalwart's under `/api`."""
    lmtp: tuple[str, int]
    """Host and port, as `smtplib.LMTP` takes them."""

    def token(self, role: str = "admin") -> str:
        """A fresh access token with a built-in role (`admin`, `wd/root`, `wd/manager`, ...)."""
        return self.kit.credentials.issue_token(role, now=self.kit.clock())


@contextmanager
def serving(kit: MailKit) -> Iterator[Server]:
    """Serves `kit` from a thread, on free ports, until the end of the block. Needs the extra `server`."""
    from mailkit.http.app import build_app
    from mailkit.http.server import make_server
    from mailkit.listeners.inbound import InboundSink
    from mailkit.listeners.lmtp import LmtpListener

    started = threading.Event()
    failure: list[BaseException] = []
    lmtp: list[tuple[str, int]] = []
    web = make_server(build_app(kit), ready=started.set, grace=5)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))

    async def run(pool: ThreadPoolExecutor) -> None:
        listener = LmtpListener(InboundSink(kit, pool))
        lmtp.append(await listener.listen("127.0.0.1", 0))
        await web.serve([bound])
        await listener.close()

    def thread() -> None:
        try:
            with ThreadPoolExecutor(4) as pool:
                asyncio.run(run(pool))
        except BaseException as error:  # told to whoever waits
            failure.append(error)
        finally:
            started.set()

    running = threading.Thread(target=thread, name="mailkit-test-server", daemon=True)
    running.start()
    started.wait(30)
    if failure or not web.started:
        raise RuntimeError("the test server did not start") from (failure[0] if failure else None)
    try:
        yield Server(kit, f"http://127.0.0.1:{bound.getsockname()[1]}", lmtp[0])
    finally:
        web.should_exit = True
        running.join(30)
