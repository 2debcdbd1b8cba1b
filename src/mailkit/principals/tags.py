"""Tags of users and addresses in their one form (WildDuck rules, W1.12). Pure."""

from collections.abc import Iterable

__all__ = ["normal_tags"]


def normal_tags(given: Iterable[str]) -> tuple[str, ...]:
    """Trimmed, without empty ones, each once in its first spelling whatever its case, sorted."""
    first: dict[str, str] = {}
    for tag in map(str.strip, given):
        if tag:
            first.setdefault(tag.lower(), tag)
    return tuple(first[key] for key in sorted(first))
