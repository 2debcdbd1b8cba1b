"""Stalwart's way with requests: credentials before everything else, strict bodies, a lenient query (S1.1)."""

from typing import Any

import msgspec

from mailkit.errors import MailKitError, NotSupported
from mailkit.http import json_text, querystring
from mailkit.http.answers import Response
from mailkit.http.connection import Connection
from mailkit.http.declare import params_of
from mailkit.http.dialect import Dialect
from mailkit.http.operation import Operation
from mailkit.http.stalwart.authorization import caller_of
from mailkit.http.stalwart.errors import tell
from mailkit.principals.permits import Caller

__all__ = ["Stalwart"]

_LARGEST_BODY = 1 << 20
_LARGEST_RAW = 64 << 20

_CHALLENGE = (
    (b"www-authenticate", b'Bearer realm="mailkit"'),
    (b"www-authenticate", b'Basic realm="mailkit"'),
)


class Stalwart(Dialect):
    """The dialect as an ASGI application."""

    async def authenticate(self, connection: Connection) -> Caller:
        header = connection.header(b"authorization")
        return await caller_of(self.kit, header, self.address(connection), self.of_token)

    def has_credentials(self, connection: Connection) -> bool:
        return b"authorization" in connection.headers

    def presented_token(self, connection: Connection) -> str:
        scheme, _, value = connection.header(b"authorization").partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""

    def body_limit(self, operation: Operation) -> int:
        raw = operation.endpoint and any(p.source == "raw" for _, p in params_of(operation.endpoint.request).values())
        return _LARGEST_RAW if raw else _LARGEST_BODY

    def parameters(
        self, connection: Connection, operation: Operation, path: dict[str, str], body: bytes | None
    ) -> dict[str, Any]:
        # Of a repeated parameter the last one counts; an empty one is absent (S1.1).
        values: dict[str, Any] = {name: text for name, text in querystring.flat(connection.query) if text}
        values.update(path)
        assert operation.endpoint is not None
        for name, (_, param) in params_of(operation.endpoint.request).items():
            if param.source == "body":
                values[name] = json_text.decode(body or b"")
            elif param.source == "raw":
                values[name] = body or b""
        return values

    def success(self, encoded: bytes) -> Response:
        return Response(200, b'{"data":' + encoded + b"}")

    def failure(self, error: Exception, operation: Operation | None, ask: object) -> Response:
        if not isinstance(error, MailKitError):
            error = MailKitError("internal", "Something went wrong on the server.")
        status, body = tell(error, operation.name if operation else "")
        return _respond(status, body)

    async def unknown(self, connection: Connection, methods: tuple[str, ...]) -> Response:
        # Credentials come first: without them, nothing is told about paths (S1.1). A wrong method is a 404 too.
        if not self._open or self.has_credentials(connection):
            await self.authenticate(connection)
        return _respond(*tell(NotSupported("path.unknown")))


def _respond(status: int, body: dict[str, Any]) -> Response:
    media_type = b"application/problem+json" if "status" in body else b"application/json; charset=utf-8"
    headers = _CHALLENGE if status == 401 else ()
    return Response(status, msgspec.json.encode(body), media_type, headers)
