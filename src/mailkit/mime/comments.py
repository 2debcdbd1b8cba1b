"""Comments in structured fields (RFC 5322 3.2.2) taken out."""

import re

__all__ = ["without_comments"]

_PARENTHESES = re.compile(r"([()])")


def without_comments(text: str) -> str:
    """`text` with a space in place of each comment. They nest; one that never ends swallows the rest."""
    if "(" not in text:
        return text
    out: list[str] = []
    depth = 0
    for piece in _PARENTHESES.split(text):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(depth - 1, 0)
        elif not depth:
            out.append(piece)
    return " ".join(out)
