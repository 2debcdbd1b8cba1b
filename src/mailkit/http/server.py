"""The bundled server: uvicorn around `build_app`, on a socket that was bound elsewhere."""

import asyncio
import gc
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from mailkit.kit import MailKit

__all__ = ["serve_app", "serve_socket"]

_GRACE = 25
"""Seconds that requests under way have after SIGTERM."""


def serve_socket(kit: "MailKit", descriptor: int, *, ready: Callable[[], None]) -> None:
    """Serves both dialects on an inherited socket until SIGTERM or SIGINT; `ready` is called once it accepts."""
    from mailkit.http.app import build_app

    serve_app(build_app(kit), socket.socket(fileno=descriptor), ready=ready)


def serve_app(app: "Starlette", listening: socket.socket, *, ready: Callable[[], None] = lambda: None) -> None:
    """Serves any application the way mailkit is served."""
    import uvicorn

    from mailkit.http.protocol import BoundedProtocol

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,  # X-Forwarded-For is believed from configured proxies only, by mailkit.http itself
        timeout_graceful_shutdown=_GRACE,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    # What is loaded by now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(Server(config).serve([listening]))
