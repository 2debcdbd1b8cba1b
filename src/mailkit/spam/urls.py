"""Links as features: hosts, the domains above them, words of the path, and what honest links rarely have."""

import re
from functools import lru_cache
from html import unescape
from typing import Final

from mailkit.spam.shapes import host_and_parents

__all__ = ["find_urls", "url_tokens"]

# The literal beginning makes the search fast, and so do blanks one by one: "\s" is not looked up but asked for. The
# scheme doesn't matter.
_URL: Final = re.compile(rb"://([^ \t\n\r\f\v\"'<>()\[\]{}|\\^`\x80-\xff]{1,300}+)")
_WWW: Final = re.compile(rb"www\.([a-z0-9-]{1,63}+\.[^ \t\n\r\f\v\"'<>()\[\]{}|\\^`\x80-\xff]{2,300}+)")
_WORDS: Final = bytes(c if c in b"abcdefghijklmnopqrstuvwxyz0123456789" else 0x20 for c in range(256))
_MOST: Final = 60


def find_urls(text: bytes) -> dict[bytes, int]:
    """What follows `scheme://` (or starts with `www.`), each once, with how often; the first 60."""
    urls: dict[bytes, int] = {}
    for url in _URL.findall(text):
        urls[url] = urls.get(url, 0) + 1
        if len(urls) >= _MOST:
            break
    www = text.find(b"www.")
    if www >= 0:
        for match in _WWW.finditer(text, www):
            # Not inside a link that has a scheme, and not the host of an address.
            if text[match.start() - 1 : match.start()] not in (b"/", b".", b"@") and len(urls) < _MOST:
                url = b"www." + match[1]
                urls[url] = urls.get(url, 0) + 1
    return urls


def url_tokens(urls: dict[bytes, int]) -> list[bytes]:
    """The features of links found by `find_urls`."""
    out: list[bytes] = []
    hosts: set[bytes] = set()
    for url in urls:
        if url.find(b"&#") >= 0:
            url = unescape(url.decode("ascii", "replace")).encode("utf-8", "replace")
        host, _, path = url.lower().partition(b"/")
        if host not in hosts:
            hosts.add(host)
            out += _host_tokens(host)
        if path:
            if 0x3F in path:  # "?"
                out.append(b"query in link")
            if 0x25 in path:  # "%"
                out.append(b"escapes in link")
            out += [b"/" + word for word in path[:80].translate(_WORDS).split()[:8] if len(word) > 1]
    return out


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
    if host.startswith(b"xn--") or b".xn--" in host:
        out.append(b"host in another script")
    return (*out, *host_and_parents(host))
