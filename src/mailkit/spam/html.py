"""HTML text parts: the words a reader sees, and the tricks that hide or bend them.

Not a parser: spam is rarely well-formed, and one linear pass is 50 times cheaper. Tags that don't break words (`<b>`,
`<span>`, comments) vanish, so that `V<b></b>iagra` is one word; all others become a space.
"""

import re
from collections import Counter
from html import unescape
from typing import Final

from mailkit.spam.shapes import organisation, step

__all__ = ["html_text", "html_tokens"]

_COMMENT: Final = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNSEEN: Final = re.compile(rb"<(style|script)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_INLINE: Final = frozenset(
    mark + name
    for name in b"b i u a s q em tt big sub sup wbr font span abbr code small strong o:p".split()
    for mark in (b"", b"/")
)
_TAG: Final = re.compile(rb"<([!?/]?[a-zA-Z][a-zA-Z0-9:]*+)[^<>]*+>?")
_LINK: Final = re.compile(
    rb"<a\s[^<>]{0,300}?href\s{0,3}=[\s\"']{0,3}https?://([^\s\"'<>/?#]{1,200})[^<>]{0,500}>"
    rb"(?:https?://|(?=www\.))((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,20})[\s/<]"
)
_HIDING: Final = (
    *(b"display:none", b"display: none", b"visibility:hidden", b"visibility: hidden", b"max-height:0"),
    *(b"font-size:0", b"font-size: 0", b"font-size:1px", b"opacity:0", b"text-indent:-"),
)
_ACTIVE: Final = (b"javascript:", b"data:image", b"data:text", b"mailto:", b"cid:", b"bgcolor", b"@media")
_MOST_TAGS: Final = 4_000
_MOST_REFERENCES: Final = 2_000


def html_text(html: bytes, limit: int) -> tuple[bytes, Counter[bytes]]:
    """The first `limit` bytes of the text that is left when tags, comments, styles and scripts are gone (UTF-8, then
    references are resolved), and how often each tag occurs.
    """
    if b"<!--" in html:
        html = _COMMENT.sub(b"", html)
    if b"style" in html or b"script" in html or b"STYLE" in html or b"SCRIPT" in html:
        html = _UNSEEN.sub(b" ", html)
    pieces = _TAG.split(html, _MOST_TAGS)  # text, tag, text, tag, ..., text
    tags = list(map(bytes.lower, pieces[1::2]))
    out = pieces[:1]
    out += [text if tag in _INLINE else b" " + text for tag, text in zip(tags, pieces[2::2], strict=True)]
    text = b"".join(out)[:limit]
    if b"&" in text:
        if text.count(b"&") > _MOST_REFERENCES:
            text = text[: 4 * _MOST_REFERENCES]
        text = unescape(text.decode("utf-8", "replace")).encode("utf-8", "replace")
    return text, Counter(tags)


def html_tokens(html: bytes, text: bytes, tags: Counter[bytes]) -> list[bytes]:
    """Signs of how the page was made; `text` and `tags` are what `html_text` found in it."""
    out = [b"<" + tag[:12] for tag in tags if tag[:1] != b"/"][:60]
    lower = html.lower()
    out += [mark.replace(b" ", b"") for mark in _HIDING if mark in lower]
    out += [mark for mark in _ACTIVE if mark in lower]
    out.append(b"pictures " + step(tags[b"img"]))
    out.append(b"links " + step(tags[b"a"]))
    out.append(b"share of text " + step(16 * len(text) // (len(html) + 1)))
    if b"&#" in html:
        out.append(b"references " + step(html.count(b"&#")))
    if b"<!--" in html:
        out.append(b"comments " + step(html.count(b"<!--")))
    if b">http" in lower or b">www." in lower:
        for link in _LINK.finditer(lower, 0, 60_000):
            same = organisation(link[1].partition(b":")[0]) == organisation(link[2])
            out.append(b"link text is the link's host" if same else b"link text is another host")
    return out
