"""uvicorn's connection with bounded heads and trailers: httptools itself reads fields for ever."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["MOST_HEAD_BYTES", "BoundedProtocol", "drop_lingering"]

MOST_HEAD_BYTES = 64 << 10
"""Bytes of request line and headers; more are answered 431 (RFC 6585 5), and the connection is closed. The same for
what is between a body's chunks and after them."""

_HEAD_SECONDS = 30.0

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json; charset=utf-8\r\n"
    b"content-length: 79\r\nconnection: close\r\n\r\n"
    b'{"error":"The request head is too large","code":"RequestHeaderFieldsTooLarge"}\n'
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _unfinished = 0
    """Bytes since a head, a piece of a body or a message was last complete."""
    _progress = False
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client that says nothing is not waited for."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field. Trailer fields (RFC 9112 7.1.2) come here as well, and nobody asks for those."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._in_head, self._progress = False, True
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._progress = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Reads on, as long as heads and trailers stay within their bounds."""
        if self.transport.is_closing():
            return
        self._progress = False
        super().data_received(data)
        self._unfinished = 0 if self._progress else self._unfinished + len(data)
        if self._unfinished > MOST_HEAD_BYTES:
            if self._in_head:
                self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._in_head and self._timer is None:
            self._wait()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def drop_lingering(connections: Iterable[Any], before: Mapping[Any, int]) -> dict[Any, int]:
    """Drops connections that are closing and of whose bytes none was taken since the last time; returns those that are
    closing still, with the bytes that wait. `before` is what was returned the last time.

    Closing waits until everything written was taken. From a client that reads no more, that would be for ever.
    """
    closing = {one: one.transport.get_write_buffer_size() for one in connections if one.transport.is_closing()}
    stuck = [one for one, size in closing.items() if size >= before.get(one, size + 1)]
    for one in stuck:
        one.transport.abort()
        del closing[one]
    return closing
