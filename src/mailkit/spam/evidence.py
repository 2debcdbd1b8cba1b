"""Counts -> evidence.

For a feature seen in a of ns learnt spam and b of nh learnt ham messages:

    p = (a/ns) / (a/ns + b/nh)
    f = (s/2 + (a+b) p) / (s + a+b)      s = 0.3 (1 + 20 / min(ns, nh)): doubt, greater while a class is small
    l = ln(f / (1-f)), cut to [-5, 5];   0 if |f - 1/2| < 0.2: it tells too little

What a message's evidence comes to is in `stretches`.
"""

from functools import lru_cache
from math import log
from typing import Any, Final

from mailkit.spam import arrays

__all__ = ["doubt", "log_odds", "log_odds_in_python"]

_DOUBT: Final = 0.3
_SMALL: Final = 20
_TELLING: Final = 0.2
_MOST: Final = 5.0
_MANY: Final = 30_000
_SMALL_COUNTS: Final = 256


def doubt(spam: int, ham: int) -> float:
    """How many messages' worth of "can't tell" every feature starts with."""
    return _DOUBT * (1 + _SMALL / max(min(spam, ham), 1))


def log_odds_in_python(a: int, b: int, spam: int, ham: int) -> float:
    """The evidence of one feature for spam (positive) or ham (negative); 0 if it tells nothing."""
    n = a + b
    if n <= 0:
        return 0.0
    pa, pb = a / max(spam, 1), b / max(ham, 1)
    s = doubt(spam, ham)
    f = (s * 0.5 + n * (pa / (pa + pb))) / (s + n)
    if abs(f - 0.5) < _TELLING:
        return 0.0
    return min(max(log(f / (1 - f)), -_MOST), _MOST)


def log_odds(a: Any, b: Any, spam: int, ham: int) -> Any:
    """`log_odds_in_python` of sequences; of arrays where numpy is in use."""
    np = arrays.numpy()
    if np is None or not isinstance(a, np.ndarray):
        return [log_odds_in_python(x, y, spam, ham) for x, y in zip(a, b, strict=True)]
    if len(a) < _MANY:
        return _log_odds(np, a, b, spam, ham)
    # Few features are counted often: what small counts say is looked up.
    large = ((a | b) >= _SMALL_COUNTS).nonzero()[0]
    found = _small_log_odds(spam, ham).take(a.astype(np.intp) * _SMALL_COUNTS + b, mode="clip")
    found[large] = _log_odds(np, a[large], b[large], spam, ham)
    return found


@lru_cache(4)
def _small_log_odds(spam: int, ham: int) -> Any:
    np = arrays.numpy()
    counts = np.arange(_SMALL_COUNTS, dtype=np.uint32)
    return _log_odds(np, np.repeat(counts, _SMALL_COUNTS), np.tile(counts, _SMALL_COUNTS), spam, ham)


def _log_odds(np: Any, a: Any, b: Any, spam: int, ham: int) -> Any:
    n = a + b
    pa = a / max(spam, 1)
    f = pa + b / max(ham, 1)
    f[n == 0] = 1.0
    np.divide(pa, f, out=f)
    s = doubt(spam, ham)
    f *= n
    f += s * 0.5
    f /= s + n
    dull = np.abs(f - 0.5) < _TELLING
    dull |= n == 0
    f[dull] = 0.5
    np.log(f / (1 - f), out=f)
    np.clip(f, -_MOST, _MOST, out=f)
    f[dull] = 0.0
    return f
