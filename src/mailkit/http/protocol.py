"""uvicorn's connection with bounded heads and trailers: httptools itself reads fields for ever, and leaves the body of
a request that offers another protocol to that one."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["MOST_HEAD_BYTES", "BoundedProtocol", "drop_lingering"]

MOST_HEAD_BYTES = 64 << 10
"""Bytes of request line and headers; more are answered 431 (RFC 6585 5), and the connection is closed. The same for
what is between a body's chunks and after them."""

_HEAD_SECONDS = 30.0


def _refusal(status: bytes, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %s\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
        b"connection: close\r\n\r\n%s" % (status, len(body), body)
    )


_TOO_LARGE = _refusal(
    b"431 Request Header Fields Too Large",
    b'{"error":"The request head is too large","code":"RequestHeaderFieldsTooLarge"}',
)
_NO_HTTP = _refusal(
    b"400 Bad Request",
    b'{"error":"This is not HTTP, or a body has another length than was announced","code":"BadRequest"}',
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _unfinished = 0
    """Bytes since a head, a piece of a body or a message was last complete."""
    _progress = False
    _in_head = True
    _declining = False
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
        if not self._declining:
            self._in_head = True
            super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field. Trailer fields (RFC 9112 7.1.2) come here as well, and nobody asks for those."""
        if self._in_head and not self._declining:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if not self._declining:
            self._in_head, self._progress = False, True
            self._stop_waiting()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request, or of the head of one that offers another protocol."""
        self._progress = True
        if self._declining or not self.parser.should_upgrade() or not self._framing():
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Reads on, as long as heads and trailers stay within their bounds."""
        if self.transport.is_closing():
            return
        self._progress = False
        self._unset_keepalive_if_required()
        try:
            self._read(data)
        except httptools.HttpParserError:
            self.send_400_response("")
            return
        self._unfinished = 0 if self._progress else self._unfinished + len(data)
        if self._unfinished > MOST_HEAD_BYTES:
            if self._in_head:
                self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._in_head and self._timer is None:
            self._wait()

    def _read(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offered:
                data = data[offered.args[0] :]
                self._decline()

    def _decline(self) -> None:
        """An offer of another protocol is passed over (RFC 9110 7.8): Java's client makes one with its first request.
        Another parser reads on, from the end of the same head."""
        self.parser = httptools.HttpRequestParser(self)
        if framing := self._framing():
            self._declining = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n" % framing)
            self._declining = False

    def _framing(self) -> bytes:
        """The fields that say where the request's body ends."""
        names = (b"content-length", b"transfer-encoding")
        return b"".join(b"%s: %s\r\n" % field for field in self.headers if field[0] in names)

    def send_400_response(self, msg: str) -> None:
        """What came cannot be read. A request whose body it may belong to is not done; one that is under way is
        answered, and then the connection is closed."""
        self.pipeline.clear()
        cycle: Any = self.cycle  # None before the first
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body and not cycle.body:  # it came whole, and was taken
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(_NO_HTTP)
        self.transport.close()

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
