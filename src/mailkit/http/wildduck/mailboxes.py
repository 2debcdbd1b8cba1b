"""Mailboxes of a user (W2.4)."""

from mailkit.http.declare import UNSET, UnsetType, answer, request
from mailkit.http.operation import read
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.records import Mailbox
from mailkit.principals.permits import Caller

__all__ = ["list_mailboxes"]


@request
class ListMailboxes(Logged):
    """Whose mailboxes, and which."""

    user: Id = take.id24("The user, or `me`")
    specialUse: bool = take.flag("INBOX and folders with a special use only")
    showHidden: bool = take.flag("Hidden ones as well")
    counters: bool = take.flag("Show `total` and `unseen`")
    sizes: bool = take.flag("Show `size`")


@answer
class MailboxRow:
    """A mailbox, as lists show it."""

    id: str
    name: str
    path: str
    specialUse: str | UnsetType = UNSET
    modifyIndex: int
    subscribed: bool
    retention: int | UnsetType = UNSET
    hidden: bool
    encryptMessages: bool
    total: int | UnsetType = UNSET
    unseen: int | UnsetType = UNSET
    size: int | UnsetType = UNSET


@answer
class Mailboxes:
    """All of a user's mailboxes: INBOX first, then by path."""

    results: tuple[MailboxRow, ...]


@read
def list_mailboxes(kit: MailKit, ask: ListMailboxes, caller: Caller) -> Mailboxes:
    """A user's mailboxes."""
    with kit.store.snapshot() as tx:
        owner = user_within(kit, ask.user, caller, tx=tx)
        rows = kit.mailstore.mailboxes(owner.number, tx=tx)
    shown = (row for row in rows if ask.showHidden or not row.hidden)
    if ask.specialUse:
        shown = (row for row in shown if row.special_use or row.path == "INBOX")
    return Mailboxes(results=tuple(_row(row, ask) for row in shown))


def _row(row: Mailbox, ask: ListMailboxes) -> MailboxRow:
    return MailboxRow(
        id=str(row.id),
        name=row.path.rpartition("/")[2],
        path=row.path,
        specialUse=row.special_use or UNSET,
        modifyIndex=row.modseq,
        subscribed=row.subscribed,
        retention=row.retention or UNSET,
        hidden=row.hidden,
        encryptMessages=row.encrypt,
        total=row.total if ask.counters else UNSET,
        unseen=row.unseen if ask.counters else UNSET,
        size=row.size if ask.sizes and row.total else UNSET,
    )
