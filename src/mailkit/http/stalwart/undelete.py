"""Deleted messages: listed, restored (S9.3). What is held back here is what WildDuck's archive shows."""

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen

from mailkit.clock import to_datetime, to_ms
from mailkit.errors import NotFound
from mailkit.http.declare import UNSET, Refused, Rule, Schema, UnsetType, answer, request, takes
from mailkit.http.later import OnThread
from mailkit.http.operation import read, slow
from mailkit.http.stalwart import fields as take
from mailkit.http.structure import ListOf, Nested
from mailkit.kit import MailKit
from mailkit.mailstore.held import covering
from mailkit.mailstore.records import Archived
from mailkit.principals.permits import Caller

__all__ = ["list_deleted", "shown_hash", "undelete"]

_COLLECTIONS: Final = (
    "pushSubscription", "email", "mailbox", "thread", "identity", "emailSubmission", "sieveScript", "principal",
)  # fmt: skip


def _time(ms: int) -> str:
    return to_datetime(ms // 1000 * 1000).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def shown_hash(hash: bytes) -> str:
    """A content hash as it is on the wire: base64url without padding."""
    return base64.urlsafe_b64encode(hash).rstrip(b"=").decode()


@request
class ListDeleted:
    """Whose deleted messages."""

    account_id: str = take.in_path("The account's name")
    page: int = take.number("Which page, from 1")
    limit: int = take.number("Most rows on a page; 0: any number")


@answer
class DeletedMessage:
    """A deleted message; `hash` names it, and its bytes for `/store/blobs`."""

    hash: str
    size: int
    deletedAt: str
    expiresAt: str
    collection: str = "email"


@answer
class DeletedMessages:
    """A page of them, those deleted first first."""

    items: tuple[DeletedMessage, ...]
    total: int


@read
def list_deleted(kit: MailKit, ask: ListDeleted, caller: Caller) -> OnThread[DeletedMessages]:
    """An account's deleted messages that can be restored."""
    account = _account(kit, ask.account_id, caller)
    first = max(ask.page - 1, 0) * ask.limit
    last = first + ask.limit if ask.limit else None

    def walk() -> DeletedMessages:
        shown: list[DeletedMessage] = []
        total = 0
        for row in _there(kit, account):
            if total >= first and (last is None or total < last):
                shown.append(
                    DeletedMessage(
                        hash=shown_hash(row.hash),
                        size=row.size,
                        deletedAt=_time(row.deleted),
                        expiresAt=_time(row.until),
                    )
                )
            total += 1
        return DeletedMessages(items=tuple(shown), total=total)

    return OnThread(walk)


def _account(kit: MailKit, name: str, caller: Caller) -> int:
    with kit.store.snapshot() as tx:
        return kit.directory.named(name, caller, ("individual", "group"), tx=tx).number


def _there(kit: MailKit, account: int) -> Iterator[Archived]:
    """What can be restored, in order of deletion: not what only waits to be purged."""
    now, after = kit.clock(), None
    while True:
        with kit.store.snapshot() as tx:
            page = kit.mailstore.archive.by_deletion(account, after=after, tx=tx)
            holds = kit.mailstore.holds.list(account, limit=1000, tx=tx).items
        yield from (row for row in page if row.until > now or covering(holds, row.mailbox, now))
        if not page:
            return
        after = (page[-1].deleted, page[-1].id)


@frozen
class _Time(Rule):
    """A time as RFC 3339 has it, as UTC milliseconds."""

    nullable: bool = False

    def read(self, value: object) -> Any:
        if value is None and self.nullable:
            return None
        if isinstance(value, str) and "T" in value.upper():
            try:
                when = datetime.fromisoformat(value)
                return max(0, to_ms(when if when.tzinfo else when.replace(tzinfo=UTC)))
            except (ValueError, OverflowError):
                pass
        raise Refused.because("must be a time such as 2025-01-05T14:50:13Z", "date")

    def schema(self) -> Schema:
        return {"type": ["string", "null"] if self.nullable else "string", "format": "date-time"}


@frozen
class _Hash(Rule):
    """A content hash."""

    def read(self, value: object) -> bytes:
        if isinstance(value, str) and len(value) == 43:
            try:
                return base64.b64decode(value + "=", altchars=b"-_", validate=True)
            except (binascii.Error, ValueError):
                pass
        raise Refused.because("must be a hash of 43 characters", "hash")

    def schema(self) -> Schema:
        return {"type": "string", "minLength": 43, "maxLength": 43}


@request
class Undelete:
    """One message to restore."""

    hash: bytes = takes(_Hash(), doc="Its `hash`")
    collection: str = take.choice(_COLLECTIONS, "What it is; only `email` can be restored")
    restoreTime: int = takes(_Time(), doc="When it shall have been received: its `deletedAt`")
    cancelDeletion: int | None = takes(
        _Time(nullable=True), default=None, doc="Its `expiresAt`, to take it out of the list as well"
    )


_SOME = ListOf(Nested(Undelete))


@frozen
class _AllOr(Rule):
    """A list of objects, or null for everything there is."""

    def read(self, value: object) -> Any:
        return None if value is None else _SOME.read(value)

    def schema(self) -> Schema:
        return {"anyOf": [_SOME.schema(), {"type": "null"}]}


@request
class UndeleteSome:
    """Whose messages, and which."""

    account_id: str = take.in_path("The account's name")
    wanted: tuple[Undelete, ...] | None = takes(_AllOr(), doc="Which messages; null: all", source="body")


@answer
class Undeleted:
    """What became of one of them."""

    type: str
    reason: str | UnsetType = UNSET


_SUCCESS, _NOT_FOUND = Undeleted(type="success"), Undeleted(type="notFound")


@slow
def undelete(kit: MailKit, ask: UndeleteSome, caller: Caller) -> tuple[Undeleted, ...]:
    """Restore deleted messages to the Inbox, one after the other; the first that finds no room ends it."""
    account = _account(kit, ask.account_id, caller)
    if ask.wanted is None:
        everything = list(_there(kit, account))
        return tuple(_restore(kit, account, row, idate=None, stays=False) for row in everything)
    return tuple(_one(kit, account, wanted) for wanted in ask.wanted)


def _one(kit: MailKit, account: int, wanted: Undelete) -> Undeleted:
    if wanted.collection != "email":
        return Undeleted(type="error", reason="Unsupported collection")
    rows = kit.mailstore.archive.with_hash(wanted.hash, account)
    at = wanted.restoreTime // 1000
    row = next((row for row in rows if row.deleted // 1000 == at), rows[0] if rows else None)
    if row is None:
        return _NOT_FOUND
    cancels = wanted.cancelDeletion is not None and wanted.cancelDeletion // 1000 == row.until // 1000
    return _restore(kit, account, row, idate=wanted.restoreTime, stays=not cancels)


def _restore(kit: MailKit, account: int, row: Archived, *, idate: int | None, stays: bool) -> Undeleted:
    try:
        kit.mailstore.archive.restore(account, row.id, mailbox="INBOX", flags=(), idate=idate, stays=stays)
    except NotFound:
        return _NOT_FOUND
    return _SUCCESS
