"""Where mailboxes and messages are kept. All keys begin with the account's number."""

from mailkit.mailstore.records import Account, Mailbox, Message, State
from mailkit.storage import keyspace
from mailkit.storage.codec import Codec
from mailkit.storage.tables import Table

__all__ = ["ACCOUNTS", "GONE", "MAILBOXES", "MESSAGES", "STATES"]

ACCOUNTS = Table[Account](keyspace.ACCOUNT, Codec(Account))
MAILBOXES = Table[Mailbox](keyspace.MAILBOX, Codec(Mailbox), missing="mailbox.not_found")
GONE = Table[Mailbox](keyspace.MAILBOX_GONE, Codec(Mailbox), missing="mailbox.not_found")
"""Tombstones: mailboxes that were deleted and whose messages leave step by step."""
MESSAGES = Table[Message](keyspace.MESSAGE, Codec(Message), missing="message.not_found")
STATES = Table[State](keyspace.STATE, Codec(State), missing="message.not_found")
