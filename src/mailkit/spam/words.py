"""Bytes of UTF-8 text -> words, the same way for every script.

ASCII takes the fast path: one `translate` and one `split`. Only words with other letters are looked at one by
one: NFKC, case folded, invisible characters dropped, look-alike letters of other scripts in a Latin word
replaced, scripts written without spaces cut into pairs of characters.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from itertools import compress
from operator import not_
from typing import Final

__all__ = ["INVISIBLE", "LOOK_ALIKE", "TO_WORDS", "fold", "scripts", "shouted", "words"]

_KEEP: Final = b"abcdefghijklmnopqrstuvwxyz0123456789$!%'-@"
TO_WORDS: Final = bytes(
    c + 32 if 65 <= c <= 90 else c if c in _KEEP or c >= 0x80 else 0x20  # A-Z lowered, the rest blanked
    for c in range(256)
)
_ASCII: Final = bytes(range(128))
_CAPITALS: Final = bytes(c if 65 <= c <= 90 else 0x20 for c in range(256))

LOOK_ALIKE: Final = b"*look-alike*"
"""The word added where a Latin word has letters of another script that look the same."""

INVISIBLE: Final = b"*invisible*"
"""The word added where a word was cut by characters that are not seen."""

_LONGEST: Final = 40
"""Longer words are cut: they are keys, hashes or garbage, and their beginning tells as much."""

# Letters of Cyrillic and Greek that a reader takes for Latin ones (from the lower case of Unicode TR 39).
_CONFUSABLE: Final = str.maketrans(
    dict(
        # The last two groups look alike as capitals only, and as letters of other Latin alphabets.
        zip(
            "аеѕіјорсухһԁӏԛԝгпαοιερκντυωγвкмнтїıɑɡօոսα",
            "aesijopcyxhdlqwrnaoiepkvtuwybkmhtiiagonua",
            strict=True,
        ),
    )
)
_UNSEEN: Final = dict.fromkeys(
    [0xAD, 0x34F, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_UNSEEN_RE: Final = re.compile("[\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_LATIN: Final = re.compile("[a-z]")
_VARIATION: Final = {0x2019: "'", 0x2018: "'", 0xFE0E: None, 0xFE0F: None}
_VARIED: Final = frozenset(map(chr, _VARIATION))

# Written without spaces: Thai, Lao, Tibetan, Myanmar, Khmer, Tai, kana, Han. (Korean has spaces.)
_SPACELESS: Final = (
    "\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"
    "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Combining marks are not \w to Python, yet Hebrew, Arabic and Indic words hold them.
_MARKS: Final = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0dff"
_SIGNS: Final = "\u00a2-\u00a5\u20a0-\u20cf"  # of currencies, like the dollar
_PIECES: Final = re.compile(
    rf"([{_SPACELESS}]+)|((?:(?![{_SPACELESS}])[\w$!%'@\-{_SIGNS}{_MARKS}])+)|([\u2190-\u2bff\U0001f000-\U0001faff])"
)


def words(text: bytes) -> list[bytes]:
    """The words of `text` (UTF-8) in order, in lower case."""
    split = text.translate(TO_WORDS).split()
    if text.isascii():
        return split
    out: list[bytes] = []
    start = 0
    for at in compress(range(len(split)), map(not_, map(bytes.isascii, split))):
        out += split[start:at]
        out += fold(split[at][:3000])
        start = at + 1
    return out + split[start:]


@lru_cache(16384)
def fold(word: bytes) -> tuple[bytes, ...]:
    """The words in a run of bytes without ASCII spaces, some of them not ASCII."""
    text = word.decode("utf-8", "replace")
    marks: tuple[bytes, ...] = ()
    if _UNSEEN_RE.search(text):
        # At the end of a word they are sloppy typesetting; inside one they hide it from filters.
        marks = (INVISIBLE,) if re.search(r"[A-Za-z][\xad\u200b-\u200d\u2060\ufeff]+[A-Za-z]", text) else ()
        text = text.translate(_UNSEEN)
    if not _VARIED.isdisjoint(text):
        text = text.translate(_VARIATION)
    text = unicodedata.normalize("NFKC", text).casefold()
    out: list[bytes] = []
    for spaceless, plain, symbol in _PIECES.findall(text):
        if spaceless:
            pairs = [spaceless[i : i + 2] for i in range(len(spaceless) - 1)] or [spaceless]
            out += [pair.encode() for pair in pairs]
        elif symbol:
            out.append(symbol.encode())
        elif plain.isascii():
            out.append(plain.encode())
        else:
            if _LATIN.search(plain):
                latin = plain.translate(_CONFUSABLE)
                if latin != plain and latin.isascii():
                    marks = (*marks, LOOK_ALIKE)
                    plain = latin
            out.append(plain.encode())
    return (*out, *marks)


def shouted(text: bytes) -> tuple[list[bytes], int]:
    """The runs of three and more capitals, each once, as `U+word`; and how many capitals there are."""
    capitals = text.translate(_CAPITALS)
    runs = {run[:20] for run in capitals.split() if len(run) > 2}
    return [b"U+" + run.lower() for run in runs], len(text) - capitals.count(b" ")


_RANGES: Final = (
    (0x0250, b"latin"),
    (0x0400, b"greek"),
    (0x0530, b"cyrillic"),
    (0x0590, b"armenian"),
    (0x0600, b"hebrew"),
    (0x0900, b"arabic"),
    (0x0E00, b"indic"),
    (0x1100, b"thai"),
    (0x1200, b"hangul"),
    (0x2000, b"other"),
    (0x3040, b"signs"),
    (0x3100, b"kana"),
    (0xA000, b"han"),
    (0xAC00, b"other"),
    (0xD800, b"hangul"),
    (0x20000, b"signs"),
    (0x110000, b"han"),
)
_ENDS: Final = [end for end, _ in _RANGES]


def scripts(text: bytes) -> list[bytes]:
    """The scripts of the letters at the beginning that are not ASCII, each once; "signs" are symbols and emoji."""
    letters = set(text[:4000].translate(None, _ASCII).decode("utf-8", "ignore"))
    return sorted({_RANGES[bisect_right(_ENDS, ord(letter))][1] for letter in letters})
