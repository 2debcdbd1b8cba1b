"""HTML to text, sanitised HTML, and what is beyond reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.mime.html_limits import MAX_DEPTH, beyond_limits
from mailkit.mime.html_text import html_to_text, text_to_html
from mailkit.mime.sanitize import sanitize_html


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one</p><p>two", "one\n\ntwo"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<ul><li>a<li>b</ul>c", "- a\n- b\n\nc"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<style>x</style><title>t</title>a<script>b</script><!-- c -->", "a"),
        ("V<b></b>iagra &amp; &#x26; co", "Viagra & & co"),
        ('<a href="https://x.example/">here</a>', "here [https://x.example/]"),
        ('<a href="https://x.example/">x.example</a>', "x.example"),
        ('<a href="javascript:x">here</a>', "here"),
        ("<img alt='A cat' src=x> sits", "A cat sits"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("a\n\n  b\xa0c", "a b c"),
        ("", ""),
    ],
)
def test_html_is_read_as_a_browser_shows_it(source: str, text: str) -> None:
    assert html_to_text(source) == text


@given(st.text(max_size=200))
def test_any_text_survives_being_html(text: str) -> None:
    clean = "".join(c for c in text if c.isprintable() and c not in "\ue000\ue001\ue002\u200b\ufeff")
    assert html_to_text(text_to_html(clean)) == " ".join(clean.split())


@pytest.mark.parametrize(
    ("source", "gone"),
    [
        ("<script>alert(1)</script>", "alert"),
        ("<img src=x onerror=alert(1)>", "onerror"),
        ('<a href="javascript:alert(1)">x</a>', "javascript"),
        ('<a href=" java\nscript:alert(1)">x</a>', "script"),
        ('<a href="data:text/html,<script>">x</a>', "data:"),
        ('<img src="data:text/html;base64,AA==">', "data:"),
        ('<img src="data:image/svg+xml;base64,AA==">', "data:"),
        ('<p style="background:url(http://x)">x</p>', "url"),
        ('<p style="position:fixed;color:red">x</p>', "position"),
        ("<iframe src=http://x></iframe>", "iframe"),
        ("<svg><a xlink:href=javascript:x>", "javascript"),
        ("<form action=http://x><input name=q></form>", "form"),
        ("<base href=http://x><link rel=stylesheet href=http://x>", "http"),
        ("<style>p{}</style>", "style"),
        ("<object data=x></object><embed src=x>", "embed"),
    ],
)
def test_what_is_dangerous_is_gone(source: str, gone: str) -> None:
    assert gone not in sanitize_html(source)


@pytest.mark.parametrize(
    "kept",
    [
        'src="attachment:ATT00001"',
        'src="cid:a@b"',
        'src="data:image/png;base64,iVBORw=="',
        'src="https://x.example/a.png"',
    ],
)
def test_what_is_harmless_is_kept(kept: str) -> None:
    assert kept in sanitize_html(f"<p><img {kept}></p>")
    assert 'style="color:red"' in sanitize_html('<p style="color: red; position: fixed">x</p>')
    assert 'rel="noopener noreferrer nofollow"' in sanitize_html('<a href="https://x.example">x</a>')


@pytest.mark.parametrize("source", ["<div>" * 100_000, "<p " + " ".join(f"a{n}" for n in range(100_000)) + ">"])
def test_html_beyond_reason_is_not_parsed(source: str) -> None:
    assert beyond_limits(source)
    assert html_to_text(source + "deep &amp; down") == "deep & down"
    assert sanitize_html(source + "deep") == "<p>deep</p>\n"


def test_ordinary_documents_are_within_the_limits() -> None:
    assert not beyond_limits("<p>x<br><td>" * MAX_DEPTH + "<div></div>" * MAX_DEPTH)
    assert not beyond_limits('<img src="data:image/png;base64,' + "AAAA\n" * 50_000 + '">')
