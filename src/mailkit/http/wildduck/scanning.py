"""A page of a list that has to be walked through: a filter that no index serves. Memory holds the page only."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from attrs import frozen

from mailkit.errors import Invalid
from mailkit.http.cursor import Cursor
from mailkit.http.paging import Numbers, Position, number_page
from mailkit.ids import Id

__all__ = ["Found", "numbers_of", "place", "scan"]

T = TypeVar("T")


@frozen
class Found(Generic[T]):
    """The page's rows, how many rows there are in all, and whether some precede and follow."""

    rows: tuple[T, ...]
    total: int
    before: bool
    after: bool


def place(cursor: Cursor | None) -> Id | None:
    """The id that a cursor stands for; Invalid when it is none."""
    if cursor is None:
        return None
    try:
        return Id.parse(str(cursor.id))
    except ValueError:
        raise Invalid.field("next", '"next" is no cursor of this list', kind="cursor") from None


def scan(rows: Iterable[T], key: Callable[[T], Id], *, asked: Position, limit: int) -> Found[T]:
    """The page that is asked for, out of all rows in order of id."""
    edge = place(asked.after)
    total, before, after = 0, False, False
    found: list[T] = []
    for row in rows:
        total += 1
        if edge is None or (key(row) < edge if asked.backwards else key(row) > edge):
            found.append(row)
            if len(found) > limit:
                found.pop(0 if asked.backwards else -1)
                before, after = before or asked.backwards, after or not asked.backwards
        else:
            before = before or not asked.backwards
    return Found(tuple(found), total, before, after)


def numbers_of(listing: str, asked: Position, page: int, found: Found[T], key: Callable[[T], Id]) -> Numbers:
    """The paging part of the answer."""
    edges = [Cursor(None, str(key(row))) for row in found.rows[:1] + found.rows[-1:]]
    return number_page(
        listing, asked, page, before=found.before, after=found.after,
        first=edges[0] if edges else None, last=edges[-1] if edges else None,
    )  # fmt: skip
