"""What goes back to the client: JSON in a dialect's envelope, bytes, or a stream."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

import anyio
import anyio.to_thread
from attrs import field, frozen

from mailkit.http.connection import Receive, Send

__all__ = ["SAFE", "Content", "Response"]

Headers = tuple[tuple[bytes, bytes], ...]

SAFE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
"""Headers of every answer: nothing is sniffed, and what a token opened is in no cache."""

_SANDBOX: Headers = ((b"content-security-policy", b"default-src 'none'; sandbox"),)

_PATIENCE = 30
"""Seconds that a client has to take a piece of an endless answer."""

_PATIENCE_FOR_BYTES = 120
"""The same for a piece of content: 256 KiB at 2 KiB/s."""


@frozen
class Content:
    """An endpoint's answer that is no JSON: bytes, or pieces of them as they become ready, with their media type.

    Pieces of an ordinary iterator are produced on a thread, those of an asynchronous one on the event loop.
    """

    body: bytes | Iterable[bytes] | AsyncIterator[bytes]
    media_type: str
    size: int | None = None
    headers: Mapping[str, str] = field(factory=dict)
    status: int = 200


@frozen
class Response:
    """A whole answer, ready to send."""

    status: int
    body: bytes
    media_type: bytes = b"application/json; charset=utf-8"
    headers: Headers = ()

    async def send(self, send: Send, *, body: bool = True) -> int:
        """Sends it; returns how many bytes its body has."""
        length = b"%d" % len(self.body)
        headers = [(b"content-type", self.media_type), (b"content-length", length), *SAFE, *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body if body else b""})
        return len(self.body)


async def send_content(content: Content, send: Send, receive: Receive, headers: Headers) -> int:
    """Sends `content` as it becomes ready, in a sandbox: it may be anybody's HTML. Returns the bytes sent."""
    sent = [(b"content-type", _media_type(content.media_type)), *SAFE, *_SANDBOX, *headers]
    sent += [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in content.headers.items()]
    if isinstance(content.body, bytes):
        sent.append((b"content-length", str(len(content.body)).encode()))
    elif content.size is not None:
        sent.append((b"content-length", str(content.size).encode()))
    await send({"type": "http.response.start", "status": content.status, "headers": sent})
    total = 0
    if isinstance(content.body, bytes):
        total = len(content.body)
        await send({"type": "http.response.body", "body": content.body})
        return total
    if isinstance(content.body, AsyncIterator):
        return await _send_feed(content.body, send, receive)
    async for piece in _pieces(content.body):
        total += len(piece)
        if not await _taken(send, piece, _PATIENCE_FOR_BYTES):
            return total  # without its end, the answer is cut off
    await send({"type": "http.response.body", "body": b""})
    return total


def _media_type(text: str) -> bytes:
    """As a field value: a stranger's message may name a type that none can be."""
    return text.encode("latin-1", "replace") if text.isprintable() else b"application/octet-stream"


async def _taken(send: Send, piece: bytes, seconds: float) -> bool:
    """Sends a piece of an answer; False when the client doesn't take what it is sent."""
    with anyio.move_on_after(seconds) as waiting:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    return not waiting.cancelled_caught


async def _send_feed(body: AsyncIterator[bytes], send: Send, receive: Receive) -> int:
    """Sends what may go on for ever, until the client goes away or doesn't take what it is sent."""
    total = 0

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        group.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            async for piece in body:
                total += len(piece)
                if not await _taken(send, piece, _PATIENCE):
                    break  # without its end, the answer is cut off
            else:
                await send({"type": "http.response.body", "body": b""})
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            if isinstance(body, AsyncGenerator):
                await body.aclose()
    return total


async def _pieces(body: Iterable[bytes]) -> AsyncIterator[bytes]:
    iterator: Iterator[bytes] = iter(body)
    over: Any = object()
    while (piece := await anyio.to_thread.run_sync(next, iterator, over)) is not over:
        yield piece
