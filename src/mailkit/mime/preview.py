"""The line that a message list shows under the subject (WildDuck's `intro`)."""

import re

__all__ = ["PREVIEW_CHARACTERS", "preview"]

PREVIEW_CHARACTERS = 128
_CONSIDERED = 2_048

_BRACKETED = re.compile(r"\[[^\[\]]*\]")
_QUOTED_LINE = re.compile(r"^>.*$", re.MULTILINE)
_RULE_LINE = re.compile(r"^[ \t]*(\S)\1+[ \t]*$", re.MULTILINE)


def preview(text: str) -> str:
    """The first `PREVIEW_CHARACTERS` of what the sender wrote: no link targets, quoted lines or ruler lines."""
    text = text[:_CONSIDERED]
    if "[" in text:
        text = _BRACKETED.sub("", text)
    if ">" in text:
        text = _QUOTED_LINE.sub("", text)
    text = " ".join(_RULE_LINE.sub("", text).split())
    if len(text) <= PREVIEW_CHARACTERS:
        return text
    cut = text.rfind(" ", 0, PREVIEW_CHARACTERS)
    return text[: cut if cut > 0 else PREVIEW_CHARACTERS] + "…"
