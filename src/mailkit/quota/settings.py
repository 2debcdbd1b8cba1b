"""The setting of this package."""

from typing import Any

from mailkit.quota.amounts import Bytes, Unlimited
from mailkit.settings.kinds import SIZE, Kind
from mailkit.settings.registry import Key

__all__ = ["DEFAULT", "SETTINGS"]


def _parse(text: str) -> Bytes | Unlimited:
    if text.strip().lower() == "unlimited":
        return Unlimited()
    return Bytes(SIZE.parse(text))


def _show(quota: Bytes | Unlimited) -> str:
    return SIZE.show(quota.n) if isinstance(quota, Bytes) else "unlimited"


DEFAULT: Key[Bytes | Unlimited] = Key(
    "quota.default",
    Kind("size | unlimited", _parse, _show),
    Bytes(1 << 30),
    "What accounts without a quota of their own may keep.",
    owner="quota",
)

SETTINGS: tuple[Key[Any], ...] = (DEFAULT,)
