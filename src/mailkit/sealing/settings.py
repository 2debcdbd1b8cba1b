"""Where the key is."""

from typing import Any

from mailkit.settings.kinds import TEXT
from mailkit.settings.registry import Key

__all__ = ["KEY_FILE", "SETTINGS"]

KEY_FILE: Key[str | None] = Key(
    "sealing.key_file",
    TEXT,
    None,
    "The file of keys that seeds and private keys are sealed with; unset: `secret.key` in the data folder.",
    scope="boot",
    owner="sealing",
)

SETTINGS: tuple[Key[Any], ...] = (KEY_FILE,)
