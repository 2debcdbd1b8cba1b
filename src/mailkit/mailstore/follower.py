"""What the mail store tells others of, in the transaction in which it happens.

`kit.py` passes in a `Follower`. The law for whoever changes messages:

- every change to a message makes one call of `changed`, in the same transaction, after the rows were written: `Added`
  for each message that comes into being (stored, copied, restored), `Removed` for each that goes, `Moved` when it gets
  another mailbox or UID, `Flagged` when its flags or keywords change
- `Emptied` when a mailbox is deleted: its messages are gone for everybody, though their rows leave later, by a job,
  which tells `Removed` of each
- a move with new flags is a `Moved` followed by a `Flagged`; one on which a message is encrypted is a `Removed`
  followed by an `Added`
- removing all rows of an account at once (`erase`) needs no calls: all that lies behind its number goes
- `describe` is called before the transaction, for it may be slow; its bytes come back in `Added.described`.
  None there (of a copy, say, that nobody has parsed) leaves it to the follower to read the message later
"""

from typing import Protocol

from attrs import frozen

from mailkit.ids import Id
from mailkit.mailstore.records import Message, State
from mailkit.mime.parse import Message as Parsed
from mailkit.storage.api import Tx

__all__ = ["Added", "Change", "Emptied", "Flagged", "Follower", "Moved", "Nobody", "Removed"]


@frozen
class Added:
    """A message is there that wasn't."""

    account: int
    mailbox: Id
    uid: int
    row: Message
    state: State
    described: bytes | None


@frozen
class Removed:
    """A message is gone."""

    account: int
    mailbox: Id
    uid: int


@frozen
class Moved:
    """A message lies elsewhere now."""

    account: int
    mailbox: Id
    uid: int
    to: Id
    to_uid: int


@frozen
class Flagged:
    """A message has other flags; `state` is the new one."""

    account: int
    mailbox: Id
    uid: int
    state: State


@frozen
class Emptied:
    """A mailbox is gone with all messages in it."""

    account: int
    mailbox: Id


Change = Added | Removed | Moved | Flagged | Emptied


class Follower(Protocol):
    """Who wants to know."""

    def describe(self, message: Parsed) -> bytes:
        """What it wants to have of a message when that is added. No transaction is open."""
        ...

    def changed(self, tx: Tx, change: Change) -> None:
        """Does what follows from a change, in its transaction."""
        ...


class Nobody:
    """Nobody wants to know."""

    def describe(self, message: Parsed) -> bytes:
        return b""

    def changed(self, tx: Tx, change: Change) -> None:
        pass
