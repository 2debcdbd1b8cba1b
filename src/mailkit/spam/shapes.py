"""Numbers and names as coarse shapes, so that they repeat from one message to the next."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["host_and_parents", "key_pattern", "organisation", "pattern", "step"]

_LETTERS: Final = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", b"A" * 26 + b"a" * 26 + b"0" * 10
)
_DOUBLES: Final = ((b"aa", b"a"), (b"AA", b"A"), (b"00", b"0"))
_STEPS: Final = tuple(b"%d" % n for n in range(80))


def step(count: int) -> bytes:
    """`count` as itself up to 3, then in doubling steps."""
    return _STEPS[count if count < 4 else 2 + count.bit_length()]


def pattern(text: bytes) -> bytes:
    """Which kinds of character follow each other: `Jane.doe-4711` is `Aa.a-0`."""
    return _without_doubles(text[:60].translate(_LETTERS))[:24]


@lru_cache(4096)
def _without_doubles(text: bytes) -> bytes:
    for double, letter in _DOUBLES:
        while double in text:
            text = text.replace(double, letter)
    return text


_SEGMENTS: Final = re.compile(rb"[Aa0]{4,}")


def key_pattern(text: bytes) -> bytes:
    """`pattern` of an identifier: a star for segments whose kinds change more than twice, which are keys, and at the
    end the kinds there are.
    """
    text = _without_doubles(text[:60].translate(_LETTERS))
    return _SEGMENTS.sub(b"*", text)[:24] + b" A"[: 2 * (b"A" in text)] + b" a"[: 2 * (b"a" in text)]


@lru_cache(2048)
def host_and_parents(host: bytes, mark: bytes = b"") -> tuple[bytes, ...]:
    """A host name and up to three domains above it, each written `.domain`."""
    host = host.lower().strip(b".")
    if not host:
        return ()
    out = [mark + host]
    parent = host
    for _ in range(min(host.count(b".") - 1, 3)):
        parent = parent.partition(b".")[2]
        out.append(mark + b"." + parent)
    return tuple(out)


@lru_cache(2048)
def organisation(host: bytes) -> bytes:
    """The part of a host name that its owner registered, by rule of thumb (`bbc.co.uk`, `example.org`).

    Only compared with its like; the public suffix list is not worth its 70 ms here.
    """
    labels = host.lower().strip(b".").split(b".")
    country = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return b".".join(labels[-3 if country else -2 :])
