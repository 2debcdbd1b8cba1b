"""Words: how text is cut for the index, and queries in the same way. Pure.

Folded: compatibility forms (NFKC), case (full casefolding) and marks (Unicode category M) make no difference. A word is
a run of letters and digits, cut at 60 bytes of UTF-8. Scripts written without spaces (Han, kana, Hangul, Thai, Lao,
Khmer, Burmese) are cut into overlapping pairs of characters, and the last one alone: so every character begins a word,
a pair is looked up as a word, one character as a prefix, and more of them as a phrase.
"""

import re
import unicodedata
from functools import cache

from attrs import frozen

__all__ = ["MAX_WORD", "Wanted", "fold", "wanted", "words"]

MAX_WORD = 60
"""Longest word in bytes; of longer ones only the beginning counts, in texts and in queries."""

_ASCII = re.compile(rb"[a-z0-9]+")
_LONG = re.compile(rb"[a-z0-9]{61}")
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3131-\u318e"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f"
    "\U00020000-\U000323af"
)
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUNS = re.compile(f"([{_UNSPACED}]+)|([^\\W_{_UNSPACED}]+)")


@cache
def _marks() -> re.Pattern[str]:
    """Every character of category M. Found when first needed: most mail never does."""
    ranges: list[list[int]] = []
    for point in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)):
        if unicodedata.category(chr(point))[0] == "M":
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in ranges) + "]+")


def fold(text: str) -> str:
    """The text without differences of case, marks and compatibility forms."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFKC", _marks().sub("", plain))


def words(text: str) -> list[bytes]:
    """The words of a text, in order, as UTF-8."""
    if text.isascii():
        raw = text.lower().encode()
        found = _ASCII.findall(raw)
        return [word[:MAX_WORD] for word in found] if _LONG.search(raw) else found
    folded = fold(text)
    if _HAS_UNSPACED.search(folded) is None:
        return [_cut(word) for word in _WORD.findall(folded)]
    out: list[bytes] = []
    for run, word in _runs(folded):
        if word:
            out.append(_cut(word))
        else:
            out += [run[at : at + 2].encode() for at in range(len(run))]
    return out


def _runs(folded: str) -> list[tuple[str, str]]:
    """(letters of a run without spaces, "") or ("", word), in order."""
    found = (("".join(_WORD.findall(run)), word) for run, word in _RUNS.findall(folded))
    return [(run, word) for run, word in found if run or word]


def _cut(word: str) -> bytes:
    raw = word.encode("utf-8", "replace")
    if len(raw) <= MAX_WORD:
        return raw
    return raw[:MAX_WORD].decode("utf-8", "ignore").encode()


@frozen
class Wanted:
    """What a query's text looks for: consecutive words, the last of which may go on when it is `open`."""

    words: tuple[bytes, ...]
    open: bool = False


def wanted(text: str) -> Wanted:
    """The words of a query's text. The single character that ends a run of pairs is only looked for when it is all
    there is: then as a beginning, since the run may go on in the text."""
    found = tuple(words(text))
    last = _runs(fold(text))[-1][0] if found and not text.isascii() else ""
    if len(last) > 1:
        return Wanted(found[:-1])
    return Wanted(found, open=last != "")
