"""Settings of accounts."""

from typing import Any

from mailkit.settings.kinds import URL, or_off
from mailkit.settings.registry import Key

__all__ = ["PASSWORD_RANGES", "SETTINGS"]

PASSWORD_RANGES: Key[str | None] = Key(
    "password.ranges",
    or_off(URL),
    None,
    "Where stolen passwords are looked up by the first five digits of their SHA-1, as at "
    "https://api.pwnedpasswords.com/range/; off: only the most common ones are known.",
    owner="accounts",
)

SETTINGS: tuple[Key[Any], ...] = (PASSWORD_RANGES,)
