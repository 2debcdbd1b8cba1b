"""Settings of accounts."""

from typing import Any

from mailkit.settings.kinds import FLAG, URL, or_off
from mailkit.settings.registry import Key

__all__ = ["ENCRYPTION_ALLOWED", "PASSWORD_RANGES", "SETTINGS"]

PASSWORD_RANGES: Key[str | None] = Key(
    "password.ranges",
    or_off(URL),
    None,
    "Where stolen passwords are looked up by the first five digits of their SHA-1, as at "
    "https://api.pwnedpasswords.com/range/; off: only the most common ones are known.",
    owner="accounts",
)

ENCRYPTION_ALLOWED: Key[bool] = Key(
    "encryption.allowed",
    FLAG,
    True,
    "Accounts may have their mail encrypted; where that is switched on, it stays so.",
    owner="accounts",
)

SETTINGS: tuple[Key[Any], ...] = (PASSWORD_RANGES, ENCRYPTION_ALLOWED)
