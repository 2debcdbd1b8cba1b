"""Evidence -> score: the mean of each family, and of the text the stretch that speaks most for spam.

A message whose text is one paragraph of spam and ten of somebody's novel is spam; a mean over all of it is not. So
the families of the text and the second stage (learnt weights of single words and names, their sum z over the root
of their number n) are taken for each stretch t of the text (`features`) by itself,

    v_t = sum_F w_F * (mean of F in t) / sum of w
          + share * (z in t * sqrt(n in the text / n in t) + z outside) / sqrt(n in the text + n outside)

and joined by a soft maximum: T ln(mean of exp(v_t / T)), T = 0.5. It is between the mean and the maximum: v itself
where all stretches say the same, and near the highest, less T ln(how many there are), where one stands out. Then

    score = sum over the other families of w_F * (mean of F) / sum of w + soft maximum of v

A family's mean is the sum of its evidence over 1 + the number of its features that tell anything: a mean, not a sum, so
that neither length nor repetition adds certainty. The score is about -2 for ham and +1 for spam.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from math import exp, log, sqrt
from typing import Any, Final

from attrs import frozen

from mailkit.spam import arrays
from mailkit.spam.families import BODY, BODY_PAIRS, FIRST_REST
from mailkit.spam.features import MOST_STRETCHES, Features

__all__ = ["Layout", "Parts", "parts_in_python", "score_one", "scores", "second_by_stretch", "shares", "soft_maximum"]

_SHARPNESS: Final = 0.5


def soft_maximum(values: Sequence[float]) -> float:
    """Between the mean and the highest of `values`."""
    highest = max(values)
    return highest + _SHARPNESS * log(sum([exp((value - highest) / _SHARPNESS) for value in values]) / len(values))


@frozen(eq=False)
class Parts:
    """One message by what says how much; or several, then these are arrays with a row for each."""

    rest: Any  #: the families outside the text
    text: Any  #: the families of the text in each of the 16 stretches
    there: Any  #: which stretches there are; one at least


def scores(parts: Parts, seconds: Any) -> Any:
    """The score from the parts and what the second stage adds to each stretch; the scores of several."""
    np = arrays.numpy()
    if np is None or isinstance(parts.text, list):
        rows = zip(parts.text, seconds, parts.there, strict=True)
        return parts.rest + soft_maximum([text + second for text, second, there in rows if there])
    values = np.where(parts.there, parts.text + seconds, -np.inf)
    highest = values.max(1, keepdims=True)
    loud = np.exp((values - highest) / _SHARPNESS).sum(1) / parts.there.sum(1)
    return parts.rest + highest[:, 0] + _SHARPNESS * np.log(loud)


_SLOTS: Final = 4 * MOST_STRETCHES
"""Places to count in for each message: words and pairs of each stretch by turns, then the 16 families outside, and as
many that stay empty: so that a message's places begin at a multiple of a power of two.
"""
_SINGLES: Final = 2 * MOST_STRETCHES + (FIRST_REST >> 28)


class Layout:
    """What counts where in several messages, joined (numpy only)."""

    def __init__(self, ids: Any, where: Any, sizes: Sequence[int]) -> None:
        np = arrays.numpy()
        self._count = len(sizes)
        offsets, lowest = _offsets()
        text = where != 0
        kinds = (ids >> np.uint32(28)).astype(np.uint8)
        kinds |= text.view(np.uint8) << np.uint8(4)
        # One place for each feature, and more for the few that stand in several stretches.
        slots = (offsets.take(kinds) + lowest.take(where)).astype(np.intp)
        slots += np.repeat(np.arange(0, _SLOTS * self._count, _SLOTS), sizes)
        self._first = slots
        again: list[Any] = []
        places: list[Any] = []
        bits = where & (where - np.uint16(1))
        bits *= text
        on = (bits != 0).nonzero()[0]
        bits, text, start = bits[on], on, slots[on] & ~(2 * MOST_STRETCHES - 2)
        while len(text):
            again.append(text)
            places.append(start + lowest.take(bits))
            bits &= bits - np.uint16(1)
            on = (bits != 0).nonzero()[0]
            bits, text, start = bits[on], text[on], start[on]
        self._again = np.concatenate(again) if again else np.zeros(0, np.intp)
        self._places = np.concatenate(places) if places else self._again
        numbers = self._count_in(slots)
        self._words = numbers[:, : 2 * MOST_STRETCHES : 2].sum(1)
        self._numbers = numbers + self._count_in(self._places)

    def _count_in(self, places: Any) -> Any:
        return arrays.numpy().bincount(places, minlength=_SLOTS * self._count).reshape(-1, _SLOTS)

    def _sum(self, values: Any) -> Any:
        """The sum of the values of the features in each place of each message."""
        np, size = arrays.numpy(), _SLOTS * self._count
        found = np.bincount(self._first, values, size)
        found += np.bincount(self._places, values.take(self._again), size)
        return found.reshape(-1, _SLOTS)

    def parts(self, evidence: Any, weights: Sequence[float]) -> Parts:
        """The parts, from the evidence of each feature."""
        np = arrays.numpy()
        means = self._sum(evidence) / (self._sum(evidence != 0) + 1)
        share = np.array(weights) / (sum(weights) or 1.0)
        # No matrix products: how they round depends on which messages are together.
        rest = (means[:, 2 * MOST_STRETCHES : 2 * MOST_STRETCHES + 16] * share).sum(1)
        text = (
            means[:, : 2 * MOST_STRETCHES : 2] * share[BODY] + means[:, 1 : 2 * MOST_STRETCHES : 2] * share[BODY_PAIRS]
        )
        there = self._numbers[:, : 2 * MOST_STRETCHES : 2] + self._numbers[:, 1 : 2 * MOST_STRETCHES : 2] > 0
        there[:, 0] |= ~there.any(1)
        return Parts(rest, text, there)

    def seconds(self, weight: Any) -> Any:
        """What the second stage says of each stretch, from the weight of each feature (0 for pairs and steps)."""
        np = arrays.numpy()
        total = self._sum(weight)
        numbers = self._numbers[:, : 2 * MOST_STRETCHES : 2]
        outside = total[:, 2 * MOST_STRETCHES : _SINGLES].sum(1)
        every = self._words + self._numbers[:, 2 * MOST_STRETCHES : _SINGLES].sum(1)
        scale = np.sqrt(self._words[:, None] / np.maximum(numbers, 1))
        return (total[:, : 2 * MOST_STRETCHES : 2] * scale + outside[:, None]) / np.sqrt(np.maximum(every, 1))[:, None]


def score_one(features: Features, evidence: Any, weight: Any, weights: tuple[float, ...], share: float) -> float:
    """The score of one message, from the evidence and second-stage weight of each feature: what `Layout` says of
    many, with less ado (numpy only).
    """
    np, ids, where = arrays.numpy(), features.ids, features.where
    words, pairs, singles = ids.searchsorted(_bounds()).tolist()
    weighing, total = _weighing(weights)
    families = (ids[words:pairs] >> np.uint32(28)).astype(np.intp)
    outside = evidence[words:pairs]
    means = np.bincount(families, outside, 16) / (np.bincount(families, outside != 0, 16) + 1)
    rest = float((means * weighing).sum()) / total
    bits = np.unpackbits(where.astype("<u2", copy=False).view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")
    bits = bits[:, : int(where.max(initial=1)).bit_length()].astype(np.float64)
    rows = np.ones((4, len(ids)))
    rows[0], rows[1], rows[3] = evidence, evidence != 0, weight
    in_words, tells, counts, second = rows[:, :words] @ bits[:words]
    in_pairs, pairs_tell, pair_counts = rows[:3, pairs:] @ bits[pairs:]
    value = (weights[BODY] / total) * in_words / (tells + 1)
    value += (weights[BODY_PAIRS] / total) * in_pairs / (pairs_tell + 1)
    second *= np.sqrt(words / np.maximum(counts, 1))
    second += weight[words:singles].sum()
    second *= share / sqrt(max(singles, 1))
    value += second
    counts += pair_counts
    there = [one for one, count in zip(value.tolist(), counts.tolist(), strict=True) if count]
    return rest + soft_maximum(there or value.tolist()[:1])


@lru_cache(16)
def _weighing(weights: tuple[float, ...]) -> tuple[Any, float]:
    """The weights as an array, and their sum (1 if they are all 0)."""
    return arrays.numpy().array(weights), sum(weights) or 1.0


@cache
def _bounds() -> Any:
    """Ids before which the words of the text end, its pairs begin, and the singles end."""
    return arrays.numpy().array((1 << 28, BODY_PAIRS << 28, FIRST_REST), "u4")


@cache
def _offsets() -> tuple[Any, Any]:
    """Where a feature counts among the places of its message, as a sum: by its family (16 more if it is of the text),
    and by the lowest bit of its stretches.
    """
    np = arrays.numpy()
    family = np.arange(2 * 16, dtype=np.uint8)
    family[:16] += 2 * MOST_STRETCHES
    family[16:] = family[16:] >= 16 + (FIRST_REST >> 28)
    numbers = np.arange(1 << 16)
    lowest = np.where(numbers, 2 * np.log2(np.maximum(numbers & -numbers, 1)), 0)
    return family, lowest.astype(np.uint8)


def _there(where: Sequence[int]) -> list[bool]:
    """Which stretches there are."""
    every = 0
    for bits in where:
        every |= bits
    return [bool((every or 1) >> at & 1) for at in range(MOST_STRETCHES)]


def parts_in_python(features: Features, evidence: Sequence[float], weights: Sequence[float]) -> Parts:
    """`Layout.parts` of one message, in plain Python."""
    means, text = _means(features, evidence)
    total = sum(weights) or 1.0
    rest = sum([mean * weight for mean, weight in zip(means, weights, strict=True)]) / total
    body, pairs = (weights[number] / total for number in (BODY, BODY_PAIRS))
    both = [body * one + pairs * two for one, two in text]
    return Parts(rest, both, _there(features.where))


def _means(features: Features, evidence: Sequence[float]) -> tuple[list[float], list[tuple[float, float]]]:
    """The mean of each family outside the text, and of both families of the text in each stretch."""
    sums, tells = _sums(features, evidence)
    outside = [total / (1 + count) for total, count in zip(sums[:16], tells[:16], strict=True)]
    inside = [total / (1 + count) for total, count in zip(sums[16:], tells[16:], strict=True)]
    return outside, list(zip(inside[::2], inside[1::2], strict=True))


def _sums(features: Features, evidence: Sequence[float]) -> tuple[list[float], list[int]]:
    """Sum of evidence and how much of it tells: of 16 families, then of words and pairs of each stretch by turns."""
    sums, tells = [0.0] * (16 + 2 * MOST_STRETCHES), [0] * (16 + 2 * MOST_STRETCHES)
    for number, where, value in zip(features.ids, features.where, evidence, strict=True):
        if value:
            for at in _places(number >> 28, where):
                sums[at] += value
                tells[at] += 1
    return sums, tells


@lru_cache(4096)
def _places(family: int, where: int) -> tuple[int, ...]:
    """Where a feature counts in `_sums`."""
    if not where:
        return (family,)
    pair = family == BODY_PAIRS
    return tuple([16 + 2 * at + pair for at in range(where.bit_length()) if where >> at & 1])


def second_by_stretch(where: Any, weights: Any) -> list[float]:
    """`Layout.seconds` of one message, from the weights of its singles."""
    np = arrays.numpy()
    if np is None or isinstance(weights, list):
        by_kind: dict[int, float] = {0: 0.0}  # few: most words stand in one stretch
        for bits, weight in zip(where, weights, strict=True):
            by_kind[bits] = by_kind.get(bits, 0.0) + weight
        outside = by_kind[0] / sqrt(max(len(where), 1))
        totals = [sum([total for bits, total in by_kind.items() if bits >> at & 1]) for at in range(MOST_STRETCHES)]
        return [total * unit + outside for total, unit in zip(totals, _units(where), strict=True)]
    # Of most messages all words stand in the first few stretches.
    many = int(where.max(initial=0)).bit_length()
    unit = 1 / sqrt(max(len(where), 1))
    if many == 1:
        outside = float(weights[where == 0].sum()) * unit
        return [float(weights.sum()) * unit, *[outside] * (MOST_STRETCHES - 1)]
    bits = np.unpackbits(where.astype("<u2", copy=False).view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")
    bits = bits[:, :many].astype(np.float64)
    number = bits.sum(0)
    outside = weights[where == 0]
    inside = weights @ bits
    inside *= np.sqrt((len(where) - len(outside)) / np.maximum(number, 1))
    inside += outside.sum()
    return [*(inside * unit).tolist(), *[float(outside.sum()) * unit] * (MOST_STRETCHES - many)]


def _units(where: Sequence[int]) -> list[float]:
    """What the weight of a word counts in each stretch; that of a feature outside counts 1 / sqrt(number of all)."""
    kinds = Counter(where)  # few: most words stand in one stretch
    words = len(where) - kinds[0]
    counts = [sum([many for bits, many in kinds.items() if bits >> at & 1]) for at in range(MOST_STRETCHES)]
    return [sqrt(words / max(count, 1)) / sqrt(max(len(where), 1)) for count in counts]


def shares(
    features: Features, evidence: Sequence[float], second: Sequence[float], weights: Sequence[float], share: float
) -> list[float]:
    """What each feature adds to the score; `second`: the second stage's weights of the singles, of which it has
    `share`.

    A soft maximum is a mean with weights: those of `exp(v / T)`, which give a little more than it, mixed with equal
    ones, which give less.
    """
    total = sum(weights) or 1.0
    parts = parts_in_python(features, evidence, weights)
    seconds = second_by_stretch(features.where[: len(second)], list(second))
    values = [text + share * z for text, z in zip(parts.text, seconds, strict=True)]
    voices = _voices(values, parts.there)
    _, tells = _sums(features, evidence)
    unit = [1 / (1 + count) for count in tells]
    unit[16:] = [voices[at // 2] * one for at, one in enumerate(unit[16:])]
    alone = features.where[: len(second)]
    each = [voice * share * one for voice, one in zip(voices, _units(alone), strict=True)]
    outside = share / sqrt(max(len(second), 1))

    @cache
    def worth(family: int, where: int) -> float:
        return weights[family] / total * sum([unit[at] for at in _places(family, where)])

    @cache
    def second_worth(bits: int) -> float:
        return sum([one for place, one in enumerate(each) if bits >> place & 1]) if bits else outside

    rows = zip(features.ids, features.where, evidence, strict=True)
    out = [value * worth(number >> 28, where) if value else 0.0 for number, where, value in rows]
    for at, (bits, weight) in enumerate(zip(alone, second, strict=True)):
        out[at] += weight * second_worth(bits)
    return out


def _voices(values: Sequence[float], there: Sequence[bool]) -> list[float]:
    """Weights, 1 together, with which the values that are there add up to their soft maximum."""
    known = [value for value, is_there in zip(values, there, strict=True) if is_there]
    highest, mean = max(known), sum(known) / len(known)
    loud = [exp((value - highest) / _SHARPNESS) * is_there for value, is_there in zip(values, there, strict=True)]
    together = sum(loud)
    most = sum([weight * value for weight, value in zip(loud, values, strict=True) if weight]) / together
    mix = (soft_maximum(known) - mean) / (most - mean) if most - mean > 1e-9 else 0.0
    return [
        mix * weight / together + (1 - mix) * is_there / len(known)
        for weight, is_there in zip(loud, there, strict=True)
    ]
