"""Journal entries as what an update stream says of them (W3.12). Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mailkit.http.wildduck.times import iso
from mailkit.journal import Entry

__all__ = ["counted", "counters", "event_id", "events_of", "frame", "position_of"]

Event = tuple[dict[str, Any], bool]
"""What is said, and whether it has an id: notices that are only for those who listen now have none."""


def events_of(entry: Entry) -> tuple[Event, ...]:
    """What an entry tells a client; nothing for what is no concern of its."""
    said = entry.payload
    match entry.kind:
        case "message.added":
            event = {"command": "EXISTS", **_message(said), "idate": iso(said["idate"])}
            return (({**event, "junk": said["junk"]} if "junk" in said else event, True),)
        case "message.removed":
            return (({"command": "EXPUNGE", **_message(said)}, True),)
        case "message.changed":
            event = {"command": "FETCH", **_message(said), "flags": list(said["flags"])}
            return ((event, True),)
        case "mailbox.created":
            return (({"command": "CREATE", "mailbox": said["mailbox"].hex(), "path": said["path"]}, True),)
        case "mailbox.renamed":
            return (({"command": "RENAME", "mailbox": said["mailbox"].hex(), "path": said["current"]}, True),)
        case "mailbox.deleted":
            gone = said["mailbox"].hex()
            return ({"command": "DROP", "mailbox": gone}, False), ({"command": "DELETE", "mailbox": gone}, True)
        case "user.logout":
            return (({"command": "LOGOUT", "reason": said.get("reason", "")}, False),)
    return ()


def _message(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mailbox": said["mailbox"].hex(),
        "uid": said["uid"],
        "message": said["message"].hex(),
        "thread": said["thread"].hex(),
    }


def counted(entry: Entry) -> bytes | None:
    """The mailbox whose counters an entry changes, or None."""
    if entry.kind in ("message.added", "message.removed") or (
        entry.kind == "message.changed" and "seen" in entry.payload
    ):
        return bytes(entry.payload["mailbox"])
    return None


def counters(mailbox: bytes, total: int, unseen: int) -> dict[str, Any]:
    """The counters of a mailbox, told after a batch that changed them."""
    return {"command": "COUNTERS", "mailbox": mailbox.hex(), "total": total, "unseen": unseen}


def event_id(position: int) -> str:
    """A journal position in 24 hexadecimal digits."""
    return f"{position:024x}"


def position_of(id: str) -> int:
    """The position that an event's id means; 0 for what is none."""
    try:
        return int(id, 16) if len(id) == 24 and id.isalnum() else 0
    except ValueError:
        return 0


def frame(event: Mapping[str, Any], position: int | None) -> bytes:
    """One event on the wire: the lines of its JSON, its id where it has one, and an empty line."""
    text = msgspec.json.format(msgspec.json.encode(event), indent=2)
    lines = [b"data: " + line for line in text.split(b"\n")]
    if position is not None:
        lines.append(b"id: " + event_id(position).encode())
    return b"\n".join(lines) + b"\n\n"
