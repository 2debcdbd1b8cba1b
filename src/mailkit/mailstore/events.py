"""What the journal says of changed mailboxes and messages. Its kinds are webhook events where there is one (W3.13).

message.added     mailbox, uid, message, thread, idate, junk (1, -1) when it crossed the border of Junk
message.removed   mailbox, uid, message, thread
message.changed   mailbox, uid, message, thread, flags, seen (when that is what changed)
mailbox.created   mailbox, path
mailbox.renamed   mailbox, previous, current
mailbox.deleted   mailbox, path
archive.purged    messages, bytes: how much went for good in one step
hold.placed, hold.released, hold.ended   hold, mailbox (None: the account), reason; by whom
marked.spam, marked.ham   mailbox, uid, and who wrote what: from, to, cc, bcc, messageId, subject, date
"""

from collections.abc import Iterable
from typing import Any

from mailkit.journal import Entry
from mailkit.mailstore.records import Correspondent, Mailbox, Message, State

__all__ = ["added", "box_event", "crossing", "crossing_uses", "marked", "message_changed", "removed"]

JUNK = "\\Junk"
TRASH = "\\Trash"


def _what(box: Mailbox, uid: int, row: Message) -> dict[str, Any]:
    return {"mailbox": box.id, "uid": uid, "message": row.id, "thread": row.thread}


def added(account: int, box: Mailbox, uid: int, row: Message, *, now: int, junk: int = 0) -> Entry:
    """A message came into a mailbox."""
    payload = {**_what(box, uid, row), "idate": row.idate}
    if junk:
        payload["junk"] = junk
    return Entry(kind="message.added", account=account, at=now, payload=payload)


def removed(account: int, box: Mailbox, uid: int, row: Message, *, now: int) -> Entry:
    """A message left a mailbox."""
    return Entry(kind="message.removed", account=account, at=now, payload=_what(box, uid, row))


def message_changed(account: int, box: Mailbox, uid: int, row: Message, old: State, new: State, *, now: int) -> Entry:
    """A message's flags, expiry or metadata became others."""
    payload = {**_what(box, uid, row), "flags": new.names}
    if old.has("\\Seen") != new.has("\\Seen"):
        payload["seen"] = new.has("\\Seen")
    return Entry(kind="message.changed", account=account, at=now, payload=payload)


def box_event(kind: str, account: int, box: Mailbox, *, now: int, **more: Any) -> Entry:
    """Something happened to a mailbox itself."""
    return Entry(kind=kind, account=account, at=now, payload={"mailbox": box.id, **more})


def crossing(source: Mailbox, target: Mailbox) -> int:
    """1 for a way into Junk, -1 for one out of it that doesn't end in Trash, else 0 (W2.5, PUT messages)."""
    return crossing_uses(source.special_use, target.special_use)


def crossing_uses(source: str | None, target: str | None) -> int:
    """The same by special use, for a source that may be gone."""
    if (source == JUNK) == (target == JUNK):
        return 0
    if target == JUNK:
        return 1
    return 0 if target == TRASH else -1


def marked(account: int, target: Mailbox, uid: int, row: Message, junk: int, *, now: int) -> Entry:
    """Somebody says what is spam (`junk` 1) and what is not (-1)."""
    payload = {
        "mailbox": target.id,
        "uid": uid,
        "from": _people(row.from_),
        "to": _people(row.to),
        "cc": _people(row.cc),
        "bcc": _people(row.bcc),
        "messageId": f"<{row.message_id}>" if row.message_id else "",
        "subject": row.subject,
        "date": row.hdate,
    }
    return Entry(kind="marked.spam" if junk > 0 else "marked.ham", account=account, at=now, payload=payload)


def _people(found: Iterable[Correspondent]) -> list[dict[str, str]]:
    plain = (member for who in found for member in ((who,) if who.members is None else who.members))
    return [{"name": who.name, "address": who.address} for who, _ in zip(plain, range(100), strict=False)]
