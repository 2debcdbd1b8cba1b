"""A whole mail platform for a test: in memory, with a clock of its own, and on real sockets where that is wanted.

    with platform() as kit: ...                    # the library
    with serving(kit) as server: ...               # both REST dialects and LMTP on loopback

Password hashes cost next to nothing here; never open a real store this way.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from mailkit.clock import Clock, now_ms
from mailkit.credentials.passwords import Cost
from mailkit.kit import MailKit

if TYPE_CHECKING:
    from mailkit.listeners.lmtp import LmtpListener

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
    import uvicorn

    from mailkit.http import build_app
    from mailkit.listeners.inbound import InboundSink
    from mailkit.listeners.lmtp import LmtpListener

    started = threading.Event()
    places: dict[str, tuple[str, int]] = {}
    failure: list[BaseException] = []
    web = uvicorn.Server(
        uvicorn.Config(build_app(kit), host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=5)
    )
    web.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # a thread has none

    async def run(pool: ThreadPoolExecutor) -> None:
        listener: LmtpListener = LmtpListener(InboundSink(kit, pool))
        places["lmtp"] = await listener.listen("127.0.0.1", 0)
        serve = asyncio.create_task(web.serve())
        while not web.started and not serve.done():
            await asyncio.sleep(0.005)
        if web.started:
            host, port = web.servers[0].sockets[0].getsockname()[:2]
            places["http"] = (host, port)
        started.set()
        await serve
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
    if failure or "http" not in places:
        raise RuntimeError("the test server did not start") from (failure[0] if failure else None)
    try:
        host, port = places["http"]
        yield Server(kit, f"http://{host}:{port}", places["lmtp"])
    finally:
        web.should_exit = True
        running.join(30)
