"""Mailbox paths: levels separated by `/`, INBOX in any spelling as the first (WildDuck 2.4, RFC 3501 5.1). Pure."""

from mailkit.errors import Invalid

__all__ = ["MAX_DEPTH", "MAX_LEVEL", "leaf", "normal_path", "sort_key"]

MAX_DEPTH = 128
MAX_LEVEL = 512
"""Longest name of one level, in characters."""


def normal_path(path: str, field: str = "path") -> str:
    """The path as it is stored; Invalid naming `field` when it cannot be one."""
    path = path.removeprefix("/")
    levels = path.split("/")
    if not path:
        raise Invalid.field(field, f'"{field}" is not allowed to be empty', kind="empty")
    if "" in levels:
        raise Invalid.field(field, f'"{field}" must not have empty levels: no "//" and no "/" at the end')
    if len(levels) > MAX_DEPTH:
        raise Invalid.field(field, f'"{field}" must not have more than {MAX_DEPTH} levels', kind="max")
    if any(len(level) > MAX_LEVEL for level in levels):
        raise Invalid.field(field, f'"{field}" must not have a level of more than {MAX_LEVEL} characters', kind="max")
    if any(not level.isprintable() for level in levels):
        raise Invalid.field(field, f'"{field}" must not have control characters in it')
    if levels[0].upper() == "INBOX":
        levels[0] = "INBOX"
    return "/".join(levels)


def leaf(path: str) -> str:
    """The last level: what people see as the name."""
    return path.rpartition("/")[2]


def sort_key(path: str, subscribed: bool) -> tuple[int, int, str]:
    """INBOX, what lies below it, the subscribed ones, the rest; by path, case aside (W2.4)."""
    rank = 0 if path == "INBOX" else 1 if path.startswith("INBOX/") else 2
    return rank, 0 if rank < 2 or subscribed else 1, path.casefold()
