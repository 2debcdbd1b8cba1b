"""The soft maximum over the stretches of a text: its laws, the three ways to compute it, and what it is for."""

import random
from math import log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spam.mails import corpus, ham, spam

from mailkit.spam import arrays
from mailkit.spam.explain import explain
from mailkit.spam.families import BODY, BODY_PAIRS, FIRST_REST, WEIGHTS
from mailkit.spam.features import MOST_STRETCHES, Features, features_of, pack_ids, pack_where, without
from mailkit.spam.message_key import message_key
from mailkit.spam.model import Model
from mailkit.spam.stretches import (
    Layout,
    parts_in_python,
    score_one,
    scores,
    second_by_stretch,
    shares,
    soft_maximum,
)
from mailkit.spam.tokens import read
from mailkit.spam.verdict import judge, voices

SHARPNESS = 0.5
VALUES = st.lists(st.floats(-5, 5), min_size=1, max_size=MOST_STRETCHES)


@given(VALUES)
def test_it_lies_between_the_mean_and_the_highest(values: list[float]) -> None:
    found = soft_maximum(values)
    assert sum(values) / len(values) - 1e-9 <= found <= max(values) + 1e-9
    assert found >= max(values) - SHARPNESS * log(len(values)) - 1e-9


@given(st.floats(-5, 5), st.integers(1, MOST_STRETCHES))
def test_stretches_that_say_the_same_say_it_together(value: float, count: int) -> None:
    assert soft_maximum([value] * count) == pytest.approx(value)


@given(VALUES, st.data())
def test_what_makes_one_stretch_worse_makes_the_whole_worse(values: list[float], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values) - 1))
    worse = [*values[:at], values[at] + data.draw(st.floats(0, 3)), *values[at + 1 :]]
    assert soft_maximum(worse) >= soft_maximum(values) - 1e-9


@given(st.floats(-5, 5), st.lists(st.floats(-5, 5), max_size=MOST_STRETCHES - 1))
def test_padding_takes_away_a_bounded_amount(bad: float, good: list[float]) -> None:
    assert bad - soft_maximum([bad, *good]) <= SHARPNESS * log(1 + len(good)) + 1e-9


@st.composite
def messages(draw: st.DrawFn) -> tuple[Features, list[float], list[float], float]:
    """Features of up to 16 stretches, the evidence of each, the second stage's weights, its share."""
    many = draw(st.integers(1, MOST_STRETCHES))
    text = st.tuples(st.sampled_from((BODY, BODY_PAIRS)), st.integers(1, (1 << many) - 1))
    other = st.tuples(st.integers(1, 14), st.just(0))
    drawn = draw(st.lists(st.tuples(st.integers(1, (1 << 28) - 1), st.one_of(text, other)), max_size=60))
    rows = dict(sorted({family << 28 | low: where for low, (family, where) in drawn}.items()))
    features = Features.unpack(pack_ids(list(rows)) + pack_where(list(rows.values())))
    evidence = draw(st.lists(st.just(0.0) | st.floats(-5, 5), min_size=len(rows), max_size=len(rows)))
    weight = [draw(st.floats(-3, 3)) if number < FIRST_REST else 0.0 for number in rows]
    return features, evidence, weight, draw(st.sampled_from((0.0, 1 / 7, 1.0)))


def plainly(features: Features, evidence: list[float], weight: list[float], share: float) -> float:
    """The score without numpy."""
    alone = sum(int(number) < FIRST_REST for number in features.ids)
    ids, where = [int(number) for number in features.ids], [int(bits) for bits in features.where]
    seconds = [share * z for z in second_by_stretch(where[:alone], weight[:alone])]
    return float(scores(parts_in_python(Features(ids, where), evidence, WEIGHTS), seconds))


@settings(max_examples=200)
@given(st.lists(messages(), min_size=1, max_size=4))
def test_many_one_and_plain_python_give_the_same(group: list[tuple[Features, list[float], list[float], float]]) -> None:
    np: Any = arrays.numpy()
    share = group[0][3]
    expected = [plainly(features, evidence, weight, share) for features, evidence, weight, _ in group]
    ids, where = (np.concatenate([getattr(one[0], name) for one in group]) for name in ("ids", "where"))
    evidence, weight = (np.array([value for one in group for value in one[at]]) for at in (1, 2))
    layout = Layout(ids, where, [len(one[0].ids) for one in group])
    assert scores(layout.parts(evidence, WEIGHTS), share * layout.seconds(weight)).tolist() == pytest.approx(expected)
    each = [score_one(one[0], np.array(one[1]), np.array(one[2]), WEIGHTS, share) for one in group]
    assert each == pytest.approx(expected)


