"""Why a message has its score: words and what each added, and what it would take to change the verdict."""

from collections.abc import Sequence

from attrs import frozen

from mailkit.spam.features import Features, feature_names, features_of, without
from mailkit.spam.model import Model
from mailkit.spam.tokens import Tokens
from mailkit.spam.verdict import Verdict, verdict_of

__all__ = ["Explanation", "Reason", "explain"]

_MOST_REMOVED = 60


@frozen
class Reason:
    """One feature of the message and what it adds to the score (negative: towards ham)."""

    family: str
    words: str
    adds: float


@frozen
class Explanation:
    """`reasons`, strongest first; what they add sums to `verdict.score`. `flip`: without these words, the strongest
    for the verdict, it would be another one; empty when no 60 words do that or no model spoke.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    flip: tuple[Reason, ...]

    @property
    def score(self) -> float:
        """The score that the reasons add up to."""
        return self.verdict.score


def explain(heard: Sequence[tuple[float, Model]], tokens: Tokens) -> Explanation:
    """The verdict of the (share, model) that speak (`verdict.voices`), with its reasons."""
    features = features_of(tokens)
    verdict = _verdict(heard, features)
    adds: dict[int, float] = {}
    for share, model in heard:
        for number, value in zip(features.ids, model.contributions(features), strict=True):
            if value:
                adds[int(number)] = adds.get(int(number), 0.0) + share * value
    strongest = sorted(adds, key=lambda number: (-abs(adds[number]), number))
    flip: list[int] = []
    if verdict.verdict != "unsure":
        spam = verdict.verdict == "spam"
        for_it = [number for number in strongest if (adds[number] > 0) is spam][:_MOST_REMOVED]
        flip = for_it[: _flipping(heard, features, for_it, verdict)]
    names = feature_names(tokens, adds)
    reasons, turning = (tuple(Reason(*names[n], adds[n]) for n in some) for some in (strongest, flip))
    return Explanation(verdict, reasons, turning)


def _flipping(heard: Sequence[tuple[float, Model]], features: Features, for_it: Sequence[int], is_: Verdict) -> int:
    """How many of the strongest have to go for another verdict, one less does not do; 0 when all of them don't.

    Asked about 1, 2, 4 and so on, then halfway between: that takes a sixth of the time of one by one.
    """

    def turns(count: int) -> bool:
        return _verdict(heard, without(features, set(for_it[:count]))).verdict != is_.verdict

    too_few, enough = 0, 1
    while enough <= len(for_it) and not turns(enough):
        if enough == len(for_it):
            return 0
        too_few, enough = enough, min(2 * enough, len(for_it))
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if turns(middle) else (middle, enough)
    return min(enough, len(for_it))


def _verdict(heard: Sequence[tuple[float, Model]], features: Features) -> Verdict:
    return verdict_of([(share, model.score(features), model.cutoffs()) for share, model in heard])
