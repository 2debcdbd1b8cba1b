"""HTML that attacks its reader: after sanitising, a parser of another make finds nothing in it that acts or loads.

The cases are ours, by the ways in which such things have worked: scripts, handlers, schemes behind entities and white
space, styles, elements that load or redirect, foreign content, parser differences.
"""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from mailkit.mime.sanitize import sanitize_html

_ELEMENTS = frozenset({
    "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "base", "meta", "link", "form",
    "input", "button", "select", "textarea", "svg", "math", "template", "noscript", "video", "audio", "source", "track",
    "portal", "dialog", "slot", "marquee", "isindex", "keygen", "param", "xml", "noembed", "plaintext",
})  # fmt: skip
_SCHEMES = frozenset({"http", "https", "mailto", "ftp", "tel", "attachment", "cid"})
_URLS = frozenset({
    "href", "src", "action", "formaction", "background", "poster", "data", "srcset", "cite", "longdesc", "lowsrc",
    "dynsrc", "xlink:href", "ping", "manifest", "icon", "profile", "usemap", "codebase", "classid", "archive",
})  # fmt: skip
_IMAGE = re.compile(r"data:image/(png|gif|jpe?g|webp|bmp|avif|x-icon);base64,[A-Za-z0-9+/=\s]*", re.I)


def harm(html: str) -> list[str]:
    """What in some HTML would act or load, by the HTML standard's own parsing."""
    found: list[str] = []
    tree = LexborHTMLParser(f"<!DOCTYPE html><body>{html}")
    for node in tree.css("*"):
        tag = (node.tag or "").lower()
        if tag in ("html", "head", "body"):
            continue
        if tag in _ELEMENTS:
            found.append(f"<{tag}>")
        for name, value in node.attributes.items():
            name, value = name.lower(), value or ""
            if name.startswith("on") or name in ("srcdoc", "is", "nonce", "id", "class", "http-equiv"):
                found.append(f"{tag} {name}")
            if name == "style" and re.search(
                r"url|expression|import|behavior|binding|\\|position|z-index|/\*", value, re.I
            ):
                found.append(f"style {value}")
            if value.lower().startswith("attachment:") and not re.fullmatch(r"attachment:ATT\d{5}", value):
                found.append(f"{tag} {name}={value}")
            if name in _URLS:
                bare = re.sub(r"[\x00-\x20\x7f-\x9f\u00ad\u200b-\u200f]", "", value)
                scheme, colon, _ = bare.partition(":")
                if not colon or (scheme.lower() not in _SCHEMES and not (tag == "img" and _IMAGE.fullmatch(value))):
                    found.append(f"{tag} {name}={value}")
    return found


_CONTROL = str.maketrans("␀␁␉␊", "\x00\x01\t\n")
ATTACKS = [
    line.translate(_CONTROL)
    for line in Path(__file__).with_name("html_attacks.txt").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_acts_or_loads_is_left(attack: str) -> None:
    for source in (attack, f"<p>{attack}</p>", f"<table><tr><td>{attack}", f'<a title="{attack}">', attack.upper()):
        clean = sanitize_html(source)
        assert harm(clean) == [], clean
        assert harm(sanitize_html(clean)) == []


def test_the_judge_sees_harm() -> None:
    for attack in (
        "<script>x</script>",
        "<p onclick=x>",
        '<a href="java\tscript:x">',
        "<p style='background:url(x)'>",
        "<base>",
    ):
        assert harm(attack)
    assert not harm('<p style="color:red">x <a href="https://x.example">y</a><img src="cid:a@b"></p>')


PIECES = st.sampled_from([
    "<", ">", "</", "/>", "<!--", "-->", "--!>", "<![CDATA[", "]]>", '"', "'", "`", "=", " ", "\n", "\x00", "&lt;",
    "&#60;", "&quot;", "script", "style", "svg", "math", "mtext", "mglyph", "table", "form", "p", "a", "img",
    "noscript", "textarea", "title", "template", "select", "iframe", "xmp", "desc", "foreignObject", "annotation-xml",
    "href", "src", "title=", " onerror=alert(1)", "javascript:alert(1)", "data:text/html,x", "url(https://x.example)",
    "style=", "cid:a@b", "x",
])  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
@example('<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">')
def test_nothing_that_acts_or_loads_is_left_of_broken_markup(source: str) -> None:
    clean = sanitize_html(source)
    assert harm(clean) == []
    assert harm(sanitize_html(clean)) == []
