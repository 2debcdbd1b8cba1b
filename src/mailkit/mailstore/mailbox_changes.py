"""Mailboxes that are renamed, altered or deleted, and what may not be (WildDuck 2.4, 3.7)."""

from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.errors import AlreadyExists, Invalid
from mailkit.mailstore import events
from mailkit.mailstore.paths import normal_path
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.tables import GONE, MAILBOXES
from mailkit.storage import keyspace
from mailkit.storage.api import Tx

__all__ = ["Alteration", "Keeps", "alter", "bury", "keeps"]


@frozen
class Alteration:
    """What is to become of a mailbox. What is None stays."""

    path: str | None = None
    retention: int | None = None
    """How long messages that come in from now on are kept, ms; 0: for ever."""
    subscribed: bool | None = None
    hidden: bool | None = None
    encrypt: bool | None = None
    """Messages that come in from now on are encrypted for the account's keys."""


@frozen
class Keeps:
    """Why a mailbox keeps its name or place; empty: it doesn't."""

    reason: str

    def __bool__(self) -> bool:
        return bool(self.reason)


def keeps(box: Mailbox, *, deleting: bool) -> Keeps:
    """Whether a mailbox is protected from being renamed or deleted. Folders with a special use may be renamed."""
    if box.path == "INBOX":
        return Keeps("INBOX cannot be renamed or deleted")
    if box.hidden:
        return Keeps("A hidden mailbox cannot be renamed or deleted")
    if deleting and box.special_use:
        return Keeps(f"A mailbox with the special use {box.special_use} cannot be deleted")
    return Keeps("")


def alter(account: int, box: Mailbox, wanted: Alteration, *, now: int, tx: Tx) -> Mailbox:
    """Applies `wanted`. Raises Invalid for a path that cannot be and `mailbox.reserved`, AlreadyExists."""
    path = box.path if wanted.path is None else normal_path(wanted.path)
    if path != box.path:
        _refuse(keeps(box, deleting=False))
        key = keyspace.MAILBOX_PATH.key(account, path)
        if tx.get(key) is not None:
            raise AlreadyExists("mailbox.exists", "Mailbox already exists", path=path)
        tx.delete(keyspace.MAILBOX_PATH.key(account, box.path))
        tx.put(key, box.id)
        journal.add(tx, events.box_event("mailbox.renamed", account, box, now=now, previous=box.path, current=path))
    after = replace(
        box,
        path=path,
        retention=box.retention if wanted.retention is None else wanted.retention,
        subscribed=box.subscribed if wanted.subscribed is None else wanted.subscribed,
        hidden=box.hidden if wanted.hidden is None else wanted.hidden,
        encrypt=box.encrypt if wanted.encrypt is None else wanted.encrypt,
    )
    MAILBOXES.replace(tx, box, after, account, box.id)
    return after


def bury(account: int, box: Mailbox, *, now: int, tx: Tx) -> None:
    """Deletes a mailbox: it is gone at once, its path is free, and a tombstone holds its messages until they left."""
    _refuse(keeps(box, deleting=True))
    tx.delete(keyspace.MAILBOX_PATH.key(account, box.path))
    MAILBOXES.delete(tx, account, box.id)
    GONE.put(tx, box, account, box.id)
    journal.add(tx, events.box_event("mailbox.deleted", account, box, now=now, path=box.path))


def _refuse(kept: Keeps) -> None:
    if kept:
        raise Invalid("mailbox.reserved", kept.reason)
