"""One request as it came: what the machinery needs of an ASGI scope, and its body within caps."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import quote

from mailkit.errors import Invalid, RateLimited

__all__ = ["Budget", "Connection", "Receive", "Scope", "Send"]

Scope = Mapping[str, Any]
Receive = Any
Send = Any

_MOST_HEADER_BYTES = 64 << 10
_DIGITS = 15

_BODY_SECONDS = 30.0
_LEAST_BYTES_A_SECOND = 16 << 10
"""A body may take 30 seconds, and a second more for every 16 KiB of it: what is held must not be held for nothing."""


class Budget:
    """Bytes of request bodies that one worker holds at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    def take(self, size: int) -> None:
        """Reserves; RateLimited `http.busy` when the worker holds too much already."""
        if self.held + size > self.most:
            raise RateLimited("http.busy", "The server holds too many request bodies now")
        self.held += size

    def give(self, size: int) -> None:
        """Releases."""
        self.held -= size


class Connection:
    """A request. Header names are lower-case; a repeated header keeps its first value."""

    __slots__ = ("_budget", "_held", "_receive", "headers", "method", "path", "query", "scope")

    def __init__(self, scope: Scope, receive: Receive, budget: Budget) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.path = _inner_path(scope)
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name not in headers:
                headers[name] = value
        self.headers = headers
        self._receive = receive
        self._budget = budget
        self._held = 0

    def header(self, name: bytes) -> str:
        """A header's value; empty when it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    def list_header(self, name: bytes) -> str:
        """The values of all fields of a name, separated by commas (RFC 9110 5.3)."""
        if name not in self.headers:
            return ""
        return b", ".join(value for key, value in self.scope["headers"] if key == name).decode("latin-1")

    @property
    def peer(self) -> str:
        """The address at the other end of the connection."""
        client = self.scope.get("client")
        return client[0] if client else ""

    def headers_too_large(self) -> bool:
        """True for more than 64 KiB of header fields."""
        if len(self.headers) < 32:  # the usual case, without a sum: no server lets one field grow past its buffer
            return sum(map(len, self.headers.values())) > _MOST_HEADER_BYTES
        return sum(len(name) + len(value) for name, value in self.scope["headers"]) > _MOST_HEADER_BYTES

    async def body(self, most: int) -> bytes:
        """The whole body. Invalid `body.too_large` beyond `most` bytes, `body.too_slow` when it takes too long and
        `body.encoded` when it is compressed; RateLimited when the worker is full."""
        self._refuse_codings()
        declared = self.headers.get(b"content-length", b"")
        if declared.isdigit() and (len(declared) > _DIGITS or int(declared) > most):
            raise Invalid("body.too_large", f"The body has more than {most} bytes", limit=most)
        chunks: list[bytes] = []
        total = 0
        started = monotonic()
        while True:
            left = started + _BODY_SECONDS + total / _LEAST_BYTES_A_SECOND - monotonic()
            try:
                async with asyncio.timeout(left):  # half the cost of a cancel scope, on every request with a body
                    message = await self._receive()
            except TimeoutError:
                raise Invalid("body.too_slow", "The body came too slowly") from None
            if message["type"] == "http.disconnect":
                raise Invalid("body.cut_short", "The client went away")
            chunk: bytes = message.get("body", b"")
            if chunk:
                total += len(chunk)
                if total > most:
                    raise Invalid("body.too_large", f"The body has more than {most} bytes", limit=most)
                self._hold(len(chunk))
                chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _refuse_codings(self) -> None:
        """Bytes under a coding are not the content (RFC 9110 8.4, RFC 9112 6.1), and not to be kept as if they were."""
        for name, plain in ((b"content-encoding", "identity"), (b"transfer-encoding", "chunked")):
            coding = self.list_header(name).strip().lower()
            if coding and coding != plain:
                raise Invalid("body.encoded", f"The body is sent as {coding}; send it as it is", coding=coding)

    def _hold(self, size: int) -> None:
        self._budget.take(size)
        self._held += size

    def release(self) -> None:
        """The body is no longer held."""
        self._budget.give(self._held)
        self._held = 0


def _inner_path(scope: Scope) -> str:
    """The path below where the app is mounted, still percent-encoded."""
    raw = scope.get("raw_path")
    path: str = raw.decode("latin-1") if raw else quote(scope["path"])
    path = path.partition("?")[0]
    root: str = scope.get("root_path", "")
    if root:
        encoded = quote(root)
        if path.startswith(encoded):
            path = path[len(encoded) :]
    return path or "/"
