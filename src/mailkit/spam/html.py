"""HTML text parts: the words a reader sees, and the tricks that hide or bend them.

Not a parser: spam is rarely well-formed, and one linear pass is 50 times cheaper. Tags that don't break words (`<b>`,
`<span>`, comments) vanish, so that `V<b></b>iagra` is one word; all others become a space.
"""

import re
from collections import Counter
from html import unescape
from typing import Final

from mailkit.spam.shapes import organisation, step

__all__ = ["MOST_TAGS", "both_ends", "html_text", "html_tokens"]

_INLINE: Final = frozenset(
    mark + name
    for name in b"b i u a s q em tt big sub sup wbr font span abbr code small strong o:p".split()
    for mark in (b"", b"/")
)
_TAG: Final = re.compile(rb"<([!?/]?[a-zA-Z][a-zA-Z0-9:]*+)[^<>]*+>?")
_LONGEST_LINK: Final = 1_100
_LINK_TEXT: Final = re.compile(rb">(?:https?://|www\.)")
_LINK: Final = re.compile(
    rb"<a\s[^<>]{0,300}?href\s{0,3}=[\s\"']{0,3}(?:https?:)?//([^\s\"'<>/?#]{1,200})[^<>]{0,500}>"
    rb"(?:https?://|(?=www\.))((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,20})[\s/<]"
)
_ACTIVE: Final = (b"javascript:", b"bgcolor")
_DATA: Final = (b"data:image", b"data:text")
_COUNTED: Final = ((b"&#", b"references "), (b"<!--", b"comments "))
_UNSEEN: Final = {b"<!--": (b"-->", b""), b"<style": (b"</style", b" "), b"<script": (b"</script", b" ")}
"""What begins text that a reader doesn't see -> what ends it (up to the next ">"), and what stands in its place."""
_MOST_UNSEEN: Final = 400
MOST_TAGS: Final = 4_000
_MOST_REFERENCES: Final = 2_000


def both_ends(text: bytes, room: int) -> bytes:
    """The text, or its beginning and, a quarter, its end."""
    if len(text) <= room:
        return text
    return text[: room - room // 8] + b"\n" + text[len(text) - room // 8 :]


def html_text(html: bytes, lower: bytes, room: int, most_tags: int = MOST_TAGS) -> tuple[bytes, Counter[bytes]]:
    """`both_ends` of the text that is left when tags, comments, styles and scripts are gone (UTF-8, then references are
    resolved), and how often each of the first `most_tags` tags occurs (1 at least). `lower` is `html` in lower case.
    """
    # Not `in`: it first tries the mark as a number, and what it raises and drops costs more than a short search.
    if lower.find(b"<style") >= 0 or lower.find(b"<script") >= 0 or lower.find(b"<!--") >= 0:
        html = _without_unseen(html, lower)
    pieces = _TAG.split(html, most_tags)  # text, tag, text, tag, ..., text
    tags = list(map(bytes.lower, pieces[1::2]))
    pieces[1::2] = [b"" if tag in _INLINE else b" " for tag in tags]
    text = both_ends(b"".join(pieces), room)
    if 0x26 in text:  # "&"
        if text.count(b"&") > _MOST_REFERENCES:
            text = text[: 4 * _MOST_REFERENCES]
        text = unescape(text.decode("utf-8", "replace")).encode("utf-8", "replace")
    return text, Counter(tags)


def _without_unseen(html: bytes, lower: bytes) -> bytes:
    """Without the first 400 comments, and with a space for each style sheet and script. What is not closed goes to
    the end."""
    kept: list[bytes] = []
    start = 0
    # Where each next begins, or behind the end: one that isn't there is searched once.
    after = dict.fromkeys(_UNSEEN, -1)
    for _ in range(_MOST_UNSEEN):
        for opening, at in after.items():
            if at < start:
                at = lower.find(opening, start)
                after[opening] = at if at >= 0 else len(lower)
        opening = min(after, key=after.__getitem__)
        at = after[opening]
        kept.append(html[start:at])
        if at == len(lower):
            return b"".join(kept)
        closing, instead = _UNSEEN[opening]
        kept.append(instead)
        end = lower.find(closing, at)
        start = lower.find(b">", end + len(closing) - 1) + 1
        if end < 0 or start <= 0:
            return b"".join(kept)
    return b"".join((*kept, html[start:]))


def html_tokens(lower: bytes, text: bytes, tags: Counter[bytes]) -> tuple[list[bytes], set[bytes]]:
    """Signs of how the page was made, and the hosts that links to other ones name in their text. `lower` is the page in
    lower case; `text` and `tags` are what `html_text` found in it.
    """
    out = [b"<" + tag[:12] for tag in tags if tag[:1] != b"/"][:60]
    find = lower.find
    if find(b"@media") >= 0:
        out.append(b"@media")
    out += [mark for mark in _ACTIVE if find(mark) >= 0]
    if find(b"data:") >= 0:
        out += [mark for mark in _DATA if find(mark) >= 0]
    out.append(b"pictures " + step(tags[b"img"]))
    out.append(b"links " + step(tags[b"a"]))
    out.append(b"share of text " + step(16 * len(text) // (len(lower) + 1)))
    for mark, what in _COUNTED:
        count = lower.count(mark)
        if count:
            out.append(what + step(count))
    if find(b">http") >= 0 or find(b">www.") >= 0:
        same, other = _hosts_as_text(lower)
        out += [b"link text is the link's host"] * same
        out += [b"link text is another host"] * len(other)
        return out, set(other)
    return out, set()


def _hosts_as_text(lower: bytes) -> tuple[int, list[bytes]]:
    """How many links say the host they lead to, and the hosts said by others."""
    right = 0
    others: list[bytes] = []
    last, end = -1, 0
    for text in _LINK_TEXT.finditer(lower, 0, 60_000):
        # Between "<a" and its ">" stands no other "<". To try every anchor would cost ten times as much.
        last, before = lower.rfind(b"<", max(end, text.start() - _LONGEST_LINK), text.start()), last
        link = _LINK.match(lower, last, 60_000) if last >= 0 and last != before else None
        if link:
            end = link.end()
            same = organisation(link[1].partition(b":")[0]) == organisation(link[2])
            if same:
                right += 1
            else:
                others.append(link[2])
    return right, others
