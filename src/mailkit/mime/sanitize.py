"""HTML from strangers made safe to show (with nh3): an allow-list of elements, attributes, schemes and styles.

Links keep `attachment:` (our own link to a part) and `cid:` (RFC 2392); `data:image/` is kept on images only.
"""

import html
import re

from mailkit.mime.html_limits import beyond_limits
from mailkit.mime.html_text import html_to_text, text_to_html

__all__ = ["sanitize_html"]

_SCHEMES = {"http", "https", "mailto", "ftp", "tel", "attachment", "cid", "data"}
_TAGS = {"font", "center", "tt", "big", "u", "s", "strike", "section", "article", "header", "footer", "figure"}
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"style", "dir", "lang", "title", "align", "valign", "bgcolor", "width", "height"},
    "a": {"href", "name", "target"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace", "align"},
    "font": {"color", "face", "size"},
    "table": {"border", "cellpadding", "cellspacing", "summary", "rules", "frame"},
    "td": {"colspan", "rowspan", "nowrap", "abbr", "headers", "scope"},
    "th": {"colspan", "rowspan", "nowrap", "abbr", "headers", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "li": {"value", "type"},
    "hr": {"size", "noshade", "color"},
    "br": {"clear"},
    "blockquote": {"type"},  # its `cite` is a URL that nobody checks
}
# Nothing that leaves the message's own box (position, z-index) or loads anything (url()).
_STYLES = {
    "background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style", "border-bottom-width",
    "border-collapse", "border-color", "border-left", "border-left-color", "border-left-style", "border-left-width",
    "border-radius", "border-right", "border-right-color", "border-right-style", "border-right-width", "border-spacing",
    "border-style", "border-top", "border-top-color", "border-top-style", "border-top-width", "border-width", "clear",
    "color", "direction", "display", "float", "font", "font-family", "font-size", "font-style", "font-variant",
    "font-weight", "height", "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom",
    "margin-left", "margin-right", "margin-top", "max-height", "max-width", "min-height", "min-width", "padding",
    "padding-bottom", "padding-left", "padding-right", "padding-top", "table-layout", "text-align", "text-decoration",
    "text-indent", "text-transform", "vertical-align", "white-space", "width", "word-break", "word-wrap",
}  # fmt: skip
_LOADS = re.compile(r"url\s*\(|image-set|expression|\\|@import|javascript:", re.IGNORECASE)
_ATTACHMENT = re.compile(r"attachment:(?:[0-9a-f]{24}/)?ATT\d{5}")
_DATA_IMAGE = re.compile(r"\s*data:image/(?:png|gif|jpe?g|webp|bmp|avif|x-icon);base64,[A-Za-z0-9+/=\s]*", re.I)


def sanitize_html(source: str) -> str:
    """A fragment that may be shown inside one's own page. Never raises; scripts and all that loads unasked are gone.

    HTML beyond the limits of `html_limits` is shown as its text.
    """
    if beyond_limits(source):
        return text_to_html(html_to_text(source))
    import nh3

    return nh3.clean(
        source,
        tags=nh3.ALLOWED_TAGS | _TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=_STYLES,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        clean_content_tags={"script", "style", "title", "template", "svg", "math", "noscript", "iframe", "object"},
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """nh3 asks here for every attribute that is allowed: its value, or None to drop it."""
    if name == "style":
        return None if _LOADS.search(html.unescape(value)) else value
    if value.lstrip().lower().startswith("attachment:"):  # clients make a path of it: a way out of it must not be
        return value if _ATTACHMENT.fullmatch(value) else None
    if value.lstrip().lower().startswith("data:"):
        return value if tag == "img" and name == "src" and _DATA_IMAGE.fullmatch(value) else None
    if name == "target":
        return "_blank"
    return value