@settings(max_examples=200)
@given(messages())
def test_what_each_feature_adds_is_the_score_together(one: tuple[Features, list[float], list[float], float]) -> None:
    features, evidence, weight, share = one
    alone = sum(int(number) < FIRST_REST for number in features.ids)
    whole = Features([int(number) for number in features.ids], [int(bits) for bits in features.where])
    added = shares(whole, evidence, weight[:alone], WEIGHTS, share)
    assert sum(added) == pytest.approx(plainly(*one), abs=1e-9)


# what it is for


def trained() -> Model:
    model = Model()
    for raw, kind in corpus(150):
        model.learn(message_key(raw), features_of(read(raw)), kind)
    model.settle()
    return model


MODEL = trained()


def text(raw: bytes) -> bytes:
    return raw.partition(b"\n\n")[2]


def verdict(raw: bytes) -> str:
    return judge(MODEL, MODEL.score(features_of(read(raw)))).verdict


def good(size: int) -> bytes:
    """Text of learnt ham, so long."""
    pick = random.Random(size)
    return b" ".join(text(ham(pick.choice((1, 2, 4, 5, 7, 8)))) for _ in range(size // 100))[:size]


@pytest.mark.parametrize(
    ("place", "size"),
    [
        *((place, size) for place in ("behind", "before") for size in (500, 2_000)),
        *((place, size) for place in ("hidden", "beside") for size in (500, 2_000, 8_000, 40_000)),
    ],
)
def test_spam_that_is_padded_with_learnt_ham_is_no_ham(place: str, size: int) -> None:
    for number in range(901, 911):
        raw, more = spam(number), good(size)
        head, _, body = raw.partition(b"\n\n")
        if place == "behind":
            bent = raw.replace(b"</body>", b"<p>" + more + b"</p></body>")
        elif place == "before":
            bent = raw.replace(b"<body>", b"<body><p>" + more + b"</p>")
        elif place == "hidden":
            bent = raw.replace(b"<body>", b'<body><div style="display:none">' + more + b"</div>")
        else:
            bent = (
                head.replace(b"text/html; charset=utf-8", b'multipart/alternative; boundary="b"')
                + b"\n\n--b\n\n"
                + more
                + b"\n--b\nContent-Type: text/html; charset=utf-8\n\n"
                + body
                + b"\n--b--\n"
            )
        assert verdict(bent) != "ham", number
        if place in ("hidden", "beside"):
            assert verdict(bent) == "spam", number


@pytest.mark.parametrize("count", [2, 10, 60])
def test_ham_of_many_messages_stays_ham(count: int) -> None:
    for number in range(901, 906):
        others = [text(ham(number + 100 + at)) for at in range(count)]
        assert verdict(ham(number) + b"\n-----\n".join(others)) == "ham"


def test_an_answer_that_quotes_a_line_of_spam_is_not_flagged() -> None:
    for number in range(901, 911):
        line = b" ".join(text(spam(number)).split()[1:12])
        assert verdict(ham(number) + b"\nSomebody wrote:\n> " + line + b"\n") != "spam"


def test_without_the_flipping_words_the_verdict_is_another() -> None:
    flipped = 0
    for number in range(901, 911):
        for raw in (ham(number), spam(number), ham(number) + text(spam(number)), spam(number) + good(2_000)):
            tokens = read(raw)
            found = explain(voices([("global", MODEL)]), tokens)
            assert sum(reason.adds for reason in found.reasons) == pytest.approx(found.score, abs=1e-9)
            if not found.flip:
                continue
            flipped += 1
            features = features_of(tokens)
            contributions = MODEL.contributions(features)
            ranked = sorted(
                zip(map(int, features.ids), contributions, strict=True), key=lambda row: (-abs(row[1]), row[0])
            )
            towards = 1 if found.verdict.verdict == "spam" else -1
            gone = {at for at, adds in [row for row in ranked if row[1] * towards > 0][: len(found.flip)]}
            kept = without(features, gone)
            assert judge(MODEL, MODEL.score(kept)).verdict != found.verdict.verdict
    assert flipped > 10


@given(st.lists(st.sampled_from(("harmless", "minutes", "http://good.example/x", "\n")), max_size=300))
def test_more_text_beside_a_page_changes_nothing(more: list[str]) -> None:
    beginning = b"the minutes of the meeting " * 80
    pages = [
        b'Content-Type: multipart/alternative; boundary="b"\n\n--b\n\n'
        + beginning
        + extra
        + b"\n--b\nContent-Type: text/html\n\n<p>buy pills</p>\n--b--\n"
        for extra in (b"", " ".join(more).encode())
    ]
    first, second = (features_of(read(page)).pack() for page in pages)
    assert first == second
