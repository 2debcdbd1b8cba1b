"""Whether HTML is beyond what is safe to parse.

The standard's parsing has two quadratic places, in every conforming parser: at a `<div>` it looks through all open
elements, at an attribute through those before it. Two megabytes of either would take minutes. Real mail stays far
below these limits.
"""

import re

__all__ = ["MAX_ATTRIBUTES", "MAX_DEPTH", "beyond_limits"]

#: Elements open at once. Tags that are never closed add up, hence the margin.
MAX_DEPTH = 2_000
#: Attributes of one tag.
MAX_ATTRIBUTES = 1_000

_TAG = re.compile(r"<(/?)([a-zA-Z]+)")
_WHOLE_TAG = re.compile(r"<[a-zA-Z](?:[^<>\"']++|\"[^\"]*+\"|'[^']*+'){0,100000}+")
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
# Below this many characters not even attributes alone can do harm.
_SMALL = 10_000
# Elements that are never open (HTML standard 13.1.2), or that are closed by their like (13.1.2.4).
_FLAT = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "p", "li", "dt", "dd", "tr", "td", "th", "option", "thead", "tbody",
))  # fmt: skip


def beyond_limits(source: str) -> bool:
    """Whether more than `MAX_DEPTH` elements are open at one place, or a tag has too many attributes. Linear."""
    if len(source) > _SMALL and any(
        len(tag[0]) > MAX_ATTRIBUTES and len(_QUOTED.sub(" ", tag[0]).split()) > MAX_ATTRIBUTES
        for tag in _WHOLE_TAG.finditer(source)
    ):
        return True
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
