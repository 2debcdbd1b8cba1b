"""The seam: what a search index has to do. The law, which `mailkit.testing.contract.SearchContract` checks:

- `find` answers exactly what `match.matches` says of every message of the account, and of no other
- what `changed` was told in a transaction is part of every answer after its commit, and of none if it failed
- pages are cut by order of arrival or by date, so they stay put while mail comes and goes

An index that keeps its data elsewhere appends what happens to a space of the store's, and takes it up before it
answers: `examples/search_index.py` shows how.
"""

from typing import Literal, Protocol

from attrs import frozen

from mailkit.ids import Id
from mailkit.mailstore.follower import Change
from mailkit.mime.parse import Message
from mailkit.search.query import Query
from mailkit.storage.api import ReadTx, Tx

__all__ = ["Found", "Hit", "Order", "SearchIndex"]

Order = Literal["arrival", "oldest", "newest"]
"""By arrival, the latest first; or by internal date."""


@frozen
class Hit:
    """Where a message lies that was found, and its place in the order: (date or 0, number)."""

    mailbox: Id
    uid: int
    at: tuple[int, int]


@frozen
class Found:
    """A page of what was found; `total` counts everything. `before` and `after`: is there more either way."""

    hits: tuple[Hit, ...]
    total: int
    before: bool
    after: bool


class SearchIndex(Protocol):
    """An index over the messages of all accounts."""

    def describe(self, message: Message) -> bytes:
        """What the index wants to have of a message; slow, before the transaction."""
        ...

    def changed(self, tx: Tx, change: Change) -> None:
        """Takes up what happened to a message."""
        ...

    def find(
        self,
        tx: ReadTx,
        account: int,
        query: Query,
        *,
        order: Order = "arrival",
        limit: int = 20,
        after: tuple[int, int] | None = None,
        backwards: bool = False,
    ) -> Found:
        """A page of the messages that `query` asks for, behind (`backwards`: before) the hit at `after`."""
        ...
