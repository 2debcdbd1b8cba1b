"""The OpenAPI documents and their pages, made once and served to everybody: there is no secret in them.

Their paths are no operation's, in neither dialect.
"""

from functools import cache

import msgspec

from mailkit.http.answers import Response
from mailkit.http.declare import Schema
from mailkit.http.openapi import Description, document
from mailkit.http.page import render
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART_ROUTES
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK_ROUTES

__all__ = ["PATHS", "STALWART", "WILDDUCK", "Documents", "stalwart_document", "wildduck_document"]


def _success(schema: Schema) -> Schema:
    flag: Schema = {"type": "object", "properties": {"success": {"const": True}}, "required": ["success"]}
    return {"allOf": [flag, schema]}


def _data(schema: Schema) -> Schema:
    return {"type": "object", "properties": {"data": schema}, "required": ["data"]}


WILDDUCK = Description(
    title="mailkit: the WildDuck dialect",
    version="1.45",
    about="Every operation of WildDuck's REST API. Parameters of path, query and body are one set: any of them may "
    "stand in any place, the path wins over the query and the query over the body.",
    prefix="",
    body="merged",
    security={
        "accessTokenHeader": {"type": "apiKey", "in": "header", "name": "X-Access-Token"},
        "accessTokenQuery": {"type": "apiKey", "in": "query", "name": "accessToken"},
        "bearer": {"type": "http", "scheme": "bearer"},
    },
    envelope=_success,
    error={
        "type": "object",
        "properties": {
            "error": {"type": "string", "description": "What went wrong, for people"},
            "code": {"type": "string", "description": "What went wrong, for programs"},
            "details": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Refused parameters: path, its parts separated by commas, and reason",
            },
        },
        "required": ["error", "code"],
    },
)

STALWART = Description(
    title="mailkit: the Stalwart dialect",
    version="0.12",
    about="Every operation of Stalwart's management API. Look for `error` before `data`: management errors are "
    "answered with HTTP 200.",
    prefix=PREFIX,
    body="declared",
    security={"bearer": {"type": "http", "scheme": "bearer"}, "basic": {"type": "http", "scheme": "basic"}},
    envelope=_data,
    error={
        "type": "object",
        "description": "A management error has `error`; a problem (RFC 9457) has `status`.",
        "properties": {
            "error": {"type": "string"},
            "details": {"type": "string"},
            "reason": {"type": ["string", "null"]},
            "type": {"type": "string"},
            "status": {"type": "integer"},
            "title": {"type": "string"},
            "detail": {"type": "string"},
        },
    },
)


@cache
def wildduck_document() -> Schema:
    """WildDuck's."""
    return document(WILDDUCK_ROUTES, WILDDUCK)


@cache
def stalwart_document() -> Schema:
    """Stalwart's."""
    return document(STALWART_ROUTES, STALWART)


PATHS = ("/openapi.json", "/docs", f"{PREFIX}/openapi.json", f"{PREFIX}/docs")

_POLICY = ((b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox allow-same-origin"),)


class Documents:
    """What is served at PATHS."""

    def find(self, method: str, path: str) -> Response | None:
        """The document or page at a path; None for every other."""
        if path not in PATHS or method not in ("GET", "HEAD"):
            return None
        return _made(path)


@cache
def _made(path: str) -> Response:
    whole = stalwart_document() if path.startswith(PREFIX) else wildduck_document()
    if path.endswith(".json"):
        return Response(200, msgspec.json.encode(whole))
    # The document lies beside the page, wherever the app is mounted.
    return Response(200, render(whole, "openapi.json"), b"text/html; charset=utf-8", _POLICY)
