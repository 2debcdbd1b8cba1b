"""Times on WildDuck's wire (W1.14)."""

from mailkit.clock import to_datetime

__all__ = ["iso"]


def iso(ms: int) -> str:
    """UTC milliseconds as ISO 8601 with milliseconds and Z."""
    return to_datetime(ms).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
