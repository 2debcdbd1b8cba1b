"""Plugins: objects of other distributions, found by entry point, used when the setting `plugins` names them.

A name that no installed distribution knows in any of mailkit's groups is an error: a platform that lacks what it was
configured with would do something else than its operator thinks.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

from mailkit.errors import Invalid

__all__ = ["load", "unknown"]


def load(group: str, names: Sequence[str]) -> list[Any]:
    """The objects of an entry-point group that are named, in the order of the names."""
    if not names:
        return []
    found = {point.name: point for point in entry_points(group=group)}
    return [found[name].load() for name in names if name in found]


def unknown(names: Sequence[str]) -> None:
    """Raises Invalid `plugins.unknown` for the first name that is in none of mailkit's groups."""
    if not names:
        return
    points = entry_points()
    ours = (group for group in points.groups if group.startswith("mailkit."))
    known = {point.name for group in ours for point in points.select(group=group)}
    for name in names:
        if name not in known:
            raise Invalid.field("plugins", f"no plugin {name!r} is installed", code="plugins.unknown")
