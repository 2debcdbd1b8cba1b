"""How well the filter does on labelled mail: three ways to split it, one set of measures.

- `half`: trains on the first half of each class by time, tests on the rest. Shows drift.
- `alt`: trains on every second message, tests on the others. No drift.
- `online`: classifies, then trains, each message in order of receipt. As in a mailbox whose owner corrects all.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from time import perf_counter
from typing import Final

from attrs import frozen

from mailkit.errors import Invalid
from mailkit.spam.checkpoint import encode_model
from mailkit.spam.features import Features
from mailkit.spam.metrics import missed_at, roca_percent
from mailkit.spam.model import Model
from mailkit.spam.reading import Reader, reader
from mailkit.spam.settings import DEFAULT, Settings
from mailkit.spam.verdict import Verdict, judge

__all__ = ["PROTOCOLS", "Evaluation", "Labelled", "evaluate", "evaluate_split"]

PROTOCOLS: Final = ("half", "alt", "online")
_BULK_FOLD: Final = 8_192
_FOLD: Final = 1_024
"""Messages after which the online protocol folds its model, as a mailbox does in idle moments."""


@frozen
class Labelled:
    """A message whose class is known. `read` gives its bytes, so that a corpus need not fit in memory."""

    name: str
    spam: bool
    read: Callable[[], bytes]


@frozen
class Evaluation:
    """The measures. Rates are shares (0 to 1) of the tested messages of the class concerned; only 1-ROCA is percent."""

    protocol: str
    trained: int
    tested: int
    accuracy: float  #: spam flagged and ham not flagged by the default verdict
    fpr: float  #: ham flagged
    fnr: float  #: spam not flagged
    unsure: float  #: neither ham nor spam by the default verdict
    roca_percent: float
    missed_at_fpr_0_1: float  #: spam missed by the cut-off that flags at most 0.1 % of the ham
    missed_at_fpr_0_5: float
    messages_per_second: float
    trained_per_second: float
    model_bytes: int
    features: int
    scores: tuple[tuple[str, bool, float, str], ...]  #: (name, is spam, score, verdict) of each tested message


def evaluate(corpus: Sequence[Labelled], protocol: str, settings: Settings = DEFAULT, *, jobs: int = 1) -> Evaluation:
    """Runs a protocol over messages in order of receipt. Invalid when a class is missing or the protocol unknown.

    `jobs`: how many processes read messages (`reading.reader`).
    """
    if protocol not in PROTOCOLS:
        raise Invalid.field("protocol", f'"protocol" must be one of {", ".join(PROTOCOLS)}')
    if len({message.spam for message in corpus}) < 2 or len(corpus) < 4:
        raise Invalid("spam.corpus_one_sided", "An evaluation needs both ham and spam, two of each at least")
    if protocol == "online":
        with reader(jobs) as read_all:
            return _online(corpus, settings, read_all)
    return evaluate_split(*_split(corpus, protocol), settings, protocol=protocol, jobs=jobs)


def _split(corpus: Sequence[Labelled], protocol: str) -> tuple[list[Labelled], list[Labelled]]:
    if protocol == "alt":
        return list(corpus[::2]), list(corpus[1::2])
    left = {kind: (sum(message.spam is kind for message in corpus) + 1) // 2 for kind in (False, True)}
    train: list[Labelled] = []
    test: list[Labelled] = []
    for message in corpus:
        (train if left[message.spam] > 0 else test).append(message)
        left[message.spam] -= 1
    return train, test


def evaluate_split(
    train: Sequence[Labelled],
    test: Sequence[Labelled],
    settings: Settings = DEFAULT,
    *,
    protocol: str = "split",
    jobs: int = 1,
) -> Evaluation:
    """Trains on some messages and tests on others; the measures of a class that isn't tested are NaN."""
    with reader(jobs) as read_all:
        return _batch(train, test, protocol, settings, read_all)


def _batch(
    train: Sequence[Labelled], test: Sequence[Labelled], protocol: str, settings: Settings, read_all: Reader
) -> Evaluation:
    model = Model(settings=settings)
    known: set[bytes] = set()
    started = perf_counter()
    at = folded = 0
    for group in read_all([message.read for message in train]):
        fresh: dict[bytes, tuple[bytes, Features, bool]] = {}
        for (key, features), message in zip(group, train[at : at + len(group)], strict=True):
            if key not in known:
                known.add(key)
                fresh[key] = (key, features, message.spam)
        model.learn_many(list(fresh.values()))
        at += len(group)
        if at - folded >= _BULK_FOLD:
            model.settle()
            folded = at
    model.settle()
    trained = perf_counter()
    verdicts: list[Verdict] = []
    for group in read_all([message.read for message in test]):
        verdicts += [judge(model, score) for score in model.score_many([features for _, features in group])]
    ended = perf_counter()
    return _measure(protocol, len(train), test, verdicts, model, ended - trained, trained - started)


def _online(corpus: Sequence[Labelled], settings: Settings, read_all: Reader) -> Evaluation:
    model = Model(settings=settings)
    labels: dict[bytes, bool] = {}
    verdicts = []
    classifying = training = 0.0
    messages = iter(corpus)
    groups = read_all([message.read for message in corpus])
    while True:
        started = perf_counter()
        group = next(groups, None)
        classifying += perf_counter() - started
        if group is None:
            break
        for (key, features), message in zip(group, islice(messages, len(group)), strict=True):
            started = perf_counter()
            verdicts.append(judge(model, model.score(features)))
            classified = perf_counter()
            before = labels.get(key)
            if before is None or before is not message.spam:
                if before is not None:  # the same message with another label: a changed mind
                    model.forget(key, features, before)
                model.learn(key, features, message.spam)
                labels[key] = message.spam
            if len(verdicts) % _FOLD == 0:
                model.settle()
            classifying += classified - started
            training += perf_counter() - classified
    model.settle()
    return _measure("online", len(corpus), corpus, verdicts, model, classifying, training)


def _measure(
    protocol: str,
    trained: int,
    test: Sequence[Labelled],
    verdicts: Sequence[Verdict],
    model: Model,
    classifying: float,
    training: float,
) -> Evaluation:
    spam = [message.spam for message in test]
    scores = [verdict.score for verdict in verdicts]
    flagged = [verdict.verdict == "spam" for verdict in verdicts]
    ham_count, spam_count = spam.count(False), spam.count(True)
    false_positives = sum(flag and not truth for flag, truth in zip(flagged, spam, strict=True))
    false_negatives = sum(truth and not flag for flag, truth in zip(flagged, spam, strict=True))
    return Evaluation(
        protocol=protocol,
        trained=trained,
        tested=len(test),
        accuracy=1 - (false_positives + false_negatives) / len(test),
        fpr=false_positives / ham_count if ham_count else float("nan"),
        fnr=false_negatives / spam_count if spam_count else float("nan"),
        unsure=sum(verdict.verdict == "unsure" for verdict in verdicts) / len(test),
        roca_percent=roca_percent(scores, spam),
        missed_at_fpr_0_1=missed_at(scores, spam, 0.001),
        missed_at_fpr_0_5=missed_at(scores, spam, 0.005),
        messages_per_second=len(test) / max(classifying, 1e-9),
        trained_per_second=trained / max(training, 1e-9),
        model_bytes=len(encode_model(model)),
        features=len(model.table),
        scores=tuple(
            (message.name, message.spam, verdict.score, verdict.verdict)
            for message, verdict in zip(test, verdicts, strict=True)
        ),
    )
