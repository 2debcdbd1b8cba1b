"""Long lists, a page at a time: memory is flat, and no snapshot outlives its page."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

__all__ = ["PAGE", "paged"]

T = TypeVar("T")

PAGE: Final = 250
"""Rows of a page."""


def paged(read: Callable[[Any], tuple[Iterable[T], Any]]) -> Iterator[T]:
    """What `read(after)` gives: the rows beyond `after` (None: from the beginning), and where to go on; None when
    there are no more."""
    after = None
    while True:
        rows, after = read(after)
        yield from rows
        if after is None:
            return
