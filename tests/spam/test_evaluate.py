"""The measures, the protocols, and the command."""

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.spam.mails import corpus, ham, spam

from mailkit.cli.spam import spam as command
from mailkit.errors import Invalid
from mailkit.spam import reading
from mailkit.spam.corpus import labelled_folder, messages_in
from mailkit.spam.evaluate import Labelled, evaluate
from mailkit.spam.metrics import missed_at, roca_percent
from mailkit.spam.reading import Source, reader


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
def test_roca_is_the_share_of_wrong_pairs(rows: list[tuple[int, bool]]) -> None:
    scores, labels = [float(score) for score, _ in rows], [kind for _, kind in rows]
    pairs = [(s, h) for s, kind in rows if kind for h, other in rows if not other]
    if not pairs:
        assert math.isnan(roca_percent(scores, labels))
        return
    wrong = sum(1.0 if h > s else 0.5 if h == s else 0.0 for s, h in pairs)
    assert roca_percent(scores, labels) == pytest.approx(100 * wrong / len(pairs))


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40), st.floats(0, 1))
def test_missed_is_what_the_best_allowed_cutoff_misses(rows: list[tuple[int, bool]], fpr: float) -> None:
    ham_scores, spam_scores = [s for s, kind in rows if not kind], [s for s, kind in rows if kind]
    if not ham_scores or not spam_scores:
        return
    allowed = int(fpr * len(ham_scores) + 1e-9)
    best = min(
        sum(s <= cutoff for s in spam_scores)
        for cutoff in [-6, *(s for s, _ in rows)]
        if sum(s > cutoff for s in ham_scores) <= allowed
    )
    assert missed_at([float(s) for s, _ in rows], [k for _, k in rows], fpr) == pytest.approx(best / len(spam_scores))


def labelled(count: int) -> list[Labelled]:
    return [Labelled(str(at), kind, lambda raw=raw: raw) for at, (raw, kind) in enumerate(corpus(count))]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("protocol", "trained", "tested"), [("half", 150, 150), ("alt", 150, 150), ("online", 300, 300)]
)
def test_protocols(protocol: str, trained: int, tested: int) -> None:
    found = evaluate(labelled(300), protocol)
    assert (found.trained, found.tested, len(found.scores)) == (trained, tested, tested)
    assert found.roca_percent < 2
    assert found.fpr == 0
    assert found.accuracy > (0.5 if protocol == "online" else 0.9)
    assert found.model_bytes > 1000


def test_half_trains_on_the_older_half_of_each_class() -> None:
    found = evaluate(labelled(60), "half")
    assert [name for name, *_ in found.scores] == [str(at) for at in range(30, 60)]


