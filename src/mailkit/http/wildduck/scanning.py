"""A page of a list that has to be walked through: a filter that no index serves. Memory holds the page only."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from attrs import frozen

from mailkit.http.cursor import Cursor
from mailkit.http.paging import Numbers, Position, number_page

__all__ = ["Found", "numbers_of", "scan"]

T = TypeVar("T")


@frozen
class Found(Generic[T]):
    """The page's rows, how many rows there are in all, and whether some precede and follow."""

    rows: tuple[T, ...]
    total: int
    before: bool
    after: bool


def scan(
    rows: Iterable[T], text: Callable[[T], str], order: Callable[[str], bytes], *, asked: Position, limit: int
) -> Found[T]:
    """The page that is asked for, out of all rows in the order of their texts; `order` makes bytes of the same order
    as the walk's."""
    at = asked.text()
    edge = None if at is None else order(at)
    total, before, after = 0, False, False
    found: list[T] = []
    for row in rows:
        total += 1
        here = order(text(row))
        if edge is None or (here < edge if asked.backwards else here > edge):
            found.append(row)
            if len(found) > limit:
                found.pop(0 if asked.backwards else -1)
                before, after = before or asked.backwards, after or not asked.backwards
        else:
            before = before or not asked.backwards
    return Found(tuple(found), total, before, after)


def numbers_of(
    listing: str, asked: Position, page: int, found: Found[T], text: Callable[[T], str], id: Callable[[T], str]
) -> Numbers:
    """The paging part of the answer."""
    edges = [Cursor(text(row), id(row)) for row in found.rows[:1] + found.rows[-1:]]
    return number_page(
        listing, asked, page, before=found.before, after=found.after,
        first=edges[0] if edges else None, last=edges[-1] if edges else None,
    )  # fmt: skip
