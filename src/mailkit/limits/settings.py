"""The defaults of limits that accounts may have values of their own for."""

from typing import Any

from mailkit.settings.kinds import FLAG, SIZE, whole
from mailkit.settings.registry import Key

__all__ = ["SETTINGS"]


def _count(name: str, default: int, doc: str) -> Key[int]:
    return Key(f"limits.{name}", whole(0), default, doc, owner="limits")


def _traffic(name: str, doc: str) -> Key[int]:
    return Key(f"limits.{name}", SIZE, 10 << 30, doc, owner="limits")


RECIPIENTS_PER_DAY = _count("recipients_per_day", 2000, "Recipients that an account may send to in a day.")
FORWARDS_PER_DAY = _count("forwards_per_day", 2000, "Forwarded copies of an account or address in a day.")
RECIPIENTS_PER_MESSAGE = _count("recipients_per_message", 400, "Recipients of one submitted message.")
RECEIVED_PER_MINUTE = _count("received_per_minute", 60, "Messages that an account takes in a minute.")
ENFORCE_RECEIVED = Key(
    "limits.enforce_received",
    FLAG,
    False,
    "Put off, with 450, what exceeds `limits.received_per_minute`. An account's own limit is kept in any case; this"
    " is for servers without a gateway that does so.",
    owner="limits",
)
MAILBOXES = _count("mailboxes", 1500, "Mailboxes of an account.")
FILTERS = _count("filters", 400, "Filters of an account.")
APP_PASSWORDS = _count("app_passwords", 50, "Application passwords of an account.")
IMAP_UPLOAD = _traffic("imap_upload", "Bytes that an account may upload over IMAP in a day.")
IMAP_DOWNLOAD = _traffic("imap_download", "Bytes that an account may download over IMAP in a day.")
POP3_DOWNLOAD = _traffic("pop3_download", "Bytes that an account may download over POP3 in a day.")

SETTINGS: tuple[Key[Any], ...] = (
    RECIPIENTS_PER_DAY,
    FORWARDS_PER_DAY,
    RECIPIENTS_PER_MESSAGE,
    RECEIVED_PER_MINUTE,
    ENFORCE_RECEIVED,
    MAILBOXES,
    FILTERS,
    APP_PASSWORDS,
    IMAP_UPLOAD,
    IMAP_DOWNLOAD,
    POP3_DOWNLOAD,
)
