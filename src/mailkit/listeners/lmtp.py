"""The LMTP listener (RFC 2033) on asyncio: accepts connections, watches slow ones, stops without losing a message.

    listener = LmtpListener(sink, Limits(hostname="mx.example.org"))
    await listener.listen("127.0.0.1", 2424)
    ...
    await listener.close()

Never on TCP port 25, and not for the open network: there is no queue behind LMTP and no authentication (RFC 2033 5, 6).
"""

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta

from mailkit.clock import now_ms
from mailkit.errors import Invalid
from mailkit.ids import new_id
from mailkit.listeners.connection import Connection
from mailkit.listeners.inflight import Inflight
from mailkit.listeners.limits import Limits
from mailkit.listeners.sink import Sink

__all__ = ["LmtpListener"]

_BACKLOG = 512


class LmtpListener:
    """Gives messages to `sink`. All methods belong on the event loop that `listen` ran on."""

    def __init__(
        self,
        sink: Sink,
        limits: Limits | None = None,
        *,
        clock: Callable[[], int] = now_ms,
        next_id: Callable[[], str] = lambda: str(new_id()),
    ) -> None:
        self.sink = sink
        self.limits = limits or Limits()
        self.clock = clock
        self.next_id = next_id
        self.inflight: Inflight[Connection] = Inflight(self.limits.max_inflight)
        self.is_closing = False
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    async def listen(self, host: str = "127.0.0.1", port: int = 2424, *, path: str | None = None) -> tuple[str, int]:
        """Begins to accept, on TCP or on a local socket at `path`; port 0 takes a free one. Gives the address bound.

        May be called for several addresses. Raises Invalid for port 25 (RFC 2033 5) and OSError as the system does.
        """
        loop = asyncio.get_running_loop()
        server: asyncio.Server
        if path is not None:
            server = await loop.create_unix_server(lambda: Connection(self), path, backlog=_BACKLOG)
            bound = (path, 0)
        elif port == 25:
            raise Invalid.field("port", "LMTP must not be spoken on TCP port 25 (RFC 2033 5)")
        else:
            server = await loop.create_server(lambda: Connection(self), host, port, backlog=_BACKLOG)
            bound = server.sockets[0].getsockname()[:2]
        self._serve(server)
        return bound

    async def adopt(self, descriptor: int) -> tuple[str, int]:
        """Begins to accept on a TCP socket that is bound already, inherited from a supervisor say."""
        inherited = socket.socket(fileno=descriptor)
        inherited.setblocking(False)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), sock=inherited, backlog=_BACKLOG)
        self._serve(server)
        host, port = inherited.getsockname()[:2]
        return host, port

    def _serve(self, server: asyncio.Server) -> None:
        self._servers.append(server)
        if self._sweep is None:
            self._look_after()

    async def close(self, grace: timedelta = timedelta(seconds=30)) -> None:
        """Stops: no new connections, 421 to all clients, to those whose message is being delivered after its replies.

        A delivery that takes longer than `grace` is cancelled and not answered; its client will send the message again.
        """
        self.is_closing = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.stop()
        try:
            await asyncio.wait_for(self._empty.wait(), grace.total_seconds())
        except TimeoutError:
            for connection in list(self._connections):
                if connection.task is not None:
                    connection.task.cancel()
                connection.transport.abort()
            await self._empty.wait()
        if self._sweep is not None:
            self._sweep.cancel()
        self._servers.clear()

    @property
    def connections(self) -> int:
        """Open connections, those being told to go away included."""
        return len(self._connections)

    # What a connection calls

    def enter(self, connection: Connection) -> bool:
        """Registers a connection; False if it is one too many."""
        self._connections.add(connection)
        self._empty.clear()
        return len(self._connections) <= self.limits.max_connections

    def leave(self, connection: Connection) -> None:
        """The connection is gone."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def _look_after(self) -> None:
        """Looks after every connection; one timer for all is cheaper than one per client, set anew with every octet."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._connections):
            connection.look_after(now)
        limits = self.limits
        shortest = min(
            limits.idle_timeout, limits.command_timeout, limits.content_timeout, limits.content_window, limits.linger
        )
        self._sweep = loop.call_later(min(1.0, shortest.total_seconds() / 4), self._look_after)
