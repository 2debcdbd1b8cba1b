"""Which page is asked for, and how its answer is numbered (W1.10). Pure.

`next` wins over `previous`; `previous` counts only when `page` is above 1
previousCursor: the request used `next`, or `previous` and more rows precede
nextCursor:     more rows follow, or the request used `previous`
page:           echoed; 1 when there is no previous page
"""

from attrs import frozen

from mailkit.errors import Invalid
from mailkit.http.cursor import Cursor, decode_cursor, encode_cursor
from mailkit.ids import Id

__all__ = ["Numbers", "Position", "number_page", "position"]


@frozen
class Position:
    """Where a page begins: behind `after`, or with `backwards` the page before it. None: at the start.

    A cursor is only text of a client's: each list says what it must hold, and Invalid tells of one that does not.
    """

    after: Cursor | None = None
    backwards: bool = False

    def id(self) -> Id | None:
        """For lists in order of ids."""
        return None if self.after is None else self._id(self.after)

    def text(self) -> str | None:
        """For lists in order of a text."""
        return None if self.after is None else self._text(self.after)

    def text_and_id(self) -> tuple[str, Id] | None:
        """For lists in order of a text that several rows may have."""
        return None if self.after is None else (self._text(self.after), self._id(self.after))

    def number_and_uid(self) -> tuple[int, int] | None:
        """For lists of messages in order of a number."""
        match self.after:
            case None:
                return None
            case Cursor(value=int(value), id=int(uid)) if value >= 0 and 0 <= uid < 1 << 32:
                return value, uid
        raise self._refused()

    def _id(self, cursor: Cursor) -> Id:
        try:
            return Id.parse(str(cursor.id))
        except ValueError:
            raise self._refused() from None

    def _text(self, cursor: Cursor) -> str:
        if not isinstance(cursor.value, str):
            raise self._refused()
        return cursor.value

    def _refused(self) -> Invalid:
        field = "previous" if self.backwards else "next"
        return Invalid.field(field, f'"{field}" is no cursor of this list', kind="cursor")


@frozen
class Numbers:
    """The paging part of an answer; a cursor that isn't there is False."""

    page: int
    previous: str | bool
    next: str | bool


def position(listing: str, *, next: str | None, previous: str | None, page: int) -> Position:
    """The page that a request means; Invalid for a cursor of another list."""
    if next is not None:
        return Position(decode_cursor(listing, next))
    if previous is not None and page > 1:
        return Position(decode_cursor(listing, previous, "previous"), backwards=True)
    return Position()


def number_page(
    listing: str, asked: Position, page: int, *, before: bool, after: bool, first: Cursor | None, last: Cursor | None
) -> Numbers:
    """`before` and `after` say whether rows precede and follow; `first` and `last` are the page's outer rows.

    A page without rows has no cursors.
    """
    has_previous = before if asked.backwards or asked.after is None else True
    has_next = True if asked.backwards else after
    return Numbers(
        page if has_previous else 1,
        encode_cursor(listing, first) if has_previous and first is not None else False,
        encode_cursor(listing, last) if has_next and last is not None else False,
    )
