"""Remembering what a short text means: records are parsed again and again, and strangers choose their size."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

__all__ = ["memoized"]

T = TypeVar("T")

MAX_TEXT = 4096
"""Longer texts are parsed each time, so that a cache of `size` entries has a bound in bytes too."""


def memoized(size: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Cache the last `size` results of a pure function of one text; what raises is not kept."""

    def decorate(parse: Callable[[str], T]) -> Callable[[str], T]:
        kept = lru_cache(maxsize=size)(parse)

        @wraps(parse)
        def remembering(text: str) -> T:
            return kept(text) if len(text) <= MAX_TEXT else parse(text)

        return remembering

    return decorate
