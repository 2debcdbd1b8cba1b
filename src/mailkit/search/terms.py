"""Words: how text is cut for the index, and queries in the same way. Pure.

Folded: compatibility forms (NFKC), case (full casefolding) and marks (Unicode category M) make no difference. A word is
a run of letters and digits, cut at 60 bytes of UTF-8. Scripts written without spaces (Han, kana, Hangul, Thai, Lao,
Khmer, Burmese) are cut into overlapping pairs of characters, and the last one alone: so every character begins a word,
a pair is looked up as a word, one character as a prefix, and more of them as a phrase.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

from attrs import frozen

__all__ = ["MAX_WORD", "Wanted", "fold", "wanted", "words"]

MAX_WORD = 60
"""Longest word in bytes; of longer ones only the beginning counts, in texts and in queries."""

_ASCII = bytes(ord(chr(c).lower()) if c < 128 and chr(c).isalnum() else 32 for c in range(256))
"""Letters as lower-case ones, digits as they are, all else a blank."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3131-\u318e"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f"
    "\U00020000-\U000323af"
)
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUNS = re.compile(f"([{_UNSPACED}]+)|([^\\W_{_UNSPACED}]+)")


_FEW = 8
"""Up to so many different marks are taken out one by one, which is quicker."""


@lru_cache(maxsize=4_096)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def fold(text: str) -> str:
    """The text without differences of case, marks and compatibility forms."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    marks = [character for character in set(plain) if character > "\x7f" and _is_mark(character)]
    if len(marks) > _FEW:
        plain = plain.translate(dict.fromkeys(map(ord, marks)))
    else:
        for mark in marks:
            plain = plain.replace(mark, "")
    return unicodedata.normalize("NFKC", plain)


def words(text: str) -> list[bytes]:
    """The words of a text, in order, as UTF-8."""
    if text.isascii():
        return _ascii_words(text)
    # No word, and nothing that folding looks at, reaches over a line end: mostly only some lines need the long way.
    out: list[bytes] = []
    for plain, lines in groupby(text.split("\n"), str.isascii):
        joined = "\n".join(lines)
        out += _ascii_words(joined) if plain else _words(fold(joined))
    return out


def _ascii_words(text: str) -> list[bytes]:
    found = text.encode("ascii").translate(_ASCII).split()
    return [word[:MAX_WORD] for word in found] if found and max(map(len, found)) > MAX_WORD else found


def _words(folded: str) -> list[bytes]:
    if folded.isascii():
        return _ascii_words(folded)
    if _HAS_UNSPACED.search(folded) is None:
        found = "\n".join(_WORD.findall(folded)).encode("utf-8", "replace").split(b"\n")
        return [word if len(word) <= MAX_WORD else _cut(word) for word in found if word]
    out: list[bytes] = []
    for run, word in _runs(folded):
        if word:
            out.append(_cut(word.encode("utf-8", "replace")))
        else:
            out += [run[at : at + 2].encode() for at in range(len(run))]
    return out


def _runs(folded: str) -> list[tuple[str, str]]:
    """(letters of a run without spaces, "") or ("", word), in order."""
    found = (("".join(_WORD.findall(run)), word) for run, word in _RUNS.findall(folded))
    return [(run, word) for run, word in found if run or word]


def _cut(raw: bytes) -> bytes:
    return raw if len(raw) <= MAX_WORD else raw[:MAX_WORD].decode("utf-8", "ignore").encode()


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
