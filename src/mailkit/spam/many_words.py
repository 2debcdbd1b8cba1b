"""The words of many texts at once, as CRC-32 and without cutting them out one by one (numpy only).

CRC-32 is linear: that of a word is the exclusive or of what each of its bytes gives at its distance from the end, and
of what so many zero bytes give. So words are looked at from their ends, eight bytes at a time as four pairs, and a
table for each distance says what a pair gives. Bytes before the word are made zero: zeros in front give nothing.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

from mailkit.spam import arrays
from mailkit.spam.words import TO_WORDS, fold

__all__ = ["shouted_in_each", "spaced", "word_hashes"]

_BLANK: Final = 0x20
_EIGHT: Final = 8
_LONG: Final = 16
"""Longer words are rare enough to be cut out."""


def spaced(text: bytes) -> bytes:
    """`words.words` of `text` with one blank or more between them."""
    text = text.translate(TO_WORDS)
    if text.isascii():
        return text
    out: list[bytes] = []
    end = 0
    for at in _runs_not_ascii(text):
        if at >= end:
            start = text.rfind(b" ", end, at) + 1 or end
            out.append(text[end:start])
            end = text.find(b" ", at) % (len(text) + 1)  # -1: it is the last word
            out.append(b" ".join(fold(text[start : min(end, start + 3000)])))
    return b"".join((*out, text[end:]))


def _runs_not_ascii(text: bytes) -> list[int]:
    """Where runs of bytes that are not ASCII begin; there is one."""
    np = arrays.numpy()
    high = (np.frombuffer(text, np.int8) < 0).nonzero()[0]
    first = np.ones(len(high), np.bool_)
    np.greater(high[1:] - high[:-1], 1, out=first[1:])
    return list(high[first].tolist())


def word_hashes(texts: Sequence[bytes], most: int) -> tuple[Any, list[int]]:
    """The CRC-32 of the words of the texts, one text after the other, and how many each text has; of one that has more
    than `most` so many, an eighth of them from its end.

    Words are what stands between blanks (0x20) and nothing else.
    """
    np = arrays.numpy()
    pairs, zeros, kept = _tables()
    joined = b" ".join((b" " * (_LONG - 1), *texts, b""))
    inside = np.frombuffer(joined, np.uint8) != _BLANK
    edges = (inside[1:] != inside[:-1]).nonzero()[0] + 1
    starts, ends = edges[::2], edges[1::2]
    sizes = ends - starts
    eights = np.ndarray(len(joined) - _EIGHT + 1, "<u8", joined, strides=(1,))
    found = _looked_up(pairs[:4], eights[ends - _EIGHT] & kept.take(sizes, mode="clip"))
    found ^= zeros.take(sizes, mode="clip")
    more = (sizes > _EIGHT).nonzero()[0]
    found[more] ^= _looked_up(pairs[4:], eights[ends[more] - _LONG] & kept.take(sizes[more] - _EIGHT, mode="clip"))
    for at in more[sizes[more] > _LONG].tolist():
        found[at] = crc32(joined[starts[at] : ends[at]])
    counts = np.diff(ends.searchsorted(_stops(_LONG, texts)))
    if counts.max(initial=0) > most:
        before = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
        behind = np.repeat(counts, counts) - before
        found = found[(np.repeat(counts, counts) <= most) | (before < most - most // 8) | (behind <= most // 8)]
        counts = np.minimum(counts, most)
    return found, counts.tolist()


def _looked_up(pairs: Sequence[Any], words: Any) -> Any:
    quarters = words.astype("<u8", copy=False).view("<u2").reshape(-1, 4)
    found = pairs[0][quarters[:, 3]]
    for distance in (1, 2, 3):
        found ^= pairs[distance][quarters[:, 3 - distance]]
    return found


def _stops(start: int, texts: Sequence[bytes]) -> Any:
    """Where each text begins when the first begins at `start` and one blank stands behind each; and where all end."""
    return arrays.numpy().cumsum([start, *(len(text) + 1 for text in texts)])


@cache
def _tables() -> tuple[list[Any], Any, Any]:
    """What a pair of bytes gives by its distance from the end, in pairs: 2 MiB; what zero bytes give by their number;
    which bits of the last eight bytes belong to a word by its length.
    """
    np = arrays.numpy()
    zeros = [crc32(bytes(size)) for size in range(_LONG + 1)]
    single = [
        np.array([crc32(bytes((byte, *bytes(behind)))) ^ zeros[behind + 1] for byte in range(256)], np.uint32)
        for behind in range(_LONG)
    ]
    pairs = [(last[:, None] ^ first[None, :]).ravel() for last, first in zip(single[::2], single[1::2], strict=True)]
    kept = [(1 << 64) - (1 << 8 * (_EIGHT - size)) for size in range(1, _EIGHT + 1)]
    return pairs, np.array(zeros, np.uint32), np.array([0, *kept], np.uint64)


def shouted_in_each(texts: Sequence[bytes]) -> list[tuple[list[bytes], int]]:
    """`words.shouted` of each."""
    np = arrays.numpy()
    joined = b" ".join((b"", *texts, b"   "))
    capital = np.frombuffer(joined, np.uint8) - np.uint8(ord("A")) < 26
    three = capital[:-2] & capital[1:-1]
    three &= capital[2:]
    edges = (three[1:] != three[:-1]).nonzero()[0] + 1
    starts, ends = edges[::2], edges[1::2] + 2
    runs = [joined[start : min(start + 20, end)] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    stops = _stops(1, texts)
    places = starts.searchsorted(stops).tolist()
    return [
        ([b"U+" + run.lower() for run in set(runs[first:last])], int(np.count_nonzero(capital[start:stop])))
        for (first, last), (start, stop) in zip(pairwise(places), pairwise(stops.tolist()), strict=True)
    ]
