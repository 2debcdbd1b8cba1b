"""What others call: searching an account's mail, and having its index made anew."""

from collections.abc import Callable

from attrs import frozen

from mailkit.errors import NotFound
from mailkit.ids import Id
from mailkit.mailstore.select import MOST_HELD
from mailkit.mailstore.service import AccountRef, Entry, MailStore
from mailkit.search.api import Order, SearchIndex
from mailkit.search.parse import parse
from mailkit.search.places import place
from mailkit.search.query import Query
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

__all__ = ["Result", "Search"]


@frozen
class Result(Entry):
    """A message that was found. `at` is its place in the order, to continue behind."""

    at: tuple[int, int]


class Search:
    """The service. `kit.py` passes in the index that follows the mail store, what is to be done before a search in an
    account, and how a rebuild is scheduled."""

    def __init__(
        self,
        store: Store,
        mailstore: MailStore,
        index: SearchIndex,
        *,
        ready: Callable[[int], None],
        rebuild: Callable[[Tx, int], Id],
    ) -> None:
        self.store = store
        self.mailstore = mailstore
        self.index = index
        self._ready = ready
        self._rebuild = rebuild

    def find(
        self,
        account: AccountRef,
        query: str | Query,
        *,
        order: Order = "arrival",
        limit: int = 20,
        after: tuple[int, int] | None = None,
        backwards: bool = False,
        tx: ReadTx | None = None,
    ) -> Page[Result]:
        """A page of the messages that `query` asks for; the text of a query is explained in `search.parse`.

        Ordered by arrival, the latest first, or by internal date. `after` is the `at` of a result to continue behind;
        with `backwards`, the page before it. Pages stay put while mail arrives. Raises Invalid `query.invalid`.

        In a transaction of the caller's, copies made since the last search or merge are not found by their words.
        """
        if tx is None:
            account = self.mailstore.number(account)
            self._ready(account)
        return self._find(account, query, order=order, limit=limit, after=after, backwards=backwards, tx=tx or OWN)

    @reads
    def _find(
        self,
        account: AccountRef,
        query: str | Query,
        *,
        order: Order,
        limit: int,
        after: tuple[int, int] | None,
        backwards: bool,
        tx: ReadTx,
    ) -> Page[Result]:
        number = self.mailstore.number(account, tx=tx)
        if isinstance(query, str):
            query = self.parse(number, query, tx=tx)
        found = self.index.find(tx, number, query, order=order, limit=limit, after=after, backwards=backwards)
        items: list[Result] = []
        held, more = 0, False
        for hit in reversed(found.hits) if backwards else found.hits:
            if held >= MOST_HELD:
                more = True
                break
            try:
                entry = self.mailstore.get(number, hit.mailbox, hit.uid, tx=tx)
            except NotFound:
                continue  # the account is being erased, row by row
            items.append(Result(entry.mailbox, entry.uid, entry.row, entry.state, hit.at))
            held += entry.weight
        if backwards:
            items.reverse()
        before, beyond = (more, False) if backwards else (False, more)
        return Page(tuple(items), found.total, found.before or before, found.after or beyond)

    @reads
    def parse(self, account: AccountRef, text: str, *, tx: ReadTx = OWN) -> Query:
        """The query that a text asks of an account, whose mailboxes it may name. Raises Invalid `query.invalid`."""
        boxes = self.mailstore.mailboxes(account, tx=tx)
        return parse(text, place=lambda name: place(name, boxes))

    @writes
    def rebuild(self, account: AccountRef, *, tx: Tx = OWN) -> Id:
        """Has a job make an account's index anew, while mail flows and searches go on; returns the job's id. When one
        is waiting or running already, that one."""
        return self._rebuild(tx, self.mailstore.number(account, tx=tx))
