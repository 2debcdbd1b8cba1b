"""Messages that are flagged, moved or removed: one, a list, a range, or all of a mailbox (W2.5)."""

from typing import Any

from mailkit.errors import Invalid, NotFound
from mailkit.http.declare import answer, request, takes
from mailkit.http.operation import slow
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.rules import Made
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.flags import Change
from mailkit.mailstore.selection import MOST_IDS, Selection, parse_selection
from mailkit.principals.permits import Caller

__all__ = ["delete_message", "delete_messages", "update_messages"]


def _selection(doc: str) -> Any:
    return takes(Made(parse_selection, most=11 * MOST_IDS, empty="refused"), doc=doc)


@request
class UpdateMessages(Logged):
    """Which messages, and what is to become of them. What is left out stays."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    message: Selection = _selection("An id, a list (1,5,9) or a range (3:10, 3:*)")
    moveTo: Id | None = take.id24("The mailbox to move them to", default=None)
    seen: bool | None = take.flag("Read", default=None)
    deleted: bool | None = take.flag("Marked for deletion", default=None)
    flagged: bool | None = take.flag("Flagged", default=None)
    draft: bool | None = take.flag("A draft", default=None)
    expires: int | bool | None = take.date_or_false("When they are removed, or false for never")
    metaData: str | None = take.meta("Anything of the client's own")


@answer
class UpdatedMessages:
    """How many messages that were."""

    updated: int


@answer
class MovedMessages:
    """Where they are: pairs of old and new ids."""

    mailbox: str
    id: tuple[tuple[int, int], ...]


@slow
def update_messages(kit: MailKit, ask: UpdateMessages, caller: Caller) -> UpdatedMessages | MovedMessages:
    """Change flags, expiry or metadata of messages, or move them."""
    change = _change(ask)
    if change.nothing and ask.moveTo is None:
        raise Invalid("update.nothing", "Nothing was changed")
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    if ask.moveTo is None:
        updated = kit.mailstore.update(account, ask.mailbox, ask.message, change)
        if not updated:
            raise NotFound("message.not_found", "This message does not exist")
        return UpdatedMessages(updated=updated)
    moved = kit.mailstore.move(account, ask.mailbox, ask.message, ask.moveTo, change)
    if not moved:
        raise NotFound("message.not_found", "This message does not exist")
    return MovedMessages(mailbox=str(ask.moveTo), id=tuple((one.old, one.new) for one in moved))


def _change(ask: UpdateMessages) -> Change:
    wanted = {"\\Seen": ask.seen, "\\Deleted": ask.deleted, "\\Flagged": ask.flagged, "\\Draft": ask.draft}
    return Change(
        add=frozenset(flag for flag, on in wanted.items() if on),
        remove=frozenset(flag for flag, on in wanted.items() if on is False),
        expires=None if ask.expires is None else int(ask.expires),
        meta=ask.metaData,
    )


@request
class DeleteMessage(Logged):
    """Which message."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    message: int = take.number("The message's id in its mailbox", least=1)


@answer
class MessageDeleted:
    """Nothing is told but success."""


@slow
def delete_message(kit: MailKit, ask: DeleteMessage, caller: Caller) -> MessageDeleted:
    """Remove a message; unless it is a draft, it can be restored from the archive."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    if not kit.mailstore.remove(account, ask.mailbox, Selection.of([ask.message])):
        raise NotFound("message.not_found", "Message was not found")
    return MessageDeleted()


@request
class DeleteMessages(Logged):
    """Which mailbox's messages."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    async_: bool = take.flag("Have it done in the background")
    skipArchive: bool = take.flag("Keep no copies in the archive")


@answer
class MailboxCleared:
    """What was removed."""

    deleted: int
    errors: int


@answer
class ClearingScheduled:
    """The job that removes them; `existing` says that it was waiting before."""

    existing: bool
    scheduled: str


@slow
def delete_messages(kit: MailKit, ask: DeleteMessages, caller: Caller) -> MailboxCleared | ClearingScheduled:
    """Remove all messages of a mailbox, the newest first; they can be restored from the archive."""
    with kit.store.snapshot() as tx:
        account = user_within(kit, ask.user, caller, tx=tx).number
    try:
        if ask.async_:
            job, existing = kit.mailstore.clear_later(account, ask.mailbox, skip_archive=ask.skipArchive)
            return ClearingScheduled(existing=existing, scheduled=str(job))
        deleted = kit.mailstore.clear(account, ask.mailbox, skip_archive=ask.skipArchive)
        return MailboxCleared(deleted=deleted, errors=0)
    except NotFound as error:
        if error.code != "mailbox.not_found":
            raise
        return MailboxCleared(deleted=0, errors=0)  # a mailbox that is not there is empty (W2.5)
