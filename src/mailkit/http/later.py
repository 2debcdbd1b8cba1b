"""For endpoints that find out, from what was asked, that they cannot be quick."""

from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import frozen

__all__ = ["OnThread"]

T = TypeVar("T")


@frozen
class OnThread(Generic[T]):
    """What a `read` endpoint returns when the rest takes long (a scan): the function is called on a thread.

    `weight` is what it holds in memory meanwhile, in bytes, by estimate: there is `Room` for so much at a time.
    """

    function: Callable[[], T]
    weight: int = 0
