"""What has been learnt, in memory: counts, kept examples, and the second stage that is derived from them.

The laws:

- The counts depend on the set of learnt messages, not on their order; `forget` is the exact inverse of `learn`
  (until expiry has dropped a feature). Who calls sees to it that a message is learnt once: the model can't tell.
- The second stage (logistic regression on single words, hosts and names, for what the counts can't see: that
  features go together) is never stored and never undone. It is replayed: `settle` trains it from zero on the kept
  examples in the order of their keys, and in the reverse order, and takes the mean. Messages learnt since then are
  added in the order they came; forgetting one replays.
  Hence processes that have read the same checkpoint and the same changes have the same model to the last bit, but for
  this: after a message was forgotten, the second stage depends on when each replayed, until the next checkpoint.
- A replay predicts each example before it learns it. These honest predictions, and counts with the message's own
  taken out, are what the cut-offs are drawn from (`cutoffs`).
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import exp, sqrt
from typing import Any, Final

from attrs import define, field, frozen

from mailkit.spam import arrays
from mailkit.spam.cutoffs import Cutoffs, draw_cutoffs
from mailkit.spam.expiry import MOST_FEATURES, expire
from mailkit.spam.families import FIRST_REST, WEIGHTS
from mailkit.spam.features import Ids, singles
from mailkit.spam.score import family_means, log_odds, many_scores, shares, weighted
from mailkit.spam.settings import DEFAULT, Settings
from mailkit.spam.table import Columns, Table, new_table

__all__ = ["WHOLE", "WINDOW", "Example", "Model"]

WINDOW: Final = 2_048
"""Messages of each class that are kept as examples for the second stage: the latest."""
WHOLE: Final = 256
"""Of those, how many of each class are kept whole, so that the cut-offs follow the counts: those with the highest keys,
which a replay predicts with almost all it will ever know. Of the others the score is kept that the counts gave when
they were cut down, their own taken out."""
EPOCH: Final = 4_096
"""Learnt messages in one epoch, the clock of expiry."""

_UNIT: Final = 1_024
_RATE: Final = 10.0
_SURE: Final = 2.0
"""The second stage learns from a message only if it was less sure of it than this ("thick threshold")."""


@frozen(eq=False)
class Example:
    """A learnt message as it is kept: enough to train the second stage, or (with `rest`) to score it."""

    key: bytes
    spam: bool
    number: int  #: how many messages had been learnt before it
    singles: Ids
    rest: Ids | None
    counted: int | None = None  #: without `rest`: what the counts said of it by the default weights, in 1/1024


@define(eq=False)
class Model:
    """Counts, examples and what follows from them. Not safe to change from several threads at once."""

    spam: int = 0  #: learnt spam messages
    ham: int = 0
    table: Table = field(factory=new_table)
    examples: dict[bytes, Example] = field(factory=dict)
    number: int = 0  #: messages ever learnt; the next example's number
    settings: Settings = field(default=DEFAULT, kw_only=True)
    _honest: dict[bytes, float] = field(factory=dict, init=False)  # second stage before it learnt the example
    _replay: bool = field(default=True, init=False)
    _cutoffs: Cutoffs | None = field(default=None, init=False)
    _drawn_at: int = field(default=0, init=False)
    _column: Any = field(default=None, init=False)
    _still: int = field(default=0, init=False)  # scores since the counts last changed

    @classmethod
    def restore(cls, spam: int, ham: int, number: int, columns: Columns, examples: Iterable[Example]) -> "Model":
        """A model from what a checkpoint holds."""
        return cls(spam, ham, new_table(columns), {example.key: example for example in examples}, number)

    def tune(self, settings: Settings) -> None:
        """Changes how scores become verdicts."""
        self.settings = settings
        self._cutoffs = None

    @property
    def trained(self) -> int:
        """Learnt messages of the class that has fewer."""
        return min(self.spam, self.ham)

    def learn(self, key: bytes, ids: Ids, spam: bool) -> None:
        """Counts a message and keeps it as an example; `key` (12 bytes) names it and is not known yet."""
        self.learn_many([(key, ids, spam)])

    def learn_many(self, messages: Sequence[tuple[bytes, Ids, bool]]) -> None:
        """`learn(key, ids, spam)` for each, faster; best in groups of some hundred."""
        lists = [ids for _, ids, _ in messages]
        kinds = [spam for _, _, spam in messages]
        if len(lists) == 1:
            self.table.add(lists[0], kinds[0], self.number // EPOCH)
        else:
            self.table.add_many(lists, kinds, self.number // EPOCH)
        for key, ids, spam in messages:
            self._changed(1, spam)
            alone = singles(ids)
            self.examples[key] = Example(key, spam, self.number, alone, ids[len(alone) :])
            self.number += 1
        if not self._replay:
            fresh = [self.examples[key] for key, _, _ in messages]
            for example, rows in zip(fresh, self._rows([example.singles for example in fresh]), strict=True):
                self._honest[example.key] = self._train(rows, example.spam)

    def forget(self, key: bytes, ids: Ids, spam: bool) -> None:
        """Takes back what `learn` did with the same arguments."""
        self.table.subtract(ids, spam)
        self._changed(-1, spam)
        if self.examples.pop(key, None) is not None:
            self._honest.pop(key, None)
            self._replay = True

    def settle(self, most_features: int = MOST_FEATURES) -> None:
        """Drops surplus examples and features and replays the second stage; checkpoints are written after it."""
        self._trim()
        if len(self.table) > most_features:
            thinned = expire(self.table.columns(), self.number // EPOCH, most_features)
            if thinned is not None:
                self.table = new_table(thinned)
                self._column = None
        self._replay = True
        self.replay()

    def replay(self) -> None:
        """Trains the second stage anew if something in it was forgotten."""
        if not self._replay:
            return
        self._replay = False
        self.table.clear_weights()
        self._honest = {}
        self._cutoffs = None
        ordered = [self.examples[key] for key in sorted(self.examples)]
        rows = self._rows([example.singles for example in ordered])
        for example, at in zip(ordered, rows, strict=True):
            self._honest[example.key] = self._train(at, example.spam)
        # Once more the other way round: the mean of both depends half as much on the accident of the order.
        upwards = self.table.clear_weights()
        for example, at in zip(reversed(ordered), reversed(rows), strict=True):
            self._train(at, example.spam)
        self.table.average_weights(upwards)

    def score(self, ids: Ids) -> float:
        """How much the message looks like spam: below about 0 ham, above `cutoffs().spam` spam."""
        self.replay()
        rows = self.table.rows(ids)
        return weighted(family_means(ids, self.evidence(rows)), self.settings.weights) + self._second(ids, rows)

    def score_many(self, messages: Sequence[Ids]) -> list[float]:
        """The same for several messages, faster; best in groups of some hundred."""
        np = arrays.numpy()
        if np is None or len(messages) < 2:
            return [self.score(ids) for ids in messages]
        self.replay()
        sizes = [len(ids) for ids in messages]
        ids = np.concatenate(messages)
        rows = self.table.rows(ids)
        scores = many_scores(ids, self.evidence(rows), sizes, self.settings.weights)
        single = ids < FIRST_REST
        weights = self.table.weight[rows[single]]  # type: ignore[attr-defined]  # an ArrayTable, since there is numpy
        index = np.repeat(np.arange(len(sizes)), sizes)[single]
        alone = np.maximum(np.bincount(index, minlength=len(sizes)), 1)
        scores += np.bincount(index, weights, len(sizes)) / np.sqrt(alone) * self.settings.second_stage
        return list(scores.tolist())

    def evidence(self, rows: Any) -> Any:
        """The log-odds of the features in these rows."""
        if self._column is None:
            self._still += 1
            if self._still < 24 or arrays.numpy() is None:
                spam, ham = self.table.counts(rows)
                return log_odds(spam, ham, self.spam, self.ham)
            table: Any = self.table
            self._column = log_odds(table.spam, table.ham, self.spam, self.ham)  # pays when many are to come
        return self._column[rows]

    def contributions(self, ids: Ids) -> list[float]:
        """What each feature adds to `score(ids)`."""
        self.replay()
        rows = self.table.rows(ids)
        out = shares(ids, self.evidence(rows), self.settings.weights)
        alone = len(singles(ids))
        unit = self.settings.second_stage / sqrt(max(alone, 1))
        for at, weight in enumerate(self.table.weights(rows[:alone])):
            out[at] += weight * unit
        return out

    def cutoffs(self) -> Cutoffs:
        """Where ham ends and spam begins for this model; drawn again when it has grown by a tenth."""
        self.replay()
        if self._cutoffs is None or abs(self.spam + self.ham - self._drawn_at) * 10 > self._drawn_at:
            self._drawn_at = self.spam + self.ham
            honest: dict[bool, list[float]] = {False: [], True: []}
            for spam, scores in honest.items():
                examples = [example for example in self.examples.values() if example.spam is spam]
                whole = [example for example in examples if example.rest is not None]
                counted = self._counted_now(whole, self.settings.weights)
                if self.settings.weights == WEIGHTS:  # what was kept is no good for others
                    counted |= {e.key: e.counted for e in examples if e.counted is not None}
                for key, score in counted.items():
                    scores.append(score / _UNIT + self._honest[key] * self.settings.second_stage)
            self._cutoffs = draw_cutoffs(honest[False], honest[True], self.ham, self.spam, margin=self.settings.margin)
        return self._cutoffs

    def _counted_now(self, whole: Sequence[Example], weights: Sequence[float]) -> dict[bytes, int]:
        """What the counts would say of each of these examples of one class, had it never been learnt; in 1/1024."""
        out: list[int] = []
        np = arrays.numpy()
        for start in range(0, len(whole), 256):
            group = whole[start : start + 256]
            ids = [_join(example.singles, example.rest) for example in group]
            if np is None:
                out += [
                    round(_UNIT * self._counted_one(e, numbers, weights)) for e, numbers in zip(group, ids, strict=True)
                ]
                continue
            joined, sizes = np.concatenate(ids), [len(numbers) for numbers in ids]
            rows = self.table.rows(joined)
            a, b = self.table.counts(rows)
            if group[0].spam:  # an expired feature counts zero already
                evidence = log_odds(a - (a > 0), b, self.spam - 1, self.ham)
            else:
                evidence = log_odds(a, b - (b > 0), self.spam, self.ham - 1)
            out += np.rint(many_scores(joined, evidence, sizes, weights) * _UNIT).astype(int).tolist()
        return {example.key: score for example, score in zip(whole, out, strict=True)}

    def _counted_one(self, example: Example, ids: Ids, weights: Sequence[float]) -> float:
        own = 1 if example.spam else 0
        a, b = self.table.counts(self.table.rows(ids))
        a, b = [max(x - own, 0) for x in a], [max(x - 1 + own, 0) for x in b]
        evidence = log_odds(a, b, self.spam - own, self.ham - 1 + own)
        return weighted(family_means(ids, evidence), weights)

    def _second(self, ids: Ids, rows: Any) -> float:
        count = len(singles(ids))
        return self.table.weigh(rows[:count]) / sqrt(max(count, 1)) * self.settings.second_stage

    def _rows(self, messages: list[Ids]) -> list[Any]:
        """The table rows of several messages, found in groups: faster than one by one."""
        np = arrays.numpy()
        if np is None:
            return [self.table.rows(ids) for ids in messages]
        found: list[Any] = []
        for start in range(0, len(messages), 256):
            group = messages[start : start + 256]
            rows = self.table.rows(np.concatenate(group))
            found += [rows[first:last] for first, last in pairwise(accumulate(map(len, group), initial=0))]
        return found

    def _train(self, rows: Any, spam: bool) -> float:
        """One step of logistic regression, each feature worth 1/sqrt(n); returns what it said before."""
        scale = 1 / sqrt(max(len(rows), 1))
        before = self.table.weigh(rows) * scale
        margin = before if spam else -before
        if margin < _SURE:
            step = _RATE * scale / (1 + exp(max(margin, -500.0)))
            self.table.nudge(rows, step if spam else -step)
        return before

    def _changed(self, by: int, spam: bool) -> None:
        if spam:
            self.spam = max(self.spam + by, 0)
        else:
            self.ham = max(self.ham + by, 0)
        self._column = None
        self._still = 0

    def _trim(self) -> None:
        """Keeps the latest `WINDOW` of each class, whole the `WHOLE` of them with the highest keys."""
        for spam in (False, True):
            kept = sorted((e for e in self.examples.values() if e.spam is spam), key=lambda e: (e.number, e.key))
            for example in kept[:-WINDOW]:
                del self.examples[example.key]
                self._honest.pop(example.key, None)
            kept = sorted(kept[-WINDOW:], key=lambda e: e.key)
            cut = [example for example in kept[:-WHOLE] if example.rest is not None]
            counted = self._counted_now(cut, WEIGHTS)
            for example in cut:
                key, alone = example.key, example.singles
                self.examples[key] = Example(key, spam, example.number, alone, None, counted[key])


def _join(alone: Ids, rest: Ids) -> Ids:
    np = arrays.numpy()
    return alone + rest if np is None else np.concatenate((alone, rest))
