"""The index in the Store itself: the default, on every backend and in every process."""

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import islice
from typing import Final

from pyroaring import BitMap

from mailkit.mailstore.follower import Change
from mailkit.mime.parse import Message
from mailkit.search.api import Found, Hit, Order
from mailkit.search.delta import described
from mailkit.search.document import document
from mailkit.search.evaluate import Evaluation
from mailkit.search.follow import follow
from mailkit.search.memory import Memory
from mailkit.search.query import Query
from mailkit.search.records import Place
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Tx

__all__ = ["StoreIndex"]

BATCH: Final = 256
FAN: Final = 8

_SORTED: Final = 500
"""With fewer hits than this, their dates are looked up and sorted; else all messages are walked by date."""


class StoreIndex:
    """A `SearchIndex`. `merge_soon(tx, account)` asks for `merging.merge` to be run, in the transaction.

    `batch` messages become a segment of level 0, `fan` segments of a level one of the next.
    """

    def __init__(self, merge_soon: Callable[[Tx, int], None], *, batch: int = BATCH, fan: int = FAN) -> None:
        self.batch = batch
        self.fan = fan
        self._merge_soon = merge_soon
        self.memory = Memory()

    def describe(self, message: Message) -> bytes:
        """Its words."""
        return described(document(message))

    def changed(self, tx: Tx, change: Change) -> None:
        """Takes up what happened to a message."""
        follow(tx, change, batch=self.batch, merge_soon=self._merge_soon)

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
        """A page of hits; see `api.SearchIndex`."""
        asked = self.evaluation(tx, account)
        docs = asked.answer(query)
        if order == "arrival":
            page = _by_arrival(docs, limit, after, backwards)
        else:
            page = _by_date(asked, docs, limit, after, down=(order == "newest") != backwards)
        more = len(page) > limit
        page = page[:limit]
        if backwards:
            page.reverse()
        hits = tuple(_hit(tx, account, doc, order) for doc in page)
        before, beyond = (more, after is not None) if backwards else (after is not None, more)
        return Found(hits, len(docs), before, beyond)

    def evaluation(self, tx: ReadTx, account: int) -> Evaluation:
        """The account's index, to be asked directly: `answer` gives the numbers of the messages."""
        return Evaluation(tx, account, self.memory)


def _by_arrival(docs: BitMap, limit: int, after: tuple[int, int] | None, backwards: bool) -> list[int]:
    """Up to limit + 1 messages, the latest first; backwards, the nearest first."""
    if backwards:
        start = docs.rank(after[1]) if after is not None else 0
        return list(docs[start : start + limit + 1])
    stop = len(docs) if after is None else docs.rank(after[1] - 1) if after[1] > 0 else 0
    return list(docs[max(0, stop - limit - 1) : stop])[::-1]


def _by_date(asked: Evaluation, docs: BitMap, limit: int, after: tuple[int, int] | None, *, down: bool) -> list[int]:
    """Up to limit + 1 messages by (date, number)."""
    dated: Iterator[tuple[int, int]]
    if len(docs) <= _SORTED:
        dated = iter(sorted(((_place(asked.tx, asked.account, doc).date, doc) for doc in docs), reverse=down))
    else:
        runs = [sorted(((delta.date, doc) for doc, delta in list(asked.recent.deltas.items())), reverse=down)]
        for segment in asked.segments:
            pairs = list(zip(segment.head.dates, segment.head.by_date, strict=True))
            runs.append(pairs[::-1] if down else pairs)
        dated = (pair for pair in merge(*runs, reverse=down) if pair[1] in docs)
    if after is not None:
        edge = after
        dated = (pair for pair in dated if (pair < edge if down else pair > edge))
    return list(dict.fromkeys(doc for _, doc in islice(dated, 2 * limit + 2)))[: limit + 1]


def _place(tx: ReadTx, account: int, doc: int) -> Place:
    return Place.unpack(tx.get(keyspace.SEARCH_DOC.key(account, doc)) or bytes(24))


def _hit(tx: ReadTx, account: int, doc: int, order: Order) -> Hit:
    place = _place(tx, account, doc)
    return Hit(place.mailbox, place.uid, (0 if order == "arrival" else place.date, doc))
