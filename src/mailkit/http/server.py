"""The bundled server: uvicorn around `build_app`, on sockets that were bound elsewhere."""

import asyncio
import gc
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

    from mailkit.kit import MailKit

__all__ = ["make_server", "run_server", "serve_socket"]

_GRACE = 25
"""Seconds that requests under way have after SIGTERM."""

_LINGER_TICKS = 300
"""Tenths of a second in which something of what was written to a closed connection is to be taken."""


def make_server(app: "Starlette", *, ready: Callable[[], None] = lambda: None, grace: int = _GRACE) -> "uvicorn.Server":
    """A server of an application, as mailkit is served; `ready` is called once it accepts.

    Run it with `run_server`, or in a loop of one's own with `await server.serve([socket])`.
    """
    import uvicorn

    from mailkit.http.protocol import BoundedProtocol, drop_lingering

    class Server(uvicorn.Server):
        closing: Mapping[Any, int] = MappingProxyType({})

        async def on_tick(self, counter: int) -> bool:
            if counter % _LINGER_TICKS == 0:
                self.closing = drop_lingering(list(self.server_state.connections), self.closing)
            return await super().on_tick(counter)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            ending()  # update streams would go on for ever
            await super().shutdown(sockets)

    ending: Callable[[], None] = getattr(app, "end_streams", lambda: None)
    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,  # X-Forwarded-For is believed from configured proxies only, by mailkit.http itself
            timeout_graceful_shutdown=grace,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
        )
    )


def run_server(server: "uvicorn.Server", listening: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT, on uvicorn's own kind of event loop."""
    # What is loaded by now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve([listening]))


def serve_socket(kit: "MailKit", descriptor: int, *, ready: Callable[[], None]) -> None:
    """Serves both dialects on an inherited socket until SIGTERM or SIGINT; `ready` is called once it accepts."""
    from mailkit.http.app import build_app

    run_server(make_server(build_app(kit), ready=ready), socket.socket(fileno=descriptor))
