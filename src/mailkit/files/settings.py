"""The setting of this package."""

from typing import Any

from mailkit.settings.kinds import SIZE
from mailkit.settings.registry import Key

__all__ = ["MOST", "SETTINGS"]

MOST: Key[int] = Key("files.max_bytes", SIZE, 1 << 30, "Bytes of stored files that an account may keep.", owner="files")

SETTINGS: tuple[Key[Any], ...] = (MOST,)
