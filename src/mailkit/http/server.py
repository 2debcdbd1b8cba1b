"""The bundled server: uvicorn around `build_app`, on sockets that were bound elsewhere."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

    from mailkit.kit import MailKit

__all__ = ["make_server", "serve_socket"]

_GRACE = 25
"""Seconds that requests under way have after SIGTERM."""


def make_server(kit: "MailKit", *, ready: Callable[[], None], grace: int = _GRACE) -> "uvicorn.Server":
    """A server of both dialects; `ready` is called once it accepts. Run it with `await server.serve([socket])`."""
    import uvicorn

    from mailkit.http.app import build_app
    from mailkit.http.protocol import BoundedProtocol

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    return Server(
        uvicorn.Config(
            build_app(kit),
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


def serve_socket(kit: "MailKit", descriptor: int, *, ready: Callable[[], None]) -> None:
    """Serves both dialects on an inherited socket until SIGTERM or SIGINT; `ready` is called once it accepts."""
    asyncio.run(make_server(kit, ready=ready).serve([socket.socket(fileno=descriptor)]))
