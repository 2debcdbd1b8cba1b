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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from math import exp, sqrt
from types import MappingProxyType
from typing import Any, Final

from attrs import define, field, frozen

from mailkit.spam import arrays
from mailkit.spam.cutoffs import Cutoffs, draw_cutoffs
from mailkit.spam.evidence import log_odds
from mailkit.spam.expiry import MOST_FEATURES, expire
from mailkit.spam.families import WEIGHTS
from mailkit.spam.features import MOST_STRETCHES, Features, Ids, singles
from mailkit.spam.settings import DEFAULT, Settings
from mailkit.spam.stretches import Layout, Parts, parts_in_python, score_one, scores, second_by_stretch, shares
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
_AHEAD: Final = 8
_SILENT: Final = (0.0,) * MOST_STRETCHES


@frozen(eq=False)
class Example:
    """A learnt message as it is kept: enough to train the second stage, or (with `whole`) to score it."""

    key: bytes
    spam: bool
    number: int  #: how many messages had been learnt before it
    singles: Ids
    whole: Features | None
    counted: int | None = None  #: without `whole`: what the counts said of it by the default weights, in 1/1024


@define(eq=False)
class Model:
    """Counts, examples and what follows from them. Not safe to change from several threads at once."""

    spam: int = 0  #: learnt spam messages
    ham: int = 0
    table: Table = field(factory=new_table)
    examples: dict[bytes, Example] = field(factory=dict)
    number: int = 0  #: messages ever learnt; the next example's number
    settings: Settings = field(default=DEFAULT, kw_only=True)
    # What the second stage said of an example before it learnt it: of all of it, and by stretches if it is whole.
    _honest: dict[bytes, tuple[float, list[float]]] = field(factory=dict, init=False)
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

    def learn(self, key: bytes, features: Features, spam: bool) -> None:
        """Counts a message and keeps it as an example; `key` (12 bytes) names it and is not known yet."""
        self.learn_many([(key, features, spam)])

    def learn_many(self, messages: Sequence[tuple[bytes, Features, bool]]) -> None:
        """`learn(key, features, spam)` for each, faster; best in groups of some hundred."""
        lists = [features.ids for _, features, _ in messages]
        kinds = [spam for _, _, spam in messages]
        if len(lists) == 1:
            self.table.add(lists[0], kinds[0], self.number // EPOCH)
        else:
            self.table.add_many(lists, kinds, self.number // EPOCH)
        for key, features, spam in messages:
            self._changed(1, spam)
            self.examples[key] = Example(key, spam, self.number, singles(features.ids), features)
            self.number += 1
        if not self._replay:
            fresh = [self.examples[key] for key, _, _ in messages]
            self._train(fresh, self._rows([example.singles for example in fresh]), stretches=False)

    def forget(self, key: bytes, features: Features, spam: bool) -> None:
        """Takes back what `learn` did with the same arguments."""
        self.table.subtract(features.ids, spam)
        self._changed(-1, spam)
        if self.examples.pop(key, None) is not None:
            self._honest.pop(key, None)
            self._replay = True

    def settle(self, most_features: int = MOST_FEATURES) -> None:
        """Drops surplus examples and features and replays the second stage; checkpoints are written after it."""
        known = self._trim()
        if len(self.table) > most_features:
            thinned = expire(self.table.columns(), self.number // EPOCH, most_features)
            if thinned is not None:
                self.table, known = new_table(thinned), {}
                self._column = None
        self._replay = True
        self.replay(known)

    def replay(self, known: Mapping[bytes, Any] = MappingProxyType({})) -> None:
        """Trains the second stage anew if something in it was forgotten. `known`: table rows of some of the examples,
        by their keys.
        """
        if not self._replay:
            return
        self._replay = False
        self.table.clear_weights()
        self._honest = {}
        self._cutoffs = None
        ordered = [self.examples[key] for key in sorted(self.examples)]
        others = iter(self._rows([example.singles for example in ordered if example.key not in known]))
        rows = [known[example.key] if example.key in known else next(others) for example in ordered]
        self._train(ordered, rows)
        # Once more the other way round: the mean of both depends half as much on the accident of the order.
        upwards = self.table.clear_weights()
        self._train(ordered[::-1], rows[::-1], ask=False)
        self.table.average_weights(upwards)

    def score(self, features: Features) -> float:
        """How much the message looks like spam: below about 0 ham, above `cutoffs().spam` spam."""
        if arrays.numpy() is None:
            return self.score_many([features])[0]
        self.replay()
        rows = self.table.rows(features.ids)
        weights, share = self.settings.weights, self.settings.second_stage
        return score_one(features, self.evidence(rows), self.table.weights(rows), weights, share)

    def score_many(self, messages: Sequence[Features]) -> list[float]:
        """The same for several messages, faster; best in groups of some hundred."""
        self.replay()
        np = arrays.numpy()
        if np is not None and len(messages) == 1:
            return [self.score(messages[0])]
        weights, share = self.settings.weights, self.settings.second_stage
        if np is None:
            out = []
            for features in messages:
                rows = self.table.rows(features.ids)
                alone = len(singles(features.ids))
                second = second_by_stretch(features.where[:alone], self.table.weights(rows[:alone]))
                parts = parts_in_python(features, self.evidence(rows), weights)
                out.append(float(scores(parts, [share * z for z in second])))
            return out
        if not messages:
            return []
        ids = np.concatenate([features.ids for features in messages])
        where = np.concatenate([features.where for features in messages])
        rows = self.table.rows(ids)
        layout = Layout(ids, where, [len(features.ids) for features in messages])
        return list(
            scores(
                layout.parts(self.evidence(rows), weights), share * layout.seconds(self.table.weights(rows))
            ).tolist()
        )

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

    def contributions(self, features: Features) -> list[float]:
        """What each feature adds to `score(features)`."""
        self.replay()
        rows = self.table.rows(features.ids)
        alone = len(singles(features.ids))
        evidence = [float(value) for value in self.evidence(rows)]
        where = [int(bits) for bits in features.where]
        second = [float(weight) for weight in self.table.weights(rows[:alone])]
        whole = Features([int(number) for number in features.ids], where)
        return shares(whole, evidence, second, self.settings.weights, self.settings.second_stage)

    def cutoffs(self) -> Cutoffs:
        """Where ham ends and spam begins for this model; drawn again when it has grown by a tenth."""
        self.replay()
        if self._cutoffs is None or abs(self.spam + self.ham - self._drawn_at) * 10 > self._drawn_at:
            self._drawn_at = self.spam + self.ham
            ham, spam = self._honest_scores(False), self._honest_scores(True)
            self._cutoffs = draw_cutoffs(ham, spam, self.ham, self.spam, margin=self.settings.margin)
        return self._cutoffs

    def _honest_scores(self, spam: bool) -> list[float]:
        """What the kept examples of a class would have scored, had they not been learnt."""
        share, weights = self.settings.second_stage, self.settings.weights
        examples = [self.examples[key] for key in sorted(self.examples) if self.examples[key].spam is spam]
        whole = [example for example in examples if example.whole is not None]
        exact: list[float] = []
        rough: list[float] = []  # of the same ones, if the second stage were only known as a whole
        others: list[float] = []
        for parts, group in self._parts_now(whole, weights):
            said = [self._honest[whole[at].key] for at in group]
            of_each = _scores(parts, [[share * z for z in by_stretch or _SILENT] for _, by_stretch in said])
            of_none = _scores(parts, None)
            for score, counted, (z, by_stretch) in zip(of_each, of_none, said, strict=True):
                if by_stretch:
                    exact.append(score)
                    rough.append(counted + share * z)
                else:  # learnt since the last replay
                    others.append(counted + share * z)
        if weights == WEIGHTS and whole:  # what was kept is no good for others
            cut = [(e.counted, self._honest[e.key][0]) for e in examples if e.counted is not None]
            others += [counted / _UNIT + share * z for counted, z in cut]
        shift = (sum(exact) - sum(rough)) / max(len(exact), 1)
        return [*exact, *(score + shift for score in others)]

    def _parts_now(
        self, whole: Sequence[Example], weights: Sequence[float], known: dict[bytes, Any] | None = None
    ) -> Iterator[tuple[Parts, range]]:
        """The parts of these examples of one class by the counts, each as if it had never been learnt: those of some at
        a time, and which they are. Puts the table rows of their singles into `known`.
        """
        np = arrays.numpy()
        size = 1 if np is None else 256
        for start in range(0, len(whole), size):
            group = whole[start : start + size]
            features = [example.whole for example in group if example.whole is not None]
            if np is None:
                evidence = self._evidence_without(group[0], features[0])
                yield parts_in_python(features[0], evidence, weights), range(start, start + 1)
                continue
            ids = np.concatenate([one.ids for one in features])
            where = np.concatenate([one.where for one in features])
            rows = self.table.rows(ids)
            if known is not None:
                starts = accumulate([len(one.ids) for one in features], initial=0)
                known |= {one.key: rows[at : at + len(one.singles)] for one, at in zip(group, starts, strict=False)}
            a, b = self.table.counts(rows)
            if group[0].spam:  # an expired feature counts zero already
                evidence = log_odds(a - (a > 0), b, self.spam - 1, self.ham)
            else:
                evidence = log_odds(a, b - (b > 0), self.spam, self.ham - 1)
            layout = Layout(ids, where, [len(one.ids) for one in features])
            yield layout.parts(evidence, weights), range(start, start + len(group))

    def _evidence_without(self, example: Example, features: Features) -> Any:
        own = 1 if example.spam else 0
        a, b = self.table.counts(self.table.rows(features.ids))
        a, b = [max(x - own, 0) for x in a], [max(x - 1 + own, 0) for x in b]
        return log_odds(a, b, self.spam - own, self.ham - 1 + own)

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

    def _train(
        self, examples: Sequence[Example], rows: Sequence[Any], *, ask: bool = True, stretches: bool = True
    ) -> None:
        """One step of logistic regression for each example, each feature worth 1/sqrt(n). Keeps what the second stage
        said before (if it is to be asked): of the whole, and (if need be) of each stretch of an example that is whole.

        It looks ahead: what the weights say of the next examples is computed at once, and again from behind the first
        that changes them, which few do.
        """
        table, start, ahead = self.table, 0, 1
        while start < len(examples):
            group = slice(start, start + ahead)
            changed = False
            for example, at, total in zip(examples[group], rows[group], table.weigh(rows[group]), strict=True):
                start += 1
                scale = 1 / sqrt(max(len(at), 1))
                before = total * scale
                if ask:
                    whole = example.whole if stretches else None
                    of_each = [] if whole is None else second_by_stretch(whole.where[: len(at)], table.weights(at))
                    self._honest[example.key] = before, of_each
                margin = before if example.spam else -before
                if margin < _SURE:
                    step = _RATE * scale / (1 + exp(max(margin, -500.0)))
                    table.nudge(at, step if example.spam else -step)
                    changed = True
                    break
            ahead = max(ahead // 2, 1) if changed else min(ahead * 2, _AHEAD)

    def _changed(self, by: int, spam: bool) -> None:
        if spam:
            self.spam = max(self.spam + by, 0)
        else:
            self.ham = max(self.ham + by, 0)
        self._column = None
        self._still = 0

    def _trim(self) -> dict[bytes, Any]:
        """Keeps the latest `WINDOW` of each class, whole the `WHOLE` of them with the highest keys. Returns the table
        rows of the singles of those that were cut down, since they had to be found.
        """
        known: dict[bytes, Any] = {}
        for spam in (False, True):
            kept = sorted((e for e in self.examples.values() if e.spam is spam), key=lambda e: (e.number, e.key))
            for example in kept[:-WINDOW]:
                del self.examples[example.key]
                self._honest.pop(example.key, None)
            kept = sorted(kept[-WINDOW:], key=lambda e: e.key)
            cut = [example for example in kept[:-WHOLE] if example.whole is not None]
            counted = [score for parts, _ in self._parts_now(cut, WEIGHTS, known) for score in _scores(parts, None)]
            for example, score in zip(cut, counted, strict=True):
                key, alone = example.key, example.singles
                self.examples[key] = Example(key, spam, example.number, alone, None, round(score * _UNIT))
        return known


def _scores(parts: Parts, seconds: list[list[float]] | None) -> list[float]:
    """The scores of one message (plain Python) or of several."""
    np = arrays.numpy()
    if np is None:
        return [float(scores(parts, seconds[0] if seconds else [0.0] * len(parts.text)))]
    return list(scores(parts, np.array(seconds) if seconds else 0.0).tolist())
