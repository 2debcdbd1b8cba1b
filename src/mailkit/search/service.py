"""What others call: searching an account's mail, and keeping its index in shape."""

from attrs import frozen

from mailkit.clock import Clock
from mailkit.errors import NotFound
from mailkit.mailstore.service import AccountRef, Entry, MailStore
from mailkit.search.api import Found, Order, SearchIndex
from mailkit.search.parse import parse
from mailkit.search.places import place
from mailkit.search.query import Query
from mailkit.storage.api import ReadTx, Store
from mailkit.storage.calls import OWN, reads
from mailkit.types import Page

__all__ = ["Result", "Search"]


@frozen
class Result(Entry):
    """A message that was found. `at` is its place in the order, to continue behind."""

    at: tuple[int, int]


class Search:
    """The service. `kit.py` passes in the index that follows the mail store."""

    def __init__(self, store: Store, mailstore: MailStore, index: SearchIndex, *, clock: Clock) -> None:
        self.store = store
        self.mailstore = mailstore
        self.index = index
        self.clock = clock

    @reads
    def find(
        self,
        account: AccountRef,
        query: str | Query,
        *,
        order: Order = "arrival",
        limit: int = 20,
        after: tuple[int, int] | None = None,
        backwards: bool = False,
        tx: ReadTx = OWN,
    ) -> Page[Result]:
        """A page of the messages that `query` asks for; the text of a query is explained in `search.parse`.

        Ordered by arrival, the latest first, or by internal date. `after` is the `at` of a result to continue behind;
        with `backwards`, the page before it. Pages stay put while mail arrives. Raises Invalid `query.invalid`.
        """
        number = self.mailstore.number(account, tx=tx)
        if isinstance(query, str):
            query = self.parse(number, query, tx=tx)
        found: Found = self.index.find(tx, number, query, order=order, limit=limit, after=after, backwards=backwards)
        items = []
        for hit in found.hits:
            try:
                entry = self.mailstore.get(number, hit.mailbox, hit.uid, tx=tx)
            except NotFound:
                continue  # the account is being erased, row by row
            items.append(Result(entry.mailbox, entry.uid, entry.row, entry.state, hit.at))
        return Page(tuple(items), found.total, found.before, found.after)

    @reads
    def parse(self, account: AccountRef, text: str, *, tx: ReadTx = OWN) -> Query:
        """The query that a text asks of an account, whose mailboxes it may name. Raises Invalid `query.invalid`."""
        boxes = self.mailstore.mailboxes(account, tx=tx)
        return parse(text, place=lambda name: place(name, boxes))
