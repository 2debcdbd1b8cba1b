"""The bundled server: uvicorn around `build_app`, on a socket that was bound elsewhere."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["serve_socket"]

_GRACE = 25
"""Seconds that requests under way have after SIGTERM."""


def serve_socket(kit: "MailKit", descriptor: int, *, ready: Callable[[], None]) -> None:
    """Serves both dialects on an inherited socket until SIGTERM or SIGINT; `ready` is called once it accepts."""
    import uvicorn

    from mailkit.http.app import build_app
    from mailkit.http.protocol import BoundedProtocol

    config = uvicorn.Config(
        build_app(kit),
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

    asyncio.run(Server(config).serve([socket.socket(fileno=descriptor)]))
