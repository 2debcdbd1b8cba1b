"""Where mailboxes and messages are kept. All keys of an account's tables begin with the account's number."""

from collections.abc import Iterator

from mailkit.ids import Id
from mailkit.mailstore.records import Account, Archived, Hold, Mailbox, Message, State
from mailkit.storage import keyspace
from mailkit.storage.codec import Codec
from mailkit.storage.tables import Counter, Index, Table

__all__ = [
    "ACCOUNTS",
    "ARCHIVED",
    "ARCHIVED_ROWS",
    "ARCHIVE_SIZE",
    "BY_DELETION",
    "BY_END",
    "BY_HASH",
    "GONE",
    "HOLDS",
    "MAILBOXES",
    "MESSAGES",
    "STATES",
]

ACCOUNTS = Table[Account](keyspace.ACCOUNT, Codec(Account))
MAILBOXES = Table[Mailbox](keyspace.MAILBOX, Codec(Mailbox), missing="mailbox.not_found")
GONE = Table[Mailbox](keyspace.MAILBOX_GONE, Codec(Mailbox), missing="mailbox.not_found")
"""Tombstones: mailboxes that were deleted and whose messages leave step by step."""
MESSAGES = Table[Message](keyspace.MESSAGE, Codec(Message), missing="message.not_found")
STATES = Table[State](keyspace.STATE, Codec(State), missing="message.not_found")


def _deletion(row: Archived) -> Iterator[tuple[int, int, Id]]:
    yield row.account, row.deleted, row.id


def _end(row: Archived) -> Iterator[tuple[int, int, Id]]:
    yield row.until, row.account, row.id


def _hash(row: Archived) -> Iterator[tuple[bytes, int, Id]]:
    yield row.hash, row.account, row.id


BY_DELETION = Index[Archived](keyspace.ARCHIVED_AT, _deletion)
BY_END = Index[Archived](keyspace.ARCHIVE_END, _end)
BY_HASH = Index[Archived](keyspace.ARCHIVE_HASH, _hash)
ARCHIVED = Table[Archived](
    keyspace.ARCHIVED, Codec(Archived), indexes=(BY_DELETION, BY_END, BY_HASH), missing="message.not_found"
)
ARCHIVED_ROWS = Table[Message](keyspace.ARCHIVED_ROW, Codec(Message), missing="message.not_found")
"""The rows of archived messages as they were: the references to their content are theirs."""
ARCHIVE_SIZE = Counter(keyspace.ARCHIVE_SIZE)
"""Messages (0) and bytes (1) of an account's archive."""
HOLDS = Table[Hold](keyspace.HOLD, Codec(Hold), missing="hold.not_found")