def test_a_corpus_of_one_class_is_refused() -> None:
    with pytest.raises(Invalid):
        evaluate([message for message in labelled(30) if message.spam], "alt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    order = []
    for at, (raw, kind) in enumerate(corpus(240)):
        label = "spam" if kind else "ham"
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{at:03}.eml").write_bytes(raw)
        order.append(f"{label}\t{label}/{at:03}.eml" if at % 2 else f"{label}\t{at:03}.eml")
    (tmp_path / "order.tsv").write_text("\n".join(order) + "\n")
    return tmp_path


def test_a_folder_is_read_in_its_order(folder: Path) -> None:
    found = labelled_folder(folder)
    assert [message.name[-7:-4] for message in found] == [f"{at:03}" for at in range(240)]
    assert [message.read() for message in found[:2]] == [spam(0), ham(1)]
    (folder / "order.tsv").unlink()
    assert len(labelled_folder(folder)) == 240
    (folder / "order.tsv").write_text("ham\tnowhere.eml\n")
    with pytest.raises(Invalid):
        labelled_folder(folder)


@pytest.mark.parametrize("protocol", ["half", "alt", "online"])
def test_evaluate_prints_json(folder: Path, protocol: str) -> None:
    result = CliRunner().invoke(command, ["evaluate", str(folder), "--protocol", protocol, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    keys = {"accuracy", "fpr", "fnr", "roca_percent", "missed_at_fpr_0_1", "missed_at_fpr_0_5", "model_bytes"}
    assert keys | {"messages_per_second"} <= set(found)
    assert 0 <= found["accuracy"] <= 1


def test_evaluate_compares_two_settings_and_lists_changed_verdicts(folder: Path) -> None:
    arguments = ["evaluate", str(folder), "--protocol", "alt", "--with", "least_ham=1000", "--json"]
    found = json.loads(CliRunner().invoke(command, arguments).stdout)
    assert found["other"]["unsure"] == 1
    assert {change["after"] for change in found["changed"]} == {"unsure"}
    assert len(found["changed"]) == round((1 - found["unsure"]) * found["tested"])
    text = CliRunner().invoke(command, arguments[:-1]).stdout
    assert "ham -> unsure" in text


def test_train_classify_forget_export_import_purge(folder: Path, tmp_path: Path) -> None:
    run = CliRunner()
    data = str(tmp_path / "data")

    def ok(*arguments: str) -> str:
        result = run.invoke(command, [arguments[0], "--data", data, *arguments[1:]])
        assert result.exit_code == 0, result.output
        return result.stdout

    (tmp_path / "box").write_bytes(
        b"".join(b"From a@b Mon Jan  6 10:00:00 2025\n" + spam(n) + b"\n" for n in range(900, 903))
    )
    assert json.loads(ok("train", "--ham", "--json", str(folder / "ham")))["learnt"] == 160
    assert json.loads(ok("train", "--spam", "--json", str(folder / "spam"), str(tmp_path / "box")))["learnt"] == 83
    assert json.loads(ok("train", "--spam", "--json", str(folder / "spam")))["known"] == 80
    mail = tmp_path / "mail.eml"
    mail.write_bytes(spam(900))
    found = json.loads(ok("classify", "--json", str(mail)))
    assert found["verdict"] == "spam"
    assert sum(reason["adds"] for reason in found["reasons"]) == pytest.approx(found["score"])
    assert "spam: score" in ok("classify", str(mail))
    ok("forget", str(mail))
    ok("export", str(tmp_path / "model"))
    assert "Purged" in ok("purge", "--yes")
    assert json.loads(ok("classify", "--json", str(mail)))["trained"] is False
    assert "160 ham and 82 spam" in ok("import", str(tmp_path / "model"))
    assert run.invoke(command, ["train", "--data", data, str(mail)]).exit_code == 2


def test_maildirs_and_folders_are_walked(tmp_path: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    (tmp_path / "Maildir" / "cur" / "1:2,S").write_bytes(ham(1))
    (tmp_path / "Maildir" / "new" / "2").write_bytes(ham(2))
    (tmp_path / "Maildir" / "tmp" / "3").write_bytes(ham(3))
    (tmp_path / "single").write_bytes(b"From a@b Mon Jan  6 10:00:00 2025\n" + ham(4))
    assert [read().count(b"Subject:") for read in messages_in(tmp_path)] == [1, 1, 1]


def test_several_processes_read_the_same(folder: Path) -> None:
    corpus = labelled_folder(folder)
    alone, together = evaluate(corpus, "alt"), evaluate(corpus, "alt", jobs=2)
    assert alone.scores == together.scores
    assert alone.model_bytes == together.model_bytes


def test_several_processes_train_the_same_model(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_GROUP", 16)
    box = tmp_path / "box"
    box.write_bytes(b"".join(b"From a@b Mon Jan  6 10:00:00 2025\n" + ham(n) + b"\n" for n in range(500, 540)))
    models = []
    for jobs in ("1", "2"):
        data = ["--data", str(tmp_path / f"data{jobs}")]
        for kind, paths in (("--ham", [folder / "ham", box, folder / "ham"]), ("--spam", [folder / "spam"])):
            found = CliRunner().invoke(command, ["train", *data, "--jobs", jobs, kind, *map(str, paths)])
            assert found.exit_code == 0
        exported = tmp_path / f"model{jobs}"
        assert CliRunner().invoke(command, ["export", *data, str(exported)]).exit_code == 0
        models.append(exported.read_bytes())
    assert models[0] == models[1]


def test_processes_read_a_few_groups_ahead_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_GROUP", 2)
    asked: list[int] = []

    def sources() -> Iterator[Source]:
        for number in range(40):
            asked.append(number)
            yield partial(ham, number)

    with reader(1) as read_here, reader(2) as read_elsewhere:
        groups = read_elsewhere(sources())
        first = next(groups)
        assert len(asked) <= 2 * 7
        elsewhere = [first, *groups]
        here = list(read_here(sources()))
    assert [[(key, one.pack()) for key, one in group] for group in elsewhere] == [
        [(key, one.pack()) for key, one in group] for group in here
    ]


def test_strange_mail_is_measured_like_any_other(folder: Path) -> None:
    strange = {
        "empty": b"",
        "only-a-header": b"Subject: x",
        "no-header": b"\n\n\nwords without a header\n",
        "nul": b"\0" * 5000,
        "odd-charset": b"Content-Type: text/plain; charset=klingon\n\n\xff\xfe\xfd caf\xe9\n",
        "utf-16": "Subject: hi\n\nzażółć gęślą jaźń\n".encode("utf-16"),
        "broken-base64": b"Content-Transfer-Encoding: base64\nContent-Type: text/html\n\n" + b"=AAA" * 500,
        "huge": b"Subject: large\n\n" + b"line after line\n" * 200_000,
        "nested": b"Content-Type: message/rfc822\n\n" * 3000,
        "mac": b"Subject: old\r\rline\rline\r",
        "8-bit header": b"Subject: \xe9\xe8\xff\nFrom: \x80@\x81\n\nx\n",
    }
    for name, raw in strange.items():
        (folder / "ham" / f"{name}.eml").write_bytes(raw)
        (folder / "spam" / f"{name}.eml").write_bytes(raw + b"!")
    for protocol in ("half", "alt", "online"):
        found = evaluate(labelled_folder(folder), protocol)
        assert all(math.isfinite(score) for _, _, score, _ in found.scores)
        assert found.roca_percent < 20


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ham\tnowhere.eml", "Line 2 of"),
        ("ham 001.eml", "a tab, and a file"),
        ("junk\t001.eml", "a tab, and a file"),
        ("ham\tham/001.eml", "named before"),
        ("ham\t../spam/000.eml", "Line 2 of"),
    ],
)
def test_a_bad_line_of_the_order_is_named(folder: Path, line: str, says: str) -> None:
    (folder / "order.tsv").write_text(f"ham\t001.eml\r\n{line}\n")
    with pytest.raises(Invalid, match="Line 2 of") as found:
        labelled_folder(folder)
    assert says in str(found.value)


def test_missing_classes_and_folders_are_named(tmp_path: Path) -> None:
    run = CliRunner()
    assert run.invoke(command, ["evaluate", str(tmp_path / "nowhere")]).exit_code == 2
    (tmp_path / "ham").mkdir()
    (tmp_path / "ham" / "1.eml").write_bytes(ham(1))
    with pytest.raises(Invalid, match=str(tmp_path / "spam")):
        labelled_folder(tmp_path)
    (tmp_path / "spam" / "2026").mkdir(parents=True)
    (tmp_path / "spam" / "2026" / "1.eml").write_bytes(spam(1))
    (tmp_path / "spam" / ".DS_Store").write_bytes(b"x")
    assert [message.name for message in labelled_folder(tmp_path)] == ["ham/1.eml", "spam/2026/1.eml"]
    with pytest.raises(Invalid, match="two of each"):
        evaluate(labelled_folder(tmp_path), "half")


def test_four_messages_are_enough_to_try(tmp_path: Path) -> None:
    few = [Labelled(str(n), n % 2 == 0, lambda n=n: spam(n) if n % 2 == 0 else ham(n)) for n in range(4)]  # type: ignore[misc]
    for protocol in ("half", "alt", "online"):
        assert evaluate(few, protocol).unsure == 1
    one_spam = [Labelled(str(n), n == 3, lambda n=n: spam(n) if n == 3 else ham(n)) for n in range(9)]  # type: ignore[misc]
    assert math.isnan(evaluate(one_spam, "half").roca_percent)


def test_nothing_to_learn_and_nothing_to_judge_is_said(tmp_path: Path) -> None:
    run = CliRunner()
    data = ["--data", str(tmp_path / "data")]
    empty = tmp_path / "empty.eml"
    empty.write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "gone").symlink_to(tmp_path / "nowhere")
    for arguments in (["train", "--ham", str(empty)], ["train", "--ham", str(tmp_path / "folder")]):
        found = run.invoke(command, [*arguments[:1], *data, *arguments[1:]])
        assert found.exit_code == 1
        assert arguments[-1] in found.output
    assert run.invoke(command, ["train", *data, "--ham", str(tmp_path / "nowhere")]).exit_code == 2
    (tmp_path / "folder" / "empty").write_bytes(b"")
    (tmp_path / "folder" / "1").write_bytes(ham(1))
    assert "1 learnt" in run.invoke(command, ["train", *data, "--ham", str(tmp_path / "folder")]).output
    found = run.invoke(command, ["classify", *data, str(empty)])
    assert found.exit_code == 1
    assert "is empty" in found.output
