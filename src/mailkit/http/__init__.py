"""Two REST dialects over one kit: WildDuck 1.45 at the root, Stalwart 0.12 below `/api`.

Thin: what a mail platform does is in the other packages; here stand names, shapes and codes.

    app                 both as one ASGI application
    dialect             the way of a request, the same for both
    operation, routes   what there is, with permission and endpoint; `<dialect>/routes.py` are the lists
    declare, structure  request and answer classes: one declaration validates and documents
    openapi, page       the documents made of them
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mailkit.http.app import build_app as build_app
    from mailkit.http.dialect import Served as Served

__all__ = ["Served", "build_app"]


def __getattr__(name: str) -> Any:
    if name == "build_app":
        from mailkit.http.app import build_app

        return build_app
    if name == "Served":
        from mailkit.http.dialect import Served

        return Served
    raise AttributeError(f"module 'mailkit.http' has no attribute {name!r}")
