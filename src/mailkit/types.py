"""Words that every package uses."""

from typing import Generic, TypeVar

from attrs import frozen

__all__ = ["Page"]

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """A part of a list. `total` counts the whole list; `before` and `after` say whether there is more either way."""

    items: tuple[T, ...]
    total: int
    before: bool
    after: bool
