"""`mailkit check` for the index in the Store: what it says of messages is what the messages say.

Flags, mailboxes and places are compared for every message, words for some of them both ways: words of a message have to
find it, and what a word of the index finds has to have it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from pyroaring import BitMap

from mailkit.errors import Corrupt, MailKitError, NotFound
from mailkit.ids import Id
from mailkit.mailstore.records import FLAGS, Message
from mailkit.mailstore.service import MailStore
from mailkit.mailstore.tables import MAILBOXES, MESSAGES, STATES
from mailkit.mime.parse import parse
from mailkit.search.document import Document, Facts, document
from mailkit.search.match import matches
from mailkit.search.query import ASKED, FIELDS, Text
from mailkit.search.records import Place, bits
from mailkit.search.segment import CHUNK
from mailkit.search.store import StoreIndex
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store
from mailkit.storage.verify import Finding, error, rows

__all__ = ["verify"]

_SAMPLE: Final = 40
"""Messages of an account whose words are looked up, and terms of each segment whose messages are read."""

_MARKS: Final = {name: FLAGS[f"\\{name.capitalize()}"] for name in ("seen", "flagged", "deleted")}


def verify(store: Store, mailstore: MailStore, index: StoreIndex, accounts: Iterable[int]) -> Iterator[Finding]:
    """Looks at the index of every account. A rebuild puts right whatever is found."""
    for account in accounts:
        where = f"search index, account {account}"
        try:
            yield from _facts(store, account, index, where)
            yield from _segments(store, account, index, where)
            yield from _words(store, account, index, mailstore, where)
        except (MailKitError, ValueError, IndexError, KeyError) as problem:  # damaged bytes
            yield error(where, f"cannot be read: {problem}")


def _facts(store: Store, account: int, index: StoreIndex, where: str) -> Iterator[Finding]:
    """Every message has a number and a place, and the bitmaps say of it what its state says."""
    boxes = {box.id for _, box in rows(store, MAILBOXES, account) if not isinstance(box, Finding)}
    expected: dict[str, BitMap] = {name: BitMap() for name in ("live", *_MARKS)}
    lying: defaultdict[Id, BitMap] = defaultdict(BitMap)
    for key, state in rows(store, STATES, account):
        box, uid = keyspace.STATE.parts(key)[1:]
        if isinstance(state, Finding) or box not in boxes:
            continue
        with store.snapshot() as tx:
            raw = tx.get(keyspace.SEARCH_PLACE.key(account, box, uid))
            doc = None if raw is None else int.from_bytes(raw, "big")
            data = None if doc is None else tx.get(keyspace.SEARCH_DOC.key(account, doc))
            row = MESSAGES.find(tx, account, box, uid)
        if row is None:
            continue  # the mail store's part tells
        if doc is None or data is None or Place.unpack(data) != Place(Id(box), uid, row.idate):
            yield error(where, f"message {uid} of mailbox {Id(box)} is not known, or as another one")
            continue
        expected["live"].add(doc)
        lying[Id(box)].add(doc)
        for name, bit in _MARKS.items():
            if state.flags & bit:
                expected[name].add(doc)
    with store.snapshot() as tx:
        state_of = index.memory.state(tx, account)
    live = state_of.bitmap("live")
    for name, wanted in expected.items():
        yield from _differ(where, name, wanted, state_of.bitmap(name) & live)
    for id in {*lying, *(Id(box) for facts in state_of.facts for box in facts.mailboxes)}:
        said = BitMap.union(BitMap(), *(bits(facts.mailboxes.get(bytes(id), b"")) for facts in state_of.facts))
        yield from _differ(where, f"in mailbox {id}", lying[id], said & live)


def _differ(where: str, what: str, wanted: BitMap, said: BitMap) -> Iterator[Finding]:
    for some, text in ((wanted - said, f"not said to be {what}"), (said - wanted, f"wrongly said to be {what}")):
        if some:
            named = ", ".join(map(str, islice(some, 3)))
            yield error(where, f"{len(some)} messages are {text} (numbers {named}{', ...' if len(some) > 3 else ''})")


def _segments(store: Store, account: int, index: StoreIndex, where: str) -> Iterator[Finding]:
    """Every message has its words somewhere, and segments are whole."""
    with store.snapshot() as tx:
        asked = index.evaluation(tx, account)
        covered = BitMap(asked.recent.deltas)
        for segment in asked.segments:
            covered.update(segment.head.docs)
        lost = asked.live - covered
        listed = [
            (one.id, lookup.head.offsets[-1])
            for one, lookup in zip(asked.manifest.segments, asked.segments, strict=True)
        ]
    if lost:
        yield error(where, f"{len(lost)} messages have no words (the first has number {lost[0]})")
    for id, length in listed:
        with store.snapshot() as tx:
            size = sum(len(data) for _, data in tx.scan(*keyspace.SEARCH_BLOCK.range(account, id)))
        if size != length:
            yield error(where, f"segment {id} has {size} bytes in chunks of {CHUNK}, not {length}")


def _words(store: Store, account: int, index: StoreIndex, mailstore: MailStore, where: str) -> Iterator[Finding]:
    """Some messages are found by their words, and some words only find messages that have them."""
    with store.snapshot() as tx:
        asked = index.evaluation(tx, account)
        live = asked.live
        late = BitMap(keyspace.SEARCH_LATE.parts(key)[1] for key, _ in tx.scan(*keyspace.SEARCH_LATE.range(account)))
        sample = list(live - late)[:: max(1, len(live) // _SAMPLE)]
        terms: list[bytes] = []
        for segment in asked.segments:
            terms += segment.some_terms(_SAMPLE)
        terms += asked.recent.some_terms(_SAMPLE)
    terms = [term for term in terms if term[:1].decode() in "w" + ASKED and len(term) > 1]
    for doc in sample:
        known_as = _document(store, account, doc, mailstore)
        if known_as is None:
            continue
        for letter, words in zip(FIELDS, known_as.fields, strict=True):
            for word in [word for word in words if word][:: max(1, len(words) // 5)]:
                query = Text((word,), letter if letter in ASKED else "")
                with store.snapshot() as tx:
                    if doc not in index.evaluation(tx, account).answer(query):
                        yield error(where, f"message {doc} is not found by {word.decode()!r}")
    for term in terms:
        query = Text((term[1:],), "" if term[:1] == b"w" else term[:1].decode())
        with store.snapshot() as tx:
            found = index.evaluation(tx, account).answer(query) - late
        for doc in islice(found, 2):
            known_as = _document(store, account, doc, mailstore)
            if known_as is not None and not matches(query, known_as, _NO_FACTS):
                yield error(where, f"message {doc} is found by {term[1:].decode()!r}, which it has not")


_NO_FACTS: Final = Facts(0, 0, Id(bytes(12)), Id(bytes(12)), 0)


def _document(store: Store, account: int, doc: int, mailstore: MailStore) -> Document | None:
    """A message's words, read anew; None when it cannot be read, which others tell of."""
    with store.snapshot() as tx:
        row = _row(tx, account, doc)
    try:
        return None if row is None else document(parse(b"".join(mailstore.stream(row))))
    except (NotFound, Corrupt):
        return None


def _row(tx: ReadTx, account: int, doc: int) -> Message | None:
    data = tx.get(keyspace.SEARCH_DOC.key(account, doc))
    place = None if data is None else Place.unpack(data)
    return None if place is None else MESSAGES.find(tx, account, place.mailbox, place.uid)
