"""Gathers what `retain` decides on, in one view of the store."""

from mailkit.mailstore.archiving import holds_on
from mailkit.mailstore.held import covering
from mailkit.mailstore.reading import Entry
from mailkit.mailstore.records import Archived
from mailkit.mailstore.retain import Kept, retain_archived, retain_live
from mailkit.storage.api import ReadTx

__all__ = ["Fate", "archived_message", "live_message"]

Fate = tuple[int, int | None]
"""An account's retention (ms, 0 for ever), and when its data goes (UTC ms), if it is deleted."""


def live_message(account: int, entry: Entry, fate: Fate, *, keep: int, now: int, tx: ReadTx) -> Kept:
    """Of a message in a mailbox; `keep` is the setting `archive.keep`."""
    return retain_live(
        expires=entry.state.expires,
        chosen=entry.state.chosen,
        draft=entry.state.has("\\Draft"),
        mailbox_retention=entry.mailbox.retention,
        account_retention=fate[0],
        keep=keep,
        holds=covering(holds_on(account, tx), entry.mailbox.id, now),
        account_ends=fate[1],
    )


def archived_message(archived: Archived, fate: Fate, *, now: int, tx: ReadTx) -> Kept:
    """Of a message in the archive."""
    holds = covering(holds_on(archived.account, tx), archived.mailbox, now)
    return retain_archived(until=archived.until, holds=holds, account_ends=fate[1])
