"""Counts -> evidence -> score.

For a feature seen in a of ns learnt spam and b of nh learnt ham messages:

    p = (a/ns) / (a/ns + b/nh)
    f = (s/2 + (a+b) p) / (s + a+b)      s = 0.3 (1 + 20 / min(ns, nh)): doubt, greater while a class is small
    l = ln(f / (1-f)), cut to [-5, 5];   0 if |f - 1/2| < 0.2: it tells too little

and for the message, over families F with weights w:

    score = sum_F w_F * (sum of l in F) / (1 + number of l != 0 in F) / sum of w

A mean, not a sum: neither length nor repetition adds certainty. About -2 for ham and +1 for spam.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import log
from typing import Any, Final

from mailkit.spam import arrays
from mailkit.spam.families import WEIGHTS
from mailkit.spam.features import Ids

__all__ = ["doubt", "family_means", "log_odds", "log_odds_in_python", "many_scores", "shares", "weighted"]

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
    if n <= 0 or spam <= 0 or ham <= 0:
        return 0.0
    pa, pb = a / spam, b / ham
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
    if spam <= 0 or ham <= 0:
        return np.zeros(len(a))
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
    pa = a / spam
    f = pa + b / ham
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


def family_means(ids: Ids, evidence: Any) -> list[float]:
    """(sum of evidence) / (1 + number that tell), for each of the 16 families."""
    np = arrays.numpy()
    if np is not None and isinstance(evidence, np.ndarray):
        families = ids >> np.uint32(28)
        sums = np.bincount(families, evidence, 16)
        tells = np.bincount(families, evidence != 0, 16)
        return list((sums / (tells + 1)).tolist())
    sums, tells = [0.0] * 16, [0] * 16
    for number, value in zip(ids, evidence, strict=True):
        if value:
            sums[number >> 28] += value
            tells[number >> 28] += 1
    return [total / (1 + count) for total, count in zip(sums, tells, strict=True)]


def weighted(means: Sequence[float], weights: Sequence[float] = WEIGHTS) -> float:
    """The score of a message from its family means."""
    return sum([mean * weight for mean, weight in zip(means, weights, strict=True)]) / (sum(weights) or 1.0)


def shares(ids: Ids, evidence: Any, weights: Sequence[float] = WEIGHTS) -> list[float]:
    """What each feature adds to `weighted(family_means(ids, evidence))`."""
    numbers, values = [int(number) for number in ids], [float(value) for value in evidence]
    tells = [0] * 16
    for number, value in zip(numbers, values, strict=True):
        tells[number >> 28] += value != 0
    unit = [weight / (sum(weights) or 1.0) / (1 + count) for weight, count in zip(weights, tells, strict=True)]
    return [value * unit[number >> 28] for number, value in zip(numbers, values, strict=True)]


def many_scores(ids: Any, evidence: Any, sizes: list[int], weights: Sequence[float] = WEIGHTS) -> Any:
    """The scores of several messages whose ids and evidence are joined (numpy only): an array of floats."""
    np = arrays.numpy()
    keys = np.repeat(np.arange(0, 16 * len(sizes), 16, dtype=np.uint32), sizes)
    keys += ids >> np.uint32(28)
    sums = np.bincount(keys, evidence, 16 * len(sizes))
    tells = np.bincount(keys, evidence != 0, 16 * len(sizes))
    return (sums / (tells + 1)).reshape(-1, 16) @ np.array(weights) / (sum(weights) or 1.0)
