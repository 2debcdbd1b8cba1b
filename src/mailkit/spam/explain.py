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
    names = feature_names(tokens)
    verdict = _verdict(heard, features)
    adds: dict[int, float] = {}
    for share, model in heard:
        for number, value in zip(features.ids, model.contributions(features), strict=True):
            if value:
                adds[int(number)] = adds.get(int(number), 0.0) + share * value
    strongest = sorted(adds, key=lambda number: (-abs(adds[number]), number))
    flip: tuple[Reason, ...] = ()
    if verdict.verdict != "unsure":
        spam = verdict.verdict == "spam"
        for_it = [number for number in strongest if (adds[number] > 0) is spam][:_MOST_REMOVED]
        for count in range(1, len(for_it) + 1):
            gone = set(for_it[:count])
            kept = without(features, gone)
            if _verdict(heard, kept).verdict != verdict.verdict:
                flip = tuple(Reason(*names[number], adds[number]) for number in for_it[:count])
                break
    return Explanation(verdict, tuple(Reason(*names[number], adds[number]) for number in strongest), flip)


def _verdict(heard: Sequence[tuple[float, Model]], features: Features) -> Verdict:
    return verdict_of([(share, model.score(features), model.cutoffs()) for share, model in heard])
