"""From which score on a message is spam, and how probable that is.

Fixed cut-offs let 2 to 50 % of ham through a model that has seen little of it: the balance of the classes shifts all
scores. So they are drawn from scores that learnt messages would have had, had they not been learnt:

    middle = where the two classes part: their means, each weighted by the other's spread (+ 0.3)
    tail   = the mean of the highest hundredth of the ham scores, where there are 400 or more
    spam   = middle + margin (0.7), or tail + margin / 2 if that is higher
    ham    = the score that 1 in 50 spam fall below, but below `spam` by 0.3 at least

The middle stays where it is from one sample to the next, the tail knows of ham that looks like spam. Single extreme
scores, tried first, jump by more than the whole margin.

Between ham and spam a message is "unsure".
"""

from collections import Counter
from collections.abc import Sequence
from math import exp, sqrt
from statistics import fmean, pstdev
from typing import Final

from attrs import frozen

__all__ = ["NO_CUTOFFS", "Cutoffs", "draw_cutoffs", "probability"]

_SPREAD: Final = 0.3
_UNSURE: Final = 0.3
_ENOUGH: Final = 400
_TAIL: Final = 0.01
_STEPS: Final = 64


@frozen
class Cutoffs:
    """Scores above `spam` are spam, below `ham` ham. `slope` and `offset` turn a score into a probability."""

    ham: float
    spam: float
    slope: float = 3.0
    offset: float = 0.0


NO_CUTOFFS: Final = Cutoffs(float("-inf"), float("inf"))
"""Before both classes are known: everything is unsure."""


def draw_cutoffs(
    ham_scores: Sequence[float], spam_scores: Sequence[float], ham: int, spam: int, *, margin: float = 0.7
) -> Cutoffs:
    """Cut-offs from honest scores of samples of both classes, of which `ham` and `spam` messages were learnt."""
    if not ham_scores or not spam_scores:
        return NO_CUTOFFS
    low, high = sorted(ham_scores), sorted(spam_scores)
    low_mean, high_mean = fmean(low), fmean(high)
    low_spread, high_spread = pstdev(low) + _SPREAD, pstdev(high) + _SPREAD
    middle = (low_mean * high_spread + high_mean * low_spread) / (low_spread + high_spread)
    spam_from = middle + margin
    if len(low) >= _ENOUGH:
        spam_from = max(spam_from, fmean(low[-round(_TAIL * len(low)) :]) + margin / 2)
    ham_to = min(high[int(0.02 * len(high))], spam_from - _UNSURE)
    slope, offset = _fit(low, high, ham, spam)
    return Cutoffs(ham_to, spam_from, slope, offset)


def probability(score: float, cutoffs: Cutoffs) -> float:
    """How probable spam is, for people to read. Compare scores, not these: near 0 and 1 they say little more."""
    if cutoffs.spam == float("inf"):
        return 0.5
    return _logistic(cutoffs.slope * score + cutoffs.offset)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def _stepped(scores: list[float]) -> list[tuple[float, int]]:
    """The scores in steps finer than anybody reads a probability, far fewer, and how many there are of each."""
    return [(step / _STEPS, many) for step, many in sorted(Counter(round(x * _STEPS) for x in scores).items())]


def _fit(low: list[float], high: list[float], ham: int, spam: int) -> tuple[float, float]:
    """Logistic regression of the class on the score (Platt 1999), samples weighted to the classes' true sizes."""
    # Targets a little inside 0 and 1, so that cleanly parted samples don't give infinite certainty.
    samples = [(x, 1 / (ham + 2), many * ham / len(low)) for x, many in _stepped(low)]
    samples += [(x, (spam + 1) / (spam + 2), many * spam / len(high)) for x, many in _stepped(high)]
    slope, offset = 3.0, 0.0
    for _ in range(30):
        ga = gb = 0.0
        haa = hbb = 1e-3
        hab = 0.0
        for x, target, weight in samples:
            p = _logistic(slope * x + offset)
            g = weight * (target - p)
            h = weight * max(p * (1 - p), 1e-6)
            ga += g * x
            gb += g
            haa += h * x * x
            hab += h * x
            hbb += h
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        size = sqrt(da * da + db * db)
        if size > 2:  # a damped step: the curve is flat far from the middle
            da, db = da * 2 / size, db * 2 / size
        slope, offset = max(slope + da, 0.1), offset + db
        if size < 1e-6:
            break
    return slope, offset
