"""WildDuck's names for settings: each is an alias of a key of ours, with a type of its own on the wire.

WildDuck writes durations as milliseconds and sizes as bytes, both plain numbers; lists of durations as text.
"""

from typing import Any, Literal

from attrs import frozen

from mailkit.settings.kinds import DURATION, SIZE
from mailkit.settings.registry import Key

__all__ = ["ALIASES", "Alias", "from_wildduck", "to_wildduck"]

WireType = Literal["duration", "size", "number", "string"]
_LARGEST = (1 << 53) - 1  # what WildDuck shows for "no limit": the largest whole number of a JavaScript client


@frozen
class Alias:
    """`name` is WildDuck's, `key` ours; `title` is what a listing calls it."""

    name: str
    key: str
    type: WireType
    title: str


_TABLE: tuple[tuple[str, str, WireType, str], ...] = (
    ("const:archive:time", "archive.keep", "duration", "Archive time"),
    ("const:max:storage", "quota.default", "size", "Max storage"),
    ("const:max:recipients", "limits.recipients_per_day", "number", "Max recipients"),
    ("const:max:mailboxes", "limits.mailboxes", "number", "Max mailboxes"),
    ("const:max:rcpt_to", "limits.recipients_per_message", "number", "Max message recipients"),
    ("const:max:forwards", "limits.forwards_per_day", "number", "Max forwards"),
    ("const:authlog:time", "authlog.keep", "duration", "Auth log time"),
    ("const:autoreply:interval", "autoreply.interval", "duration", "Autoreply interval"),
    ("const:asp:limit", "limits.app_passwords", "number", "Application passwords"),
    ("const:max:imap:download", "limits.imap_download", "size", "Max IMAP download"),
    ("const:max:pop3:download", "limits.pop3_download", "size", "Max POP3 download"),
    ("const:max:imap:upload", "limits.imap_upload", "size", "Max IMAP upload"),
    ("const:max:filters", "limits.filters", "number", "Max filters"),
    ("const:sender:defer_times", "queue.retry_delays", "string", "Delivery retry delays"),
)

ALIASES: dict[str, Alias] = {row[0]: Alias(*row) for row in _TABLE}


def to_wildduck(alias: Alias, key: Key[Any], value: Any) -> int | str:
    """A value as WildDuck writes it."""
    if alias.type == "string":
        return key.kind.show(value)
    text = key.kind.show(value)
    if alias.type == "size":
        return _LARGEST if text == "unlimited" else SIZE.parse(text)
    return DURATION.parse(text) if alias.type == "duration" else int(text)


def from_wildduck(alias: Alias, value: int | str) -> str:
    """The text form of what a WildDuck client sent; ValueError when it has the wrong type."""
    if alias.type == "string":
        if not isinstance(value, str):
            raise ValueError("must be a string")
        parts = [part.strip() for part in value.split(",")]
        return ", ".join(f"{part}ms" if part.isascii() and part.isdigit() else part for part in parts)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a number")
    return f"{value}ms" if alias.type == "duration" else str(value)
