"""HTML to plain text and back, for reading, searching and previews.

The reading is the HTML standard's (lexbor); what is added to it: line breaks where a browser shows them, "[target]"
behind a link whose text doesn't name it, alternative texts of images, a mark before list items.
"""

import html
import re
from functools import lru_cache

from mailkit.mime.html_limits import beyond_limits

__all__ = ["html_to_text", "text_to_html"]

# Private-use characters stand for line breaks while white space is folded; the source's own are taken out first.
_LINE, _PARAGRAPH, _BREAK = "\ue000", "\ue001", "\ue002"
_INVISIBLE = (_LINE, _PARAGRAPH, _BREAK, "\x00", "\u200b", "\ufeff")
_MARKS = re.compile(" ?[\ue000-\ue002][\ue000-\ue002 ]*+")
_SHORT = 20
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<[/!?a-zA-Z][^<>]*>?", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style|title)\b.*?(?:</\1\b|\Z)", re.DOTALL | re.IGNORECASE)

_DROPPED = ["script", "style", "title", "template", "noscript", "object", "select", "svg", "math"]
_LINES = "div, tr, li, dt, dd, address, article, section, header, footer, center, figure, option, legend, caption"
_PARAGRAPHS = "p, h1, h2, h3, h4, h5, h6, ul, ol, dl, table, blockquote, pre, form, fieldset"
_SHOWN_SCHEMES = ("http:", "https:", "mailto:", "ftp:", "tel:")
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")


def html_to_text(source: str) -> str:
    """What a reader sees of an HTML document, as lines. Never raises.

    Markup beyond all reason (see `html_limits`) is stripped of its tags without being understood.
    """
    for character in _INVISIBLE:
        source = source.replace(character, "")
    if beyond_limits(source):
        return _lines(html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", source))))
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(source)
    body = tree.body
    if body is None:
        return ""
    body.strip_tags(_DROPPED)
    lowered = source.lower()
    for node in body.css("br"):
        node.insert_before(_BREAK)
    for node in body.css(_LINES):
        node.insert_before(_LINE)
        node.insert_after(_LINE)
    for node in body.css(_PARAGRAPHS):
        node.insert_before(_PARAGRAPH)
        node.insert_after(_PARAGRAPH)
    if "<pre" in lowered:
        for pre in body.css("pre"):
            for node in list(pre.traverse(include_text=True)):
                if node.is_text_node and "\n" in (node.text_content or ""):
                    node.replace_with((node.text_content or "").replace("\n", _BREAK))
    if "<li" in lowered:
        for node in body.css("li"):
            first = node.first_child
            if first is not None:
                first.insert_before("- ")
    for node in body.css("td, th"):
        node.insert_child(" ")
    if "href" in lowered:
        for node in body.css("a[href]"):
            target = (node.attributes.get("href") or "").strip()
            if target.lower().startswith(_SHOWN_SCHEMES) and target.partition(":")[2].strip("/") not in node.text():
                node.insert_child(f" [{target}]")
    if "alt" in lowered:
        for node in body.css("img[alt]"):
            node.insert_before(f"{node.attributes.get('alt') or ''} ")
    return _lines(body.text())


def _lines(text: str) -> str:
    """Fold white space and turn the marks into line breaks."""
    folded = _MARKS.sub(_breaks, " ".join(text.split()))
    return folded.strip("\n ")


def _breaks(marks: re.Match[str]) -> str:
    """The line breaks that a run of marks, with blanks between them, stands for."""
    run = marks[0]
    return _known_breaks(run) if len(run) <= _SHORT else _line_breaks(run)


def _line_breaks(marks: str) -> str:
    breaks = 0
    for mark in marks:
        if mark == _LINE:
            breaks = max(breaks, 1)
        elif mark == _PARAGRAPH:
            breaks = max(breaks, 2)
        elif mark == _BREAK:
            breaks = min(breaks + 1, 3)
    return "\n" * breaks


_known_breaks = lru_cache(maxsize=256)(_line_breaks)


def text_to_html(text: str) -> str:
    """Plain text as HTML: escaped, an empty line parts paragraphs, a line end is a `<br/>`."""
    paragraphs = _PARAGRAPH_END.split(text.strip())
    return "".join(
        f"<p>{'<br/>'.join(html.escape(paragraph).splitlines())}</p>\n" for paragraph in paragraphs if paragraph
    )
