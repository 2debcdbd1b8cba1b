"""URLs and host names, and the tricks played with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkit.egress.target import canonical_host, parse_url
from mailkit.errors import Invalid


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG:443/A?b=c#d", "https://example.org/A?b=c"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("http://example.org./x", "http://example.org/x"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443/"),
        ("https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/"),
        ("https://bücher.example/ü?q=ü", "https://xn--bcher-kva.example/%C3%BC?q=%C3%BC"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://１２７.０.０.１/", "http://127.0.0.1/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
        ("http://example.org/a%20b", "http://example.org/a%20b"),
        ("https://a_b.example/", "https://a_b.example/"),
        ("https://1e100.net/", "https://1e100.net/"),
    ],
)
def test_urls_have_one_form(url: str, canonical: str) -> None:
    assert str(parse_url(url)) == canonical
    assert parse_url(canonical) == parse_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org", "//example.org", "ftp://example.org/", "file:///etc/passwd", "gopher://x/",
        "javascript:alert(1)",
        "http://", "http:///x", "http://:80/", "https:example.org",
        "http://user@example.org/", "http://user:pw@example.org/", "http://8.8.8.8@127.0.0.1/", "http://@example.org/",
        "http://example.org\\@127.0.0.1/", "http://example.org\\.evil.example/",
        "http://exa mple.org/", "http://example.org/a b", "http://example.org/\r\nX: y", "http://example.org\t/", " http://x.example",
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/", "http://0177.0.0.1/",
        "http://127.0.0.01/", "http://0/", "http://127.0.0.1.1/", "http://256.0.0.1/", "http://a.0x7f/", "http://1.2.3.0x/",
        "http://%31%32%37.0.0.1/", "http://example%2eorg/", "http://example.org%00.evil.example/",
        "http://[::1/", "http://[::1]evil/", "http://[fe80::1%25eth0]/", "http://[127.0.0.1]/", "http://[v1.x]/", "http://[]/",
        "http://example.org:0/", "http://example.org:65536/", "http://example.org:http/", "http://example.org:-1/",
        "http://exa..mple.org/", "http://.example.org/", "http://example.org../", "http://-a.example/", "http://a-.example/",
        "http://" + "a" * 64 + ".example/", "http://" + "a." * 130 + "example/", "http://xn--\u00fc.example/",
        "http://a\u2025b.example/", "http://exam\u2044ple.org/",
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_url(url)
    assert refused.value.code == "url.invalid"
    assert refused.value.errors[0].path == ("url",)


@given(st.text(max_size=60).map("http://".__add__))
def test_any_text_is_a_url_or_invalid(url: str) -> None:
    try:
        target = parse_url(url)
    except Invalid:
        return
    assert str(target).isascii()
    assert parse_url(str(target)) == target
    assert canonical_host(target.host) == target.host


@pytest.mark.parametrize(
    ("location", "onward"),
    [
        ("/b", "https://example.org/b"),
        ("c", "https://example.org/a/c"),
        ("?q", "https://example.org/a/b?q"),
        ("//other.example/x", "https://other.example/x"),
        ("http://other.example:81", "http://other.example:81/"),
    ],
)
def test_a_redirect_is_read_against_its_url(location: str, onward: str) -> None:
    assert str(parse_url("https://example.org/a/b").join(location)) == onward


@pytest.mark.parametrize(
    "location", ["https://u@x.example/", "file:///etc/passwd", "/a b", "\\\\x.example\\y", "http://0x7f.1"]
)
def test_a_redirect_is_checked_like_any_url(location: str) -> None:
    with pytest.raises(Invalid):
        parse_url("https://example.org/").join(location)
