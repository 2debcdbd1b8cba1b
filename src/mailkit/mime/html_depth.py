"""Whether HTML nests deeper than it is safe to parse.

The standard's tree construction looks through all open elements at every `<div>`: nesting makes it quadratic, in every
conforming parser. Two megabytes of `<div>` would take minutes.
"""

import re

__all__ = ["MAX_DEPTH", "nests_too_deep"]

#: Elements open at once. Real mail stays below a hundred; tags that are never closed add up, hence the margin.
MAX_DEPTH = 2_000

_TAG = re.compile(r"<(/?)([a-zA-Z]+)")
# Elements that are never open (HTML standard 13.1.2), or that are closed by their like (13.1.2.4).
_FLAT = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "p", "li", "dt", "dd", "tr", "td", "th", "option", "thead", "tbody",
))  # fmt: skip


def nests_too_deep(source: str) -> bool:
    """Whether more than `MAX_DEPTH` elements are open at one place. Linear; at once for ordinary documents."""
    if source.count("<") <= MAX_DEPTH:
        return False
    depth = 0
    for tag in _TAG.finditer(source):
        if tag[2].lower() in _FLAT:
            continue
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False
