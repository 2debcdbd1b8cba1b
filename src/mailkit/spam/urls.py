"""Links as features: hosts, the domains above them, words of the path, and what honest links rarely have."""

import re
from functools import lru_cache
from html import unescape
from typing import Final

from mailkit.spam.shapes import host_and_parents

__all__ = ["find_urls", "url_tokens"]

# The literal beginning makes the search fast, and so do blanks one by one: "\s" is not looked up but asked for. The
# scheme doesn't matter, and in a page there may be none.
_URL: Final = re.compile(rb"//([^ \t\n\r\f\v\"'<>()\[\]{}|\\^`]{1,300}+)")
_WWW: Final = re.compile(rb"www\.([a-z0-9-]{1,63}+\.[^ \t\n\r\f\v\"'<>()\[\]{}|\\^`\x80-\xff]{2,300}+)")
# A host, and right behind it words of a script that needs no spaces.
_GLUED: Final = re.compile(rb"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?=[\x80-\xff])")
# A host may be written in its own script. In the path it is text of such a script that stands right behind.
_ASCII_PATH: Final = re.compile(rb"[^/]*[\x00-\x7f]*")
_KEY: Final = re.compile(rb"\d{6,}|[a-z]{18,}|(?=[a-z]*\d)[a-z\d]{8,}")
_WORDS: Final = bytes(c if c in b"abcdefghijklmnopqrstuvwxyz0123456789" else 0x20 for c in range(256))
_MOST: Final = 60


def find_urls(text: bytes) -> dict[bytes, int]:
    """What follows `//` (or starts with `www.`), each once, with how often; the first 60."""
    urls: dict[bytes, int] = {}
    for url in _URL.findall(text):
        urls[url] = urls.get(url, 0) + 1
        if len(urls) >= _MOST:
            break
    if text.find(b"www.") >= 0 and text.count(b"www.") > text.count(b"//www."):
        for match in _WWW.finditer(text):
            # Not inside a link that has a scheme, and not the host of an address.
            if text[match.start() - 1 : match.start()] not in (b"/", b".", b"@") and len(urls) < _MOST:
                url = b"www." + match[1]
                urls[url] = urls.get(url, 0) + 1
    return urls


def url_tokens(urls: dict[bytes, int], said: set[bytes]) -> tuple[list[bytes], set[bytes]]:
    """The features of links found by `find_urls`, and the hosts they lead to. `said` are hosts that links to other ones
    name in their text: that is what they say, not where they lead.
    """
    out: list[bytes] = []
    hosts: set[bytes] = set()
    for url in urls:
        if not url.isascii():
            url = _ASCII_PATH.match(url)[0]  # type: ignore[index]  # it matches whatever there is
        if url.find(b"&#") >= 0:
            url = unescape(url.decode("ascii", "replace")).encode("utf-8", "replace")
        host, _, path = url.lower().partition(b"/")
        if host.find(b".") < 0 or host in said:
            continue  # "//" has other uses too
        if host not in hosts:
            hosts.add(host)
            out += _host_tokens(host)
        if path:
            if 0x3F in path:  # "?"
                out.append(b"query in link")
            if 0x25 in path:  # "%"
                out.append(b"escapes in link")
            for word in path[:120].translate(_WORDS).split()[:8]:
                size = len(word)
                # Keys of tracking never come again: all are one. Most words are none at first sight.
                if size > 5 and (size > 17 or not word.isalpha()) and _KEY.fullmatch(word):
                    out.append(b"/key")
                elif size > 1:
                    out.append(b"/" + word)
    return out, hosts


@lru_cache(2048)
def _host_tokens(host: bytes) -> tuple[bytes, ...]:
    out: list[bytes] = []
    if 0x40 in host:  # "@"
        out.append(b"user in link")
        host = host.rpartition(b"@")[2]
    host, _, port = host.partition(b"?")[0].partition(b":")
    if port:
        out.append(b"port in link")
    if not host.translate(None, b".0123456789x"):
        out.append(b"address for host")
    if not host.isascii():
        glued = _GLUED.match(host)
        if glued:
            host = glued[0]
    if not host.isascii() or host.startswith(b"xn--") or b".xn--" in host:
        out.append(b"host in another script")
    return (*out, *host_and_parents(host))
