"""What a name after `in:` stands for (W3.8). Pure."""

from collections.abc import Sequence

from mailkit.mailstore.records import Mailbox
from mailkit.search.query import NOTHING, In, Query

__all__ = ["place"]

_SPECIAL = (
    ("spam", "\\Junk"),
    ("junk", "\\Junk"),
    ("sent", "\\Sent"),
    ("trash", "\\Trash"),
    ("deleted", "\\Trash"),
    ("drafts", "\\Drafts"),
)


def place(name: str, mailboxes: Sequence[Mailbox]) -> Query:
    """A mailbox by its id or exact path, INBOX in any spelling, or a special folder by a word that begins with what it
    is commonly called. An unknown name matches nothing."""
    path = name.removeprefix("/")
    for mailbox in mailboxes:
        if str(mailbox.id) == name.lower() or mailbox.path == path:
            return In((mailbox.id,))
    word = path.lower()
    if word == "inbox":
        found = [box.id for box in mailboxes if box.path == "INBOX"]
    else:
        uses = {use for start, use in _SPECIAL if word.startswith(start)}
        found = [box.id for box in mailboxes if box.special_use in uses]
    return In(tuple(found)) if found else NOTHING
