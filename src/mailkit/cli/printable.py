"""Text of strangers on a terminal: names and descriptions may hold what would move the cursor or forge a line. Pure."""

from typing import Final

__all__ = ["is_text", "printable"]

_JOINERS: Final = "\u200c\u200d"  # part of how some scripts, and emoji, are written


def is_text(text: str) -> bool:
    """False when some of it were bytes that are no UTF-8, which Python keeps as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """The text on one line: white space as blanks, whatever else does not print as U+FFFD."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _JOINERS else " " if each.isspace() else "\ufffd" for each in text
    )
