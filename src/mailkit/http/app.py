"""Both dialects as one ASGI application: Stalwart's below `/api`, WildDuck's at the root.

from mailkit.http import build_app
app = build_app(kit)          # run it with any ASGI server, or mount it in an application of your own
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from mailkit.http.connection import Budget
from mailkit.http.dialect import Served
from mailkit.http.documents import PATHS, Documents
from mailkit.http.matching import Routes
from mailkit.http.stalwart.dialect import Stalwart
from mailkit.http.stalwart.oauth_server import PATHS as OAUTH_PATHS
from mailkit.http.stalwart.oauth_server import OAuthServer
from mailkit.http.stalwart.routes import PREFIX
from mailkit.http.stalwart.routes import ROUTES as STALWART
from mailkit.http.watching import watcher
from mailkit.http.wildduck.dialect import LONGEST_SEGMENT, WildDuck
from mailkit.http.wildduck.routes import ROUTES as WILDDUCK

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["MOST_BODY_BYTES", "App", "build_app"]

MOST_BODY_BYTES = 256 << 20
"""Bytes of request bodies that one process holds at a time; more are answered 429."""


_BELOW = PREFIX + "/"


class App(Starlette):
    """A Starlette application whose HTTP goes straight to the dialects.

    Starlette's own middleware and router would cost more than the rest of a request; lifespan and state are its own.
    Wrap the application to put middleware around it.
    """

    def __init__(self, kit: "MailKit", served: Callable[[Served], None] | None, budget: Budget) -> None:
        super().__init__()
        self._kit = kit
        self.documents = Documents()
        self.wildduck = WildDuck(kit, Routes(WILDDUCK, longest_segment=LONGEST_SEGMENT), budget=budget, served=served)
        self.stalwart = Stalwart(kit, Routes(STALWART, prefix=PREFIX, plus_is_space=True), budget=budget, served=served)
        self.oauth = OAuthServer(
            kit, budget=budget, of_token=self.stalwart.of_token, address=self.stalwart.address, served=served
        )

    def end_streams(self) -> None:
        """Ends all update streams of this process: it is about to stop."""
        watcher(self._kit).end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        if root and path.startswith(root):
            path = path[len(root) :]
        if path in PATHS and (document := self.documents.find(scope["method"], path)) is not None:
            await document.send(send, body=scope["method"] != "HEAD")
        elif path.startswith(_BELOW) or path == PREFIX:
            await self.stalwart(scope, receive, send)
        elif path in OAUTH_PATHS:
            await self.oauth(scope, receive, send)
        else:
            await self.wildduck(scope, receive, send)


def build_app(
    kit: "MailKit", *, on_request: Callable[[Served], None] | None = None, most_body_bytes: int = MOST_BODY_BYTES
) -> App:
    """The application over an open kit. It reads the settings `http.open`, `http.cors_origins` and
    `http.trusted_proxies`; `on_request` is told of every request after it was answered."""
    return App(kit, on_request, Budget(most_body_bytes))
