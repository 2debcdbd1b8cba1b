"""What the index in the Store writes when messages change, in their own transaction: one new value for the words of a
new message, two small ones for where it lies, and a bit here and there."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from mailkit.ids import Id
from mailkit.mailstore.follower import Added, Change, Emptied, Flagged, Moved, Removed
from mailkit.mailstore.records import FLAGS, State
from mailkit.search import waiting
from mailkit.search.delta import NO_WORDS
from mailkit.search.records import FACTS, SPAN, Facts, Place, bits, stored
from mailkit.storage import keyspace
from mailkit.storage.api import Tx

__all__ = ["follow"]

_FLAGS: Final = {"seen": FLAGS["\\Seen"], "flagged": FLAGS["\\Flagged"], "deleted": FLAGS["\\Deleted"]}


def follow(tx: Tx, change: Change, *, batch: int, merge_soon: Callable[[Tx, int], None]) -> None:
    """Takes up a change. `merge_soon(tx, account)` is called after each `batch` new messages."""
    match change:
        case Added():
            if _add(tx, change) % batch == batch - 1:
                merge_soon(tx, change.account)
        case Removed(account, mailbox, uid):
            doc = _forget_place(tx, account, mailbox, uid)
            if doc is not None:
                tx.delete(keyspace.SEARCH_DOC.key(account, doc))
                waiting.drop(tx, account, doc)
                tx.delete(keyspace.SEARCH_LATE.key(account, doc))
                facts = _facts(tx, account, doc)
                facts = _mark(facts, doc, dict.fromkeys(("live", *_FLAGS), False))
                _save(tx, _lie(facts, doc, mailbox, False), account, doc)
        case Moved(account, mailbox, uid, to, to_uid):
            doc = _forget_place(tx, account, mailbox, uid)
            if doc is not None:
                key = keyspace.SEARCH_DOC.key(account, doc)
                place = Place.unpack(tx.get(key) or bytes(24))
                tx.put(key, Place(to, to_uid, place.date).pack())
                tx.put(keyspace.SEARCH_PLACE.key(account, to, to_uid), doc.to_bytes(4, "big"))
                if to != mailbox:
                    facts = _lie(_facts(tx, account, doc), doc, mailbox, False)
                    _save(tx, _lie(facts, doc, to, True), account, doc)
        case Emptied(account, mailbox):
            for (_, chunk), facts in list(FACTS.scan(tx, account)):
                inside = bits(facts.mailboxes.get(bytes(mailbox), b""))
                if inside:
                    boxes = {id: bitmap for id, bitmap in facts.mailboxes.items() if id != mailbox}
                    live = stored(bits(facts.live) - inside)
                    FACTS.put(tx, replace(facts, live=live, mailboxes=boxes), account, chunk)
        case Flagged(account, mailbox, uid, state):
            raw = tx.get(keyspace.SEARCH_PLACE.key(account, mailbox, uid))
            if raw is not None:
                doc = int.from_bytes(raw, "big")
                before = _facts(tx, account, doc)
                facts = _mark(before, doc, _flags(state))
                if facts != before:
                    _save(tx, facts, account, doc)


def _add(tx: Tx, change: Added) -> int:
    account, mailbox, uid, row = change.account, change.mailbox, change.uid, change.row
    last = next(FACTS.scan(tx, account, reverse=True, limit=1), None)
    doc = 0 if last is None else last[1].next
    facts = Facts() if last is None or doc % SPAN == 0 else last[1]
    marks = {name: True for name, wanted in _flags(change.state).items() if wanted}
    facts = _mark(_lie(facts, doc, mailbox, True), doc, {"live": True, **marks}, next=doc + 1)
    _save(tx, facts, account, doc)
    tx.put(keyspace.SEARCH_PLACE.key(account, mailbox, uid), doc.to_bytes(4, "big"))
    tx.put(keyspace.SEARCH_DOC.key(account, doc), Place(mailbox, uid, row.idate).pack())
    if change.described is None:
        tx.put(keyspace.SEARCH_LATE.key(account, doc), b"")
    waiting.put(tx, account, doc, row, change.described or NO_WORDS)
    return doc


def _forget_place(tx: Tx, account: int, mailbox: Id, uid: int) -> int | None:
    key = keyspace.SEARCH_PLACE.key(account, mailbox, uid)
    raw = tx.get(key)
    if raw is None:
        return None  # from before there was an index; a rebuild finds it
    tx.delete(key)
    return int.from_bytes(raw, "big")


def _facts(tx: Tx, account: int, doc: int) -> Facts:
    return FACTS.get(tx, account, doc // SPAN)


def _save(tx: Tx, facts: Facts, account: int, doc: int) -> None:
    FACTS.put(tx, facts, account, doc // SPAN)


def _flags(state: State) -> dict[str, bool]:
    return {name: bool(state.flags & bit) for name, bit in _FLAGS.items()}


def _mark(facts: Facts, doc: int, marks: dict[str, bool], **more: Any) -> Facts:
    """The facts with a message in some bitmaps and out of others."""
    changed = {name: _with(getattr(facts, name), doc, wanted) for name, wanted in marks.items()}
    return replace(facts, **changed, **more)


def _with(data: bytes, doc: int, wanted: bool) -> bytes:
    if not data and not wanted:
        return data
    bitmap = bits(data)
    if (doc in bitmap) is wanted:
        return data
    (bitmap.add if wanted else bitmap.discard)(doc)
    return stored(bitmap)


def _lie(facts: Facts, doc: int, mailbox: Id, wanted: bool) -> Facts:
    """The facts with a message in a mailbox, or no longer."""
    key = bytes(mailbox)
    boxes = dict(facts.mailboxes)
    boxes[key] = _with(boxes.get(key, b""), doc, wanted)
    if not boxes[key]:
        del boxes[key]
    return replace(facts, mailboxes=boxes)
