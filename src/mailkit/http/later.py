"""For endpoints that find out, from what was asked, that they cannot be quick, or cannot do it yet."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from attrs import frozen

from mailkit.errors import NotSupported

__all__ = ["OnThread", "not_built"]

T = TypeVar("T")


@frozen
class OnThread(Generic[T]):
    """What a `read` endpoint returns when the rest takes long (a scan): the function is called on a thread.

    `weight` is what it holds in memory meanwhile, in bytes, by estimate: there is `Room` for so much at a time.
    """

    function: Callable[[], T]
    weight: int = 0


def not_built(operation: str, **given: Any) -> None:
    """Raises NotSupported when any of the parameters, by name, was given: nothing is silently ignored."""
    names = [name for name, value in given.items() if value]
    if names:
        raise NotSupported("parameter.not_built", f"{operation} does not know {', '.join(names)} yet")
