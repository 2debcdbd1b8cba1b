"""The bundled server in one file: both dialects as an ASGI application, with background work beside it.

    uvicorn examples.server:app

`mailkit serve` does the same with several processes and an LMTP listener. Mount `app` anywhere in an application of
your own, or add routes of your own to it.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount

from mailkit import MailKit
from mailkit.http import build_app


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    # opened here and not at import, so that every worker process has a store of its own
    with MailKit.open(os.environ.get("MAILKIT_STORE", "mail-data"), environment=os.environ) as kit, kit.background():
        app.router.routes.append(Mount("/", build_app(kit)))
        yield


app = Starlette(lifespan=lifespan)
