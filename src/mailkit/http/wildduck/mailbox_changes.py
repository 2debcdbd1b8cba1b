"""One mailbox: made, shown, altered, deleted (W2.4)."""

from typing import Any

from mailkit.accounts.mail_encryption import check_switch
from mailkit.accounts.settings import ENCRYPTION_ALLOWED
from mailkit.errors import Invalid
from mailkit.http.declare import UNSET, Rule, Schema, UnsetType, answer, request, takes
from mailkit.http.operation import read, write
from mailkit.http.wildduck import fields as take
from mailkit.http.wildduck.fields import Logged
from mailkit.http.wildduck.reach import user_within
from mailkit.http.wildduck.rules import HexId
from mailkit.ids import Id
from mailkit.kit import MailKit
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.mailbox_changes import Alteration
from mailkit.principals.permits import Caller
from mailkit.storage.api import Tx

__all__ = ["create_mailbox", "delete_mailbox", "get_mailbox", "update_mailbox"]

_LONGEST_PATH = 128 * 513


class _OrResolve(Rule):
    """A mailbox's id, or the word `resolve`: then `path` names it."""

    def read(self, value: object) -> Any:
        return value if value == "resolve" else HexId().read(value)

    def schema(self) -> Schema:
        return {"anyOf": [HexId().schema(), {"const": "resolve"}]}


@request
class CreateMailbox(Logged):
    """What mailbox."""

    user: Id = take.id24("The user, or `me`")
    path: str = take.text(_LONGEST_PATH, "Full path, with / between its levels", empty="refused")
    hidden: bool = take.flag("Leave it out of lists")
    retention: int = take.number("How long messages are kept, ms; 0: as the user's", least=0, default=0)
    encryptMessages: bool = take.flag("Encrypt what comes into it, for the user's key")


@answer
class MailboxMade:
    """The new mailbox."""

    id: str


@write
def create_mailbox(kit: MailKit, ask: CreateMailbox, caller: Caller, tx: Tx) -> MailboxMade:
    """Make a mailbox."""
    owner = user_within(kit, ask.user, caller, tx=tx)
    if ask.encryptMessages:
        check_switch(owner.profile, allowed=kit.settings.get(ENCRYPTION_ALLOWED))
    folder = Folder(
        ask.path,
        retention=ask.retention or (owner.profile.retention if owner.profile else 0),
        hidden=ask.hidden,
        encrypt=ask.encryptMessages,
    )
    return MailboxMade(id=str(kit.mailstore.create_mailbox(owner.number, folder, tx=tx).id))


@request
class GetMailbox(Logged):
    """Which mailbox."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id | str = takes(_OrResolve(), doc="The mailbox, or `resolve` to find it by `path`")
    path: str | None = take.text(_LONGEST_PATH, "The exact path to resolve", default=None)


@answer
class MailboxDetails:
    """A mailbox."""

    id: str
    name: str
    path: str
    specialUse: str | UnsetType = UNSET
    modifyIndex: int
    subscribed: bool
    hidden: bool
    encryptMessages: bool
    total: int
    unseen: int


@read
def get_mailbox(kit: MailKit, ask: GetMailbox, caller: Caller) -> MailboxDetails:
    """A mailbox, by id or path."""
    if isinstance(ask.mailbox, str) and ask.path is None:
        raise Invalid.field("path", '"path" is required', kind="required")
    with kit.store.snapshot() as tx:
        owner = user_within(kit, ask.user, caller, tx=tx)
        wanted = ask.path or "" if isinstance(ask.mailbox, str) else ask.mailbox
        row = kit.mailstore.mailbox(owner.number, wanted, tx=tx)
    return MailboxDetails(
        id=str(row.id),
        name=row.path.rpartition("/")[2],
        path=row.path,
        specialUse=row.special_use or UNSET,
        modifyIndex=row.modseq,
        subscribed=row.subscribed,
        hidden=row.hidden,
        encryptMessages=row.encrypt,
        total=row.total,
        unseen=row.unseen,
    )


@request
class UpdateMailbox(Logged):
    """What is to become of a mailbox."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")
    path: str | None = take.text(_LONGEST_PATH, "New full path; mailboxes below it keep theirs", default=None)
    retention: int | None = take.number("How long messages are kept from now on, ms", least=0, default=None)
    subscribed: bool | None = take.flag("Subscribed", default=None)
    hidden: bool | None = take.flag("Left out of lists", default=None)
    encryptMessages: bool | None = take.flag("Encrypt what comes into it from now on", default=None)


@answer
class MailboxDone:
    """Nothing is told but success."""


@write
def update_mailbox(kit: MailKit, ask: UpdateMailbox, caller: Caller, tx: Tx) -> MailboxDone:
    """Rename or alter a mailbox."""
    wanted = Alteration(
        path=ask.path,
        retention=ask.retention,
        subscribed=ask.subscribed,
        hidden=ask.hidden,
        encrypt=ask.encryptMessages,
    )
    if wanted == Alteration() and ask.sess is None:
        raise Invalid("update.nothing", "Nothing was changed")
    owner = user_within(kit, ask.user, caller, tx=tx)
    if ask.encryptMessages:
        check_switch(owner.profile, allowed=kit.settings.get(ENCRYPTION_ALLOWED))
    kit.mailstore.alter_mailbox(owner.number, ask.mailbox, wanted, tx=tx)
    return MailboxDone()


@request
class DeleteMailbox(Logged):
    """Which mailbox."""

    user: Id = take.id24("The user, or `me`")
    mailbox: Id = take.id24("The mailbox")


@write
def delete_mailbox(kit: MailKit, ask: DeleteMailbox, caller: Caller, tx: Tx) -> MailboxDone:
    """Delete a mailbox with its messages."""
    owner = user_within(kit, ask.user, caller, tx=tx)
    kit.mailstore.delete_mailbox(owner.number, ask.mailbox, tx=tx)
    return MailboxDone()
