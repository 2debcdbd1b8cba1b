"""The setting of this package."""

from typing import Any

from mailkit.settings.kinds import whole
from mailkit.settings.registry import Key

__all__ = ["MOST_VANISHED", "SETTINGS"]

MOST_VANISHED: Key[int] = Key(
    "mailstore.most_vanished",
    whole(0),
    10_000,
    "Removed messages that a mailbox remembers after a sweep, for clients that come back; for what was removed before, "
    "they compare lists.",
    owner="mailstore",
)

SETTINGS: tuple[Key[Any], ...] = (MOST_VANISHED,)
