"""WildDuck's way with requests: one flat set of parameters, tokens in three places, `success` in every answer."""

from typing import Any

import msgspec

from mailkit.errors import Denied, Invalid, MailKitError, NotSupported
from mailkit.http import json_text, multipart, querystring
from mailkit.http.answers import Response
from mailkit.http.connection import Connection
from mailkit.http.declare import params_of
from mailkit.http.dialect import Dialect
from mailkit.http.operation import Operation
from mailkit.http.wildduck.errors import tell
from mailkit.principals.permits import Caller

__all__ = ["WildDuck", "find_token", "merge", "read_body"]

LONGEST_SEGMENT = 196
"""Characters of a path segment; longer ones are an unknown path (W1.1)."""

_LARGEST_BODY = 96 << 20
"""A message of 64 MiB as base64 in JSON, and what surrounds it."""


class WildDuck(Dialect):
    """The dialect as an ASGI application."""

    async def authenticate(self, connection: Connection) -> Caller:
        token = find_token(connection)
        if not token:
            raise Denied("token.invalid")
        return await self.of_token(token)

    def has_credentials(self, connection: Connection) -> bool:
        return bool(find_token(connection))

    def presented_token(self, connection: Connection) -> str:
        return find_token(connection)

    def owner(self, path: dict[str, str], caller: Caller) -> str | None:
        user = path.get("user")
        if user == "me" and caller.principal is not None:
            user = path["user"] = caller.principal.hex()
        return user if user is None else user.lower()

    def parameters(
        self, connection: Connection, operation: Operation, path: dict[str, str], body: bytes | None
    ) -> dict[str, Any]:
        kind = connection.header(b"content-type")
        if not body and (body is None or not kind) and not connection.query:
            return path
        query = querystring.nested(connection.query)
        query.pop("accessToken", None)
        if body is None:
            return {**query, **path}
        assert operation.endpoint is not None
        asked = operation.endpoint.request
        if body:
            return merge(path, query, read_body(kind, body, asked))
        raw = _raw_name(asked) if kind and not _is_json(kind) and not _is_form(kind) else None
        return merge(path, query, {} if raw is None else {raw: b""})  # no source is not the same as nothing said

    def body_limit(self, operation: Operation) -> int:
        return _LARGEST_BODY

    def success(self, encoded: bytes) -> Response:
        if encoded == b"{}" or encoded == b"null":
            return Response(200, b'{"success":true}')
        return Response(200, b'{"success":true,' + encoded[1:])

    def failure(self, error: Exception, operation: Operation | None, ask: object) -> Response:
        if not isinstance(error, MailKitError):
            return _json(500, {"error": "Internal error", "code": "InternalError"})
        return _json(*tell(error, operation.name if operation else "", ask))

    async def unknown(self, connection: Connection, methods: tuple[str, ...]) -> Response:
        if methods:
            status, body = tell(NotSupported("method.unknown", f"{connection.method} is not allowed"))
            allow = ", ".join(methods).encode()
            return Response(status, msgspec.json.encode(body), headers=((b"allow", allow),))
        return _json(*tell(NotSupported("path.unknown", f"{connection.path} does not exist")))


def find_token(connection: Connection) -> str:
    """The access token: query, X-Access-Token, Authorization, the first that is there (W1.6)."""
    if "accessToken=" in connection.query:
        for name, value in querystring.flat(connection.query):
            if name == "accessToken" and value:
                return value
    token = connection.header(b"x-access-token")
    if not token:
        token = connection.header(b"authorization")
        if token[:7].lower() == "bearer ":
            token = token[7:]
    return token.strip()


def merge(path: dict[str, str], query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """One flat set of parameters; path wins over query, query over body (W1.2)."""
    return {**body, **query, **path}


def read_body(content_type: str, body: bytes, request: type[Any]) -> dict[str, Any]:
    """The body's parameters. One that is neither JSON nor a form is the value of the request's raw field (W1.1)."""
    kind = _kind(content_type)
    if not kind or _is_json(content_type):
        value = json_text.decode(body)
        if not isinstance(value, dict):
            raise Invalid("json.invalid", "The body is not a JSON object")
        return value
    if kind == "application/x-www-form-urlencoded":
        return querystring.nested(body.decode("utf-8", "replace"))
    if kind == "multipart/form-data":
        return querystring.nest(list(multipart.parse_form(content_type, body)))
    raw = _raw_name(request)
    if raw is None:
        raise Invalid("body.unknown_type", f"A body of type {kind} is not understood here")
    return {raw: body}


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(content_type: str) -> bool:
    kind = _kind(content_type)
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _is_form(content_type: str) -> bool:
    return _kind(content_type) in ("application/x-www-form-urlencoded", "multipart/form-data")


def _raw_name(request: type[Any]) -> str | None:
    return next((name for name, (_, param) in params_of(request).items() if param.source == "raw"), None)


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(status, msgspec.json.encode(body))
