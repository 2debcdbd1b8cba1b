"""Mailbox paths: levels separated by `/`, INBOX in any spelling as the first (WildDuck 2.4, RFC 3501 5.1). Pure."""

import re
import unicodedata
from functools import lru_cache

from mailkit.errors import Invalid

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_LEVEL", "is_inbox", "leaf", "normal_path", "sort_key"]

MAX_DEPTH = 128
MAX_LEVEL = 512
"""Longest name of one level, in characters."""

MAX_BYTES = 16_384
"""Longest path, in bytes: levels of all lengths and in any number, but not the most of both. A list of an account's
mailboxes has them all, and is made in memory."""

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Controls, ends of lines, and what turns the direction of text: a name must not look like another place. Joiners stay,
which Persian and many emoji need."""


@lru_cache(maxsize=256)
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
    if len(path) > MAX_BYTES // 4 and len(path.encode("utf-8", "surrogatepass")) > MAX_BYTES:  # 4 a character at most
        raise Invalid.field(field, f'"{field}" must not have more than {MAX_BYTES} bytes', kind="max")
    if max(map(len, levels)) > MAX_LEVEL:
        raise Invalid.field(field, f'"{field}" must not have a level of more than {MAX_LEVEL} characters', kind="max")
    if _UNSEEN.search(path):
        raise Invalid.field(field, f'"{field}" must not have control characters in it')
    if is_inbox(levels[0]):
        levels[0] = "INBOX"
    return "/".join(levels)


def is_inbox(level: str) -> bool:
    """INBOX in any spelling: of its ASCII letters (RFC 3501 5.1), not of others that fold to them."""
    return level.isascii() and level.upper() == "INBOX"


def leaf(path: str) -> str:
    """The last level: what people see as the name."""
    return path.rpartition("/")[2]


def sort_key(path: str, subscribed: bool) -> tuple[int, int, str, str]:
    """INBOX, what lies below it, the subscribed ones, the rest; by path, accents and case aside (W2.4)."""
    rank = 0 if path == "INBOX" else 1 if path.startswith("INBOX/") else 2
    folded = path.casefold()
    letters = "".join(c for c in unicodedata.normalize("NFD", folded) if not unicodedata.combining(c))
    return rank, 0 if rank < 2 or subscribed else 1, letters, folded
