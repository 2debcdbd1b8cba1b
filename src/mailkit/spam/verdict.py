"""Scores -> a verdict, from one model or from several that know different mail.

A model says nothing before it has learnt enough of both classes. Those that speak are averaged: score and cut-offs
alike, weighted by how much each has learnt and how near it is to the reader (account over tenant over global). So
a new account is judged by what everybody learnt, and an old one mostly by itself.
"""

from collections.abc import Sequence
from typing import Final, Literal

from attrs import frozen

from mailkit.spam.cutoffs import NO_CUTOFFS, Cutoffs, probability
from mailkit.spam.model import Model

__all__ = ["NEARNESS", "Verdict", "judge", "speaks", "verdict_of", "voices"]

NEARNESS: Final = {"global": 1.0, "tenant": 2.0, "account": 4.0}
_HALF: Final = 200
"""Learnt messages of the smaller class at which a model has half of its full voice."""


@frozen
class Verdict:
    """What a message is taken for, and why: `score > spam_above` is spam, `score < ham_below` ham."""

    verdict: Literal["ham", "spam", "unsure"]
    score: float
    probability: float  #: of spam, for people to read; sort by score
    ham_below: float
    spam_above: float
    trained: bool  #: False when no model has learnt enough: the verdict is "unsure" whatever the score


def speaks(model: Model) -> bool:
    """Whether a model has learnt enough to be heard."""
    return model.ham >= model.settings.least_ham and model.spam >= model.settings.least_spam


def judge(model: Model, score: float) -> Verdict:
    """The verdict of one model."""
    return verdict_of([(1.0, score, model.cutoffs())] if speaks(model) else [], score)


def voices(models: Sequence[tuple[str, Model]]) -> list[tuple[float, Model]]:
    """(share, model) of the models that speak; the names are those of `NEARNESS`. Shares add up to 1."""
    heard = [
        (NEARNESS[name] * model.trained / (model.trained + _HALF), model) for name, model in models if speaks(model)
    ]
    total = sum(weight for weight, _ in heard)
    return [(weight / total, model) for weight, model in heard]


def verdict_of(parts: Sequence[tuple[float, float, Cutoffs]], fallback: float = 0.0) -> Verdict:
    """The verdict from (share, score, cut-offs) of each model that speaks; shares add up to 1.

    Without any the score is `fallback`: it still sorts.
    """
    if not parts:
        return Verdict("unsure", fallback, 0.5, NO_CUTOFFS.ham, NO_CUTOFFS.spam, False)
    score = sum(share * value for share, value, _ in parts)
    together = Cutoffs(
        ham=sum(share * cutoffs.ham for share, _, cutoffs in parts),
        spam=sum(share * cutoffs.spam for share, _, cutoffs in parts),
        slope=1.0,
        # The logits are averaged; with slope 1 the offset carries what differs from the score.
        offset=sum(share * (c.slope * value + c.offset) for share, value, c in parts) - score,
    )
    verdict: Literal["ham", "spam", "unsure"]
    verdict = "spam" if score > together.spam else "ham" if score < together.ham else "unsure"
    return Verdict(verdict, score, probability(score, together), together.ham, together.spam, True)
