"""Text of strangers on a terminal: names and descriptions may hold what would move the cursor or forge a line. Pure."""

from typing import Final

__all__ = ["printable"]

_JOINERS: Final = "\u200c\u200d"  # part of how some scripts, and emoji, are written


def printable(text: str) -> str:
    """The text on one line: white space as blanks, whatever else does not print as U+FFFD."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _JOINERS else " " if each.isspace() else "\ufffd" for each in text
    )
