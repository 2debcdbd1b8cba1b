"""Keeping the index in the Store in shape: what needs the messages themselves, and what is done before a search."""

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec.structs import replace
from pyroaring import BitMap

from mailkit.clock import Clock
from mailkit.errors import Conflict, Corrupt, NotFound
from mailkit.ids import Id
from mailkit.mailstore.follower import Added
from mailkit.mailstore.records import FLAGS, Message
from mailkit.mailstore.service import MailStore
from mailkit.mailstore.tables import MAILBOXES, MESSAGES, STATES
from mailkit.mime.parse import parse
from mailkit.search import merging, waiting
from mailkit.search.delta import NO_WORDS, Delta, undescribed
from mailkit.search.records import FACTS, MANIFESTS, SPAN, Manifest, Place, bits, stored
from mailkit.search.store import StoreIndex
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads

__all__ = ["Upkeep"]

_BEHIND: Final = 4
"""A search merges first when so many batches of deltas wait: nothing runs in the background of an embedded kit."""

_AUDITED: Final = 256
"""Messages that are looked at in one transaction."""

_MARKS: Final = {name: FLAGS[f"\\{name.capitalize()}"] for name in ("seen", "flagged", "deleted")}


class Upkeep:
    """Works on one account at a time, in small transactions; any number of processes may."""

    def __init__(self, store: Store, mailstore: MailStore, index: StoreIndex, *, clock: Clock) -> None:
        self.store = store
        self.mailstore = mailstore
        self.index = index
        self.clock = clock

    def ready(self, account: int) -> None:
        """What a search needs to be complete, and quick."""
        late, waiting = self._behind(account)
        if late:
            self.read_late(account)
        if waiting > _BEHIND * self.index.batch:
            try:
                while self.merge(account):
                    pass
            except Conflict as conflict:
                if conflict.code != "store.conflict":  # else a snapshot that fitted no order: the search will do
                    raise

    @reads
    def _behind(self, account: int, *, tx: ReadTx = OWN) -> tuple[bool, int]:
        """Whether the words of some message are still to be read; how many wait to be merged."""
        late = next(tx.scan(*keyspace.SEARCH_LATE.range(account), limit=1), None)
        last = next(FACTS.scan(tx, account, reverse=True, limit=1), None)
        through = (MANIFESTS.find(tx, account) or Manifest()).through
        return late is not None, 0 if last is None else last[1].next - through

    def merge(self, account: int) -> bool:
        """Makes one segment if it is time for one; see `merging.merge`."""
        return merging.merge(self.store, self.index, account, clock=self.clock)

    def read_late(self, account: int) -> None:
        """Reads the messages whose words nobody had when they were added."""
        start, stop = keyspace.SEARCH_LATE.range(account)
        while True:
            with self.store.snapshot() as tx:
                key = next((key for key, _ in tx.scan(start, stop, limit=1)), None)
                if key is None:
                    return
                doc = keyspace.SEARCH_LATE.parts(key)[1]
                row = self._row(tx, account, doc)
            words = NO_WORDS if row is None else self._described(row)

            def settle(tx: Tx, key: bytes = key, doc: int = doc, words: bytes = words) -> None:
                row = self._row(tx, account, doc)
                if tx.get(key) is not None and row is not None:
                    waiting.rewrite(tx, account, doc, row, words)
                tx.delete(key)

            self.store.transact(settle)

    def reread(self, account: int, at: int) -> int:
        """Makes a new segment of the next messages from number `at` on; returns where to go on, -1 at the end.

        Raises Conflict `search.lost` while somebody else is merging.
        """
        space = keyspace.SEARCH_DOC
        with self.store.snapshot() as tx:
            through = (MANIFESTS.find(tx, account) or Manifest()).through
            start, stop = space.range(account, at)[0], space.range(account)[1]
            docs = [space.parts(key)[1] for key, _ in tx.scan(start, stop, limit=self.index.batch)]
        deltas: list[tuple[int, Delta]] = []
        for doc in docs:
            with self.store.snapshot() as tx:
                row = self._row(tx, account, doc)
                waits = doc >= through and waiting.is_there(tx, account, doc)
            if row is None:
                continue
            described = self._described(row)
            if waits:  # what counts for it is its delta
                self.store.transact(partial(self._anew, account=account, doc=doc, words=described))
                continue
            attached, words = undescribed(described)
            delta = Delta(date=row.idate, size=row.size, thread=bytes(row.thread), attached=attached, words=words)
            deltas.append((doc, delta))
        if deltas:
            merging.build(self.store, account, deltas, clock=self.clock)
        return docs[-1] + 1 if docs else -1

    def _anew(self, tx: Tx, account: int, doc: int, words: bytes) -> None:
        """Writes a waiting message's delta anew, unless it has been folded meanwhile."""
        row = self._row(tx, account, doc)
        if row is not None and waiting.is_there(tx, account, doc):
            waiting.rewrite(tx, account, doc, row, words)

    def adopt(self, account: int, alive: Callable[[], None]) -> None:
        """Adds the messages that the index doesn't know. `alive` is called now and then."""
        start, stop = keyspace.MESSAGE.range(account)
        while True:
            with self.store.snapshot() as tx:
                keys = [key for key, _ in tx.scan(start, stop, limit=500)]
                places = [keyspace.MESSAGE.parts(key)[1:] for key in keys]
                unknown = [(box, uid) for box, uid in places if _number(tx, account, box, uid) is None]
            for box, uid in unknown:
                self._adopt(account, Id(box), uid)
            alive()
            if not keys:
                return
            start = keys[-1] + b"\0"

    def _adopt(self, account: int, box: Id, uid: int) -> None:
        with self.store.snapshot() as tx:
            row = MESSAGES.find(tx, account, box, uid)
        if row is None:
            return
        words = self._described(row)

        def add(tx: Tx) -> None:
            row, state = MESSAGES.find(tx, account, box, uid), STATES.find(tx, account, box, uid)
            known = _number(tx, account, box, uid) is not None
            if row is not None and state is not None and not known and MAILBOXES.exists(tx, account, box):
                self.index.changed(tx, Added(account, box, uid, row, state, words))

        self.store.transact(add)

    def audit(self, tx: Tx, account: int, at: int) -> int:
        """Takes what the facts say of some messages from number `at` on from the messages themselves; returns where to
        go on, -1 at the end."""
        chunk = at // SPAN
        facts = FACTS.find(tx, account, chunk)
        if facts is None:
            return -1
        stop = min(at + _AUDITED, (chunk + 1) * SPAN)
        space = keyspace.SEARCH_DOC
        lying: dict[bytes, list[int]] = {}
        marks: dict[str, list[int]] = {name: [] for name in ("live", *_MARKS)}
        for key, data in list(tx.scan(space.key(account, at), space.range(account, stop - 1)[1])):
            doc, place = space.parts(key)[1], Place.unpack(data)
            row = MESSAGES.find(tx, account, place.mailbox, place.uid)
            state = STATES.find(tx, account, place.mailbox, place.uid)
            if row is None or state is None or _number(tx, account, place.mailbox, place.uid) not in (None, doc):
                tx.delete(key)  # gone, or known under another number
                continue
            if not MAILBOXES.exists(tx, account, place.mailbox):
                continue  # deleted: its messages are still leaving
            tx.put(keyspace.SEARCH_PLACE.key(account, place.mailbox, place.uid), doc.to_bytes(4, "big"))
            if place.date != row.idate:
                tx.put(key, Place(place.mailbox, place.uid, row.idate).pack())
            lying.setdefault(bytes(place.mailbox), []).append(doc)
            marks["live"].append(doc)
            for name, bit in _MARKS.items():
                if state.flags & bit:
                    marks[name].append(doc)
        looked_at = BitMap(range(at, stop))
        boxes = {
            id: stored((bits(facts.mailboxes.get(id, b"")) - looked_at) | BitMap(lying.get(id, ())))
            for id in {*facts.mailboxes, *lying}
        }
        now = replace(
            facts,
            mailboxes={id: bitmap for id, bitmap in boxes.items() if bitmap},
            **{name: stored((bits(getattr(facts, name)) - looked_at) | BitMap(docs)) for name, docs in marks.items()},
        )
        if now != facts:
            FACTS.put(tx, now, account, chunk)
        return stop

    def _row(self, tx: ReadTx, account: int, doc: int) -> Message | None:
        data = tx.get(keyspace.SEARCH_DOC.key(account, doc))
        if data is None:
            return None
        place = Place.unpack(data)
        return MESSAGES.find(tx, account, place.mailbox, place.uid)

    def _described(self, row: Message) -> bytes:
        try:
            return self.index.describe(parse(b"".join(self.mailstore.stream(row))))
        except (NotFound, Corrupt):
            return NO_WORDS  # gone meanwhile, or damaged: `mailkit check` tells of that


def _number(tx: ReadTx, account: int, box: bytes, uid: int) -> int | None:
    """Under which number a message is known; the number has to know it too."""
    raw = tx.get(keyspace.SEARCH_PLACE.key(account, box, uid))
    if raw is None:
        return None
    data = tx.get(keyspace.SEARCH_DOC.key(account, doc := int.from_bytes(raw, "big")))
    if data is None:
        return None
    place = Place.unpack(data)
    return doc if (place.mailbox, place.uid) == (box, uid) else None
