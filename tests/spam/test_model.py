"""The learner's laws: order doesn't matter, forgetting is exact, numpy changes nothing, reasons add up."""

import math
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spam.mails import corpus, ham, spam

from mailkit.errors import Corrupt, Invalid, Unavailable
from mailkit.spam import arrays
from mailkit.spam import model as model_module
from mailkit.spam.checkpoint import decode_model, encode_model
from mailkit.spam.cutoffs import NO_CUTOFFS, draw_cutoffs, probability
from mailkit.spam.evidence import log_odds, log_odds_in_python
from mailkit.spam.expiry import expire
from mailkit.spam.explain import explain
from mailkit.spam.features import Features, features_of, pack_ids, unpack_ids
from mailkit.spam.journal import Change, Entry, apply, decode_entry, encode_entry
from mailkit.spam.message_key import message_key
from mailkit.spam.model import Model
from mailkit.spam.packing import Reader, pack_numbers
from mailkit.spam.settings import parse_settings
from mailkit.spam.table import ArrayTable, DictTable
from mailkit.spam.tokens import read
from mailkit.spam.verdict import judge, verdict_of, voices

MAIL = [(message_key(raw), features_of(read(raw)).pack(), kind) for raw, kind in corpus(150)]


@pytest.fixture(params=["numpy", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms of everything."""
    if request.param == "plain":
        monkeypatch.setattr(arrays, "numpy", lambda: None)
    return str(request.param)


def learnt(mail: list[tuple[bytes, bytes, bool]]) -> Model:
    model = Model()
    for key, ids, kind in mail:
        model.learn(key, Features.unpack(ids), kind)
    model.settle()
    return model


def counts_of(model: Model) -> tuple[int, int, list[tuple[int, int, int]]]:
    columns = model.table.columns()
    rows = zip(columns.ids, columns.spam, columns.ham, strict=True)
    return model.spam, model.ham, [(int(i), int(a), int(b)) for i, a, b in rows]


def scores_of(model: Model) -> list[float]:
    return [model.score(Features.unpack(ids)) for _, ids, _ in MAIL[::7]]


def test_what_was_learnt_is_told_apart(way: str) -> None:
    model = learnt(MAIL)
    fresh = [(raw, kind) for raw, kind in corpus(300)[150:]]
    verdicts = [(judge(model, model.score(features_of(read(raw)))).verdict, kind) for raw, kind in fresh]
    assert not [verdict for verdict, kind in verdicts if verdict == ("ham" if kind else "spam")]
    assert sum(verdict == "unsure" for verdict, _ in verdicts) < 15


@given(st.permutations(MAIL[:40]))
@settings(max_examples=25)
def test_the_order_of_learning_changes_nothing_once_settled(mail: list[tuple[bytes, bytes, bool]]) -> None:
    usual, other = learnt(MAIL[:40]), learnt(mail)
    assert counts_of(usual) == counts_of(other)
    assert scores_of(usual) == scores_of(other)
    assert usual.cutoffs() == other.cutoffs()


@given(st.sets(st.integers(0, 59)))
@settings(max_examples=25)
def test_learning_then_forgetting_is_never_having_learnt(gone: set[int]) -> None:
    model = learnt(MAIL[:60])
    for at in gone:
        key, ids, kind = MAIL[at]
        model.forget(key, Features.unpack(ids), kind)
    model.settle()
    never = learnt([message for at, message in enumerate(MAIL[:60]) if at not in gone])
    assert counts_of(model) == counts_of(never)
    assert scores_of(model) == scores_of(never)


def test_learning_many_is_learning_each(way: str) -> None:
    one, many = Model(), Model()
    one.replay()
    many.replay()
    for key, ids, kind in MAIL:
        one.learn(key, Features.unpack(ids), kind)
    many.learn_many([(key, Features.unpack(ids), kind) for key, ids, kind in MAIL])
    assert counts_of(one) == counts_of(many)
    assert scores_of(many) == pytest.approx(scores_of(one), abs=1e-12)


def test_numpy_changes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = learnt(MAIL)
    expected = scores_of(fast), fast.cutoffs(), encode_model(fast)
    monkeypatch.setattr(arrays, "numpy", lambda: None)
    plain = learnt(MAIL)
    assert isinstance(plain.table, DictTable)
    assert scores_of(plain) == pytest.approx(expected[0], abs=1e-9)
    assert plain.cutoffs().spam == pytest.approx(expected[1].spam, abs=1e-9)
    assert encode_model(plain) == expected[2]
    assert scores_of(decode_model(expected[2])) == pytest.approx(expected[0], abs=1e-9)


def test_scoring_many_is_scoring_each(way: str) -> None:
    model = learnt(MAIL)
    messages = [Features.unpack(ids) for _, ids, _ in MAIL]
    assert model.score_many(messages) == pytest.approx([model.score(ids) for ids in messages], abs=1e-12)
    assert model.score_many([]) == []
    assert model.score_many([Features.unpack(b"")]) == [0.0]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1), st.integers(0, 20), st.integers(0, 20))
def test_evidence_is_bounded_and_the_same_both_ways(rows: list[tuple[int, int]], more: int, less: int) -> None:
    spam_count, ham_count = 9 + more, 9 + less
    np: Any = arrays.numpy()
    fast = log_odds(
        np.array([a for a, _ in rows], np.uint32), np.array([b for _, b in rows], np.uint32), spam_count, ham_count
    )
    slow = [log_odds_in_python(a, b, spam_count, ham_count) for a, b in rows]
    assert fast.tolist() == pytest.approx(slow, abs=1e-12)
    assert all(abs(value) <= 5 for value in slow)


@pytest.mark.parametrize(("spam_count", "ham_count"), [(1, 1), (5, 900), (70_000, 300)])
def test_evidence_of_very_many_features_is_that_of_each_to_the_last_bit(spam_count: int, ham_count: int) -> None:
    np: Any = arrays.numpy()
    dice = np.random.default_rng(1)
    a = np.minimum(dice.zipf(1.3, 40_001) - 1, spam_count).astype(np.uint32)
    b = np.minimum(dice.zipf(1.3, 40_001) - 1, ham_count).astype(np.uint32)
    alone = [log_odds(a[at : at + 9], b[at : at + 9], spam_count, ham_count) for at in range(0, len(a), 9)]
    assert log_odds(a, b, spam_count, ham_count).tobytes() == np.concatenate(alone).tobytes()


@given(st.lists(st.lists(st.tuples(st.booleans(), st.sets(st.integers(1, 90), min_size=1)), min_size=1), max_size=6))
def test_both_tables_count_many_alike(groups: list[list[tuple[bool, set[int]]]]) -> None:
    fast, slow = ArrayTable(), DictTable()
    for epoch, group in enumerate(groups):
        lists = [unpack_ids(pack_ids(sorted({n * 70_000_001 & 0xFFFFFFFF for n in numbers}))) for _, numbers in group]
        for table in (fast, slow):
            table.add_many(lists, [kind for kind, _ in group], epoch // 2)
    left, right = fast.columns(), slow.columns()
    for name in ("ids", "spam", "ham", "epochs"):
        assert [int(x) for x in getattr(left, name)] == [int(x) for x in getattr(right, name)]


@given(st.lists(st.tuples(st.booleans(), st.sets(st.integers(1, 60), min_size=1)), max_size=30))
def test_both_tables_count_alike(changes: list[tuple[bool, set[int]]]) -> None:
    fast, slow = ArrayTable(), DictTable()
    for at, (kind, numbers) in enumerate(changes):
        # Spread over the whole range, and close together: both collide.
        ids = unpack_ids(pack_ids(sorted({n if n % 2 else n * 70_000_001 & 0xFFFFFFFF for n in numbers} - {0})))
        for table in (fast, slow):
            table.add(ids, kind, 0)
            if at % 3 == 2:
                table.subtract(ids, not kind)
            table.nudge(table.rows(ids), 0.5)
    left, right = fast.columns(), slow.columns()
    for name in ("ids", "spam", "ham"):
        assert [int(x) for x in getattr(left, name)] == [int(x) for x in getattr(right, name)]
    ids = left.ids
    assert fast.weights(fast.rows(ids)) == pytest.approx(slow.weights(slow.rows([int(x) for x in ids])))


def test_a_table_grows_and_keeps_what_it_has() -> None:
    table = ArrayTable()
    for start in range(1, 60_000, 1000):
        table.add(unpack_ids(pack_ids(range(start, start + 1000))), spam=True, epoch=1)
    assert len(table) == 60_000
    spam_counts, ham_counts = table.counts(table.rows(unpack_ids(pack_ids([1, 59_999, 4_000_000_000]))))
    assert (spam_counts.tolist(), ham_counts.tolist()) == ([1, 1, 0], [0, 0, 0])


def test_reasons_add_up_to_the_score_and_name_the_words(way: str) -> None:
    model = learnt(MAIL)
    found = explain(voices([("global", model)]), read(spam(999)))
    assert found.verdict.verdict == "spam"
    assert sum(reason.adds for reason in found.reasons) == pytest.approx(found.verdict.score, abs=1e-9)
    assert any(
        reason.family == "body" and reason.words in ("viagra", "click", "free", "!") for reason in found.reasons[:60]
    )


def test_an_untrained_model_is_silent() -> None:
    model = learnt(MAIL[:15])
    verdict = judge(model, model.score(Features.unpack(MAIL[100][1])))
    assert (verdict.verdict, verdict.trained) == ("unsure", False)
    assert voices([("global", model)]) == []
    assert verdict_of([]).verdict == "unsure"


def test_models_are_heard_by_nearness_and_experience() -> None:
    old, young = learnt(MAIL), learnt(MAIL[:90])
    both = voices([("global", old), ("account", young)])
    assert sum(share for share, _ in both) == pytest.approx(1)
    assert both[1][0] > both[0][0]
    tokens = read(spam(998))
    found = explain(both, tokens)
    alone = [model.score(features_of(tokens)) for _, model in both]
    assert min(alone) <= found.verdict.score <= max(alone)
    assert sum(reason.adds for reason in found.reasons) == pytest.approx(found.verdict.score, abs=1e-9)


def test_a_checkpoint_brings_the_model_back(way: str) -> None:
    model = learnt(MAIL)
    data = encode_model(model)
    again = decode_model(data)
    assert counts_of(again) == counts_of(model)
    assert scores_of(again) == scores_of(model)
    assert again.cutoffs() == model.cutoffs()
    assert encode_model(again) == data
    assert encode_model(decode_model(encode_model(Model()))) == encode_model(Model())


def test_scores_kept_of_cut_down_examples_come_back_and_count_for_the_cutoffs(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = learnt(MAIL).cutoffs()
    monkeypatch.setattr(model_module, "WHOLE", 5)
    model = learnt(MAIL)
    kept = [example.counted for example in model.examples.values()]
    assert sum(score is None for score in kept) == 10
    # Nothing was learnt since they were cut down: the cut-offs are nearly those of whole examples. Only what the second
    # stage said of their stretches is gone.
    cutoffs = model.cutoffs()
    assert (cutoffs.ham, cutoffs.spam) == pytest.approx((whole.ham, whole.spam), abs=0.05)
    again = decode_model(encode_model(model))
    assert [example.counted for example in again.examples.values()] == [
        model.examples[key].counted for key in again.examples
    ]
    assert again.cutoffs() == cutoffs
    # Kept scores are those of the default weights: other weights draw from the whole examples alone.
    model.tune(parse_settings(["weight.url=0"]))
    assert model.cutoffs() != cutoffs


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_checkpoint_is_refused(data: st.DataObject) -> None:
    good = GOOD
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes((good[at] ^ data.draw(st.integers(1, 255)),)) + good[at + 1 :]
    for damaged in (bad, good[:at]):
        with pytest.raises((Corrupt, Unavailable)):  # a changed digit makes it another form
            decode_model(damaged)


@given(st.binary())
def test_packed_numbers_are_read_or_refused(data: bytes) -> None:
    for damaged in (data, pack_numbers([1, 70_000, 3])[: len(data)] + data):
        try:
            Reader(damaged).numbers()
        except Corrupt:
            pass


GOOD = encode_model(learnt(MAIL[:20]))


def test_a_model_of_another_tokeniser_is_refused() -> None:
    start = len(b"mailkit spam 3\n")
    for version, words in ((b"\xff\xff", "newer"), (b"\x00\x00", "older")):
        rest = version + GOOD[start + 6 :]
        with pytest.raises(Unavailable, match=words):
            decode_model(GOOD[:start] + crc32(rest).to_bytes(4, "little") + rest)


def test_a_model_of_another_form_is_refused() -> None:
    rest = GOOD[len(b"mailkit spam 3\n") :]
    for number, code in ((b"2", "spam.model_outdated"), (b"4", "record.newer")):
        with pytest.raises(Unavailable) as refused:
            decode_model(b"mailkit spam " + number + b"\n" + rest)
        assert refused.value.code == code
    with pytest.raises(Corrupt):
        decode_model(b"mailkit spam x\n" + rest)


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_packed_numbers_come_back(numbers: list[int]) -> None:
    packed = pack_numbers(numbers)
    reader = Reader(packed)
    assert [int(number) for number in reader.numbers()] == numbers
    reader.end()


def test_entries_come_back_and_do_what_they_say(way: str) -> None:
    key, ids, kind = MAIL[0]
    learn = Entry(Change.LEARN_SPAM if kind else Change.LEARN_HAM, key, Features.unpack(ids))
    forget = Entry(Change.FORGET_SPAM if kind else Change.FORGET_HAM, key, Features.unpack(ids))
    model = Model()
    apply(model, [decode_entry(encode_entry(learn))])
    assert model.spam + model.ham == 1
    apply(model, [decode_entry(encode_entry(forget))])
    assert counts_of(model) == (0, 0, [])
    for bad in (b"", b"\x09" + encode_entry(learn)[1:], encode_entry(learn)[:-1]):
        with pytest.raises(Corrupt):
            decode_entry(bad)


def test_examples_are_bounded_and_the_latest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "WINDOW", 10)
    monkeypatch.setattr(model_module, "WHOLE", 3)
    model = learnt(MAIL)
    for kind in (False, True):
        kept = [example for example in model.examples.values() if example.spam is kind]
        assert sorted(e.number for e in kept) == [at for at, (_, _, k) in enumerate(MAIL) if k is kind][-10:]
        assert sum(example.whole is not None for example in kept) == 3


def test_expiry_drops_the_rare_and_old_first(way: str) -> None:
    model = learnt(MAIL)
    columns = model.table.columns()
    assert expire(columns, 0, len(columns.ids)) is None
    thinned = expire(columns, 0, 400)
    assert thinned is not None
    assert len(thinned.ids) == 300
    total = [int(a) + int(b) for a, b in zip(thinned.spam, thinned.ham, strict=True)]
    everything = sorted((int(a) + int(b) for a, b in zip(columns.spam, columns.ham, strict=True)), reverse=True)
    assert sorted(total, reverse=True) == everything[:300]


def test_after_expiry_messages_can_still_be_forgotten_and_the_model_still_judges() -> None:
    model = learnt(MAIL)
    model.settle(most_features=1000)
    assert len(model.table) <= 1000
    assert judge(model, model.score(features_of(read(spam(997))))).verdict == "spam"
    again = decode_model(encode_model(model))
    for key, ids, kind in MAIL:
        again.forget(key, Features.unpack(ids), kind)
    assert counts_of(again) == (0, 0, [])


def test_cutoffs_lie_between_the_classes() -> None:
    low = [-2 + 0.01 * n for n in range(100)]
    high = [1 + 0.01 * n for n in range(100)]
    cutoffs = draw_cutoffs(low, high, 1000, 500)
    assert -1 < cutoffs.ham < cutoffs.spam < 2
    assert probability(-2, cutoffs) < 0.05 < 0.95 < probability(2, cutoffs)
    assert draw_cutoffs([], high, 0, 5) == NO_CUTOFFS
    wider = draw_cutoffs(low, high, 1000, 500, margin=1.5)
    assert wider.spam > cutoffs.spam


def test_a_message_is_the_same_in_an_mbox_and_with_other_line_ends() -> None:
    raw = ham(1)
    assert message_key(b"From x@y Mon Jan  6 10:00:00 2025\n" + raw + b"\n") == message_key(raw.replace(b"\n", b"\r\n"))
    assert message_key(raw) != message_key(raw.replace(b"Received: from mx", b"Received: from my"))


def test_settings_from_texts() -> None:
    found = parse_settings(["margin=1", "weight.url=0", "least_ham=50"])
    assert (found.margin, found.least_ham) == (1.0, 50)
    assert found.weights[8] == 0
    for bad in ("margin", "margin=x", "weight.nothing=1", "least_ham=0"):
        with pytest.raises(Invalid):
            parse_settings([bad])


def test_scores_are_finite_whatever_was_learnt() -> None:
    model = Model()
    assert model.score(Features.unpack(MAIL[0][1])) == 0
    model.learn(b"k" * 12, Features.unpack(MAIL[0][1]), True)
    assert math.isfinite(model.score(Features.unpack(MAIL[1][1])))
