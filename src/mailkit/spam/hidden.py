"""HTML that a reader doesn't see because its style says so: told apart from what is seen.

Spam hides good words in it; newsletters the line that mailboxes show beside the subject. So it is no lie by itself,
but it must not come first, and how much there is of it tells something.
"""

import re
from typing import Final

from mailkit.spam.shapes import step

__all__ = ["part_hidden"]

# Looked for only in pages that have any style, and such a property: most are then never searched.
_HIDING: Final = {
    b"display": re.compile(rb"display\s{0,2}:\s{0,2}none"),
    b"visibility": re.compile(rb"visibility\s{0,2}:\s{0,2}hidden"),
    b"mso-hide": re.compile(rb"mso-hide\s{0,2}:\s{0,2}all"),
    b"max-height": re.compile(rb"max-height\s{0,2}:\s{0,2}0(?![.\d])"),
    b"font-size": re.compile(rb"font-size\s{0,2}:\s{0,2}[01](?:px|pt)?(?![.\w%])"),
    b"opacity": re.compile(rb"opacity\s{0,2}:\s{0,2}0(?![.\d])"),
    b"text-indent": re.compile(rb"text-indent\s{0,2}:\s{0,2}-\d"),
}
_TAG: Final = re.compile(rb"<([a-z][a-z0-9]{0,9})[\s/]")
_EMPTY: Final = frozenset(b"area base br col embed hr img input link meta source track wbr".split())
_LONGEST_TAG: Final = 2_000
_MOST_FOUND: Final = 40
_MOST_NESTED: Final = 200


def part_hidden(html: bytes, lower: bytes) -> tuple[bytes, bytes, list[bytes]]:
    """The page without its hidden elements; these, joined; and features of how they are hidden. `lower` is `html` in
    lower case.
    """
    find = lower.find
    if find(b"style") < 0:
        return html, b"", []
    marks: list[bytes] = []
    spans: list[tuple[int, int]] = []
    for property, pattern in _HIDING.items():
        at = find(property)
        if at < 0:
            continue
        for number, found in enumerate(pattern.finditer(lower, at)):
            if not number:
                marks.append(property + b" hides")
            if len(spans) >= _MOST_FOUND or number >= _MOST_FOUND:
                break
            span = _element(lower, found.start())
            if span is not None:
                spans.append(span)
    if not spans:
        return html, b"", marks
    seen: list[bytes] = []
    hidden: list[bytes] = []
    at = 0
    for start, end in sorted(spans):
        if start >= at:  # else within another
            seen.append(html[at:start])
            hidden.append(html[start:end])
            at = end
    marks.append(b"hidden " + step(sum(map(len, hidden)) // 256))
    return b" ".join((*seen, html[at:])), b" ".join(hidden), marks


def _element(lower: bytes, at: int) -> tuple[int, int] | None:
    """The element whose tag holds the byte at `at`; None if that is in no tag, or the tag of no element."""
    start = lower.rfind(b"<", max(at - _LONGEST_TAG, 0), at)
    if start < 0 or lower.find(b">", start, at) >= 0:
        return None
    tag = _TAG.match(lower, start)
    if tag is None or tag[1] in _EMPTY:
        return None
    name, depth, here = tag[1], 1, at
    for _ in range(_MOST_NESTED):
        closing = lower.find(b"</" + name, here)
        if closing < 0:
            return None  # never closed: a mistake, or a trick to hide all the rest from filters
        opening = lower.find(b"<" + name, here, closing)
        if opening >= 0:
            here = opening + 1
            depth += lower[opening + len(name) + 1 : opening + len(name) + 2] in (b" ", b">", b"\n", b"\t", b"\r", b"/")
            continue
        depth -= 1
        here = closing + 2
        if not depth:
            end = lower.find(b">", closing)
            return start, end + 1 if end >= 0 else len(lower)
    return None
