"""What an account's messages really add up to."""

from mailkit.mailstore.tables import MESSAGES
from mailkit.storage.api import ReadTx

__all__ = ["stored_bytes"]


def stored_bytes(account: int, *, tx: ReadTx) -> int:
    """The sum of the sizes of all messages in an account's mailboxes, in bytes. Walks all of them."""
    return sum(row.size for _, row in MESSAGES.scan(tx, account))
