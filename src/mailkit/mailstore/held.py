"""Which holds keep a message. Pure."""

from collections.abc import Iterable

from mailkit.ids import Id
from mailkit.mailstore.records import Hold

__all__ = ["covering", "ended"]


def ended(hold: Hold, now: int) -> bool:
    """True when its time is over."""
    return hold.until is not None and hold.until <= now


def covering(holds: Iterable[Hold], mailbox: Id | bytes | None, now: int) -> tuple[Hold, ...]:
    """Those that keep what lies (or lay, when it was deleted) in a mailbox; of None, those on the whole account."""
    return tuple(hold for hold in holds if not ended(hold, now) and (hold.mailbox is None or hold.mailbox == mailbox))
