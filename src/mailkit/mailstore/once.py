"""Bulk work that must not happen twice, however often it is repeated: how far it got, by a name that the caller gives.

Moving, removing and flagging repeat by themselves: what is done is found no more. A copy is not, so its steps note, in
the transaction that makes the copies, the last UID that was copied. A repeat under the same name goes on from there,
also beside one that still runs. Notes are forgotten a week after the last step.
"""

import hashlib
from collections.abc import Sequence

from msgspec import field

from mailkit.errors import Invalid
from mailkit.ids import Id
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.select import Found
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.tables import Table

__all__ = ["KEEP", "Note", "forget_some", "left", "note"]

KEEP = 7 * 86_400_000
"""How long a finished piece of work is known by its name, in ms."""

_LONGEST = 255
_STEP = 500


class Note(Record, frozen=True, kw_only=True):
    """How far the work is: the last UID done and the last one meant."""

    target: bytes = field(name="g")
    through: int = field(name="u")
    last: int = field(name="l")
    forget: int = field(name="f")  # ms


_NOTES = Table[Note](keyspace.ONCE, Codec(Note))


def _key(mailbox: Id, name: str) -> bytes:
    if not 0 < len(name) <= _LONGEST:
        raise Invalid.field("once", f'"once" must have 1 to {_LONGEST} characters')
    return hashlib.sha256(mailbox + name.encode("utf-8", "surrogatepass")).digest()


def left(
    account: int, box: Mailbox, target: Mailbox, name: str, found: Sequence[Found], *, tx: Tx
) -> tuple[Sequence[Found], Note]:
    """What of `found` is still to be done, and the note to go on with. Invalid on `once` when the name was given to
    work into another mailbox."""
    known = _NOTES.find(tx, account, _key(box.id, name))
    if known is None:
        return found, Note(target=target.id, through=0, last=box.uid_next - 1, forget=0)
    if known.target != target.id:
        raise Invalid.field("once", '"once" names a copy into another mailbox')
    return [one for one in found if known.through < one[0] <= known.last], known


def note(account: int, box: Mailbox, name: str, before: Note, through: int, *, now: int, tx: Tx) -> None:
    """Writes down that all up to the UID `through` is done."""
    key = _key(box.id, name)
    if before.forget:
        tx.delete(keyspace.ONCE_END.key(before.forget, account, key))
    after = Note(target=before.target, through=through, last=before.last, forget=now + KEEP)
    _NOTES.put(tx, after, account, key)
    tx.put(keyspace.ONCE_END.key(after.forget, account, key), b"")


def forget_some(*, now: int, tx: Tx) -> int:
    """Removes up to 500 notes whose time is over; returns how many."""
    due = [key for key, _ in tx.scan(keyspace.ONCE_END.key(0), keyspace.ONCE_END.key(now + 1), limit=_STEP)]
    for end in due:
        _, account, key = keyspace.ONCE_END.parts(end)
        tx.delete(keyspace.ONCE.key(account, key))
        tx.delete(end)
    return len(due)
