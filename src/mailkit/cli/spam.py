"""`mailkit spam`: train, try and evaluate the spam engine."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice, tee
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from mailkit.cli.opening import config_option, data_option, json_option, settings_sources

if TYPE_CHECKING:
    from mailkit.ids import Id
    from mailkit.spam import Spam
    from mailkit.spam.evaluate import Evaluation
    from mailkit.spam.explain import Explanation

__all__ = ["spam"]

_SHOWN = 15
_WORTH_A_PROCESS = 2_000
"""Messages for which starting a process pays."""
_FOLD = 4_000


@click.group()
def spam() -> None:
    """Train, try and evaluate the spam engine."""


class _Open(NamedTuple):
    engine: "Spam"
    number: int  #: of the model meant
    account: "Id | None"


F = TypeVar("F", bound=Callable[..., Any])


def _account_option(command: F) -> F:
    return click.option("--account", metavar="NAME", help="The model of this user, not the one for all.")(command)


@contextmanager
def _engine(data: str | None, config: Path | None, account: str | None, *, must_exist: bool = True) -> Iterator[_Open]:
    """The engine over the store; nothing else of the platform is needed."""
    from mailkit.known_settings import registry
    from mailkit.principals.service import Principals
    from mailkit.settings import Settings
    from mailkit.settings.kernel import STORE
    from mailkit.spam import FOR_ALL, Scope, Spam
    from mailkit.storage.open import folder_of, open_store

    where = Settings(registry(), **settings_sources(data, config)).get(STORE)
    folder = folder_of(where)
    if must_exist and folder is not None and not (folder / "data.mdb").exists():
        raise click.ClickException(f"There is no mailkit data in {folder}. 'mailkit spam train' makes it.")
    store = open_store(where)
    try:
        if account is None:
            yield _Open(Spam(store), FOR_ALL, None)
            return
        row = Principals(store).find_login(account)
        if row is None:
            raise click.ClickException(f"There is no user {account!r}.")
        scopes = [Scope("tenant", row.tenant)] if row.tenant else []
        scopes.append(Scope("account", row.number))
        yield _Open(Spam(store, scopes_of=lambda tx, id: scopes), row.number, row.id)
    finally:
        store.close()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@spam.command()
@data_option
@config_option
@click.option("--spam", "is_spam", flag_value="spam", help="The messages are spam.")
@click.option("--ham", "is_spam", flag_value="ham", help="The messages are wanted.")
@_account_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="Processes that read the messages. Default: one for each core where there is a lot to learn. The model is the "
    "same for any number.",
)
@json_option
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def train(
    data: str | None,
    config: Path | None,
    is_spam: str | None,
    account: str | None,
    jobs: int | None,
    as_json: bool,
    paths: tuple[Path, ...],
) -> None:
    """Learn messages: files, mboxes, Maildirs, or folders of these. What was learnt before counts once."""
    if is_spam is None:
        raise click.UsageError("Say what they are: --spam or --ham.")
    from rich.console import Console
    from rich.progress import Progress

    from mailkit.spam.corpus import count_messages, messages_in
    from mailkit.spam.reading import reader

    for path in paths:
        if path.is_file() and not path.stat().st_size:
            raise click.ClickException(f"{path} is empty.")
    total = sum(map(count_messages, paths))
    if not total:
        raise click.ClickException(f"There is no message in {', '.join(map(str, paths))}.")
    counts = {"learnt": 0, "known": 0, "moved": 0}
    with (
        _engine(data, config, account, must_exist=False) as (engine, number, _),
        Progress(console=Console(stderr=True)) as progress,
        reader(jobs or min(_cores(), total // _WORTH_A_PROCESS)) as read,
    ):
        task = progress.add_task(f"Learning {is_spam}", total=total)
        waiting = 0
        messages, again = tee(chain.from_iterable(map(messages_in, paths)))
        for group in read(messages):
            sources = list(islice(again, len(group)))
            for result in engine.learn_read(group, sources, spam=is_spam == "spam", number=number, may_fold=False):
                counts[result] += 1
            progress.advance(task, len(group))
            waiting += len(group)
            if waiting >= _FOLD:
                engine.fold(number)
                waiting = 0
        engine.fold(number)
        status = engine.status(number)
    if as_json:
        click.echo(json.dumps({**counts, "spam": status.spam, "ham": status.ham, "model_bytes": status.bytes}))
        return
    click.echo(f"{counts['learnt']} learnt, {counts['moved']} moved, {counts['known']} known before.")
    click.echo(f"The model has {status.ham} ham and {status.spam} spam, {status.bytes / 2**20:.2f} MiB.")


@spam.command()
@data_option
@config_option
@_account_option
@json_option
@click.argument("message", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def classify(data: str | None, config: Path | None, account: str | None, as_json: bool, message: Path) -> None:
    """Judge one MESSAGE (a file, or - for standard input) and say why."""
    raw = sys.stdin.buffer.read() if str(message) == "-" else message.read_bytes()
    if not raw.strip():
        raise click.ClickException("The message is empty." if str(message) == "-" else f"{message} is empty.")
    with _engine(data, config, account) as (engine, _, id):
        found = engine.classify(raw, account=id)
        if not found.verdict.trained and engine.status().outdated:
            click.echo("The model was learnt with another tokeniser: mailkit spam purge, then train anew.", err=True)
    click.echo(json.dumps(_as_json(found)) if as_json else _as_text(found))


def _as_json(found: "Explanation") -> dict[str, Any]:
    verdict = found.verdict
    return {
        "verdict": verdict.verdict,
        "score": verdict.score,
        "probability": verdict.probability,
        "ham_below": verdict.ham_below if verdict.trained else None,
        "spam_above": verdict.spam_above if verdict.trained else None,
        "trained": verdict.trained,
        "reasons": [{"family": r.family, "words": r.words, "adds": r.adds} for r in found.reasons],
        "flip": [{"family": r.family, "words": r.words, "adds": r.adds} for r in found.flip],
    }


def _as_text(found: "Explanation") -> str:
    verdict = found.verdict
    if not verdict.trained:
        return "unsure: no model has learnt enough yet (mailkit spam train)"
    bounds = f"spam above {verdict.spam_above:+.2f}, ham below {verdict.ham_below:+.2f}"
    lines = [
        f"{verdict.verdict}: score {verdict.score:+.2f} ({bounds}); spam with {verdict.probability:.1%} probability"
    ]
    lines += [f"  {reason.adds:+.3f}  {reason.family:13} {reason.words}" for reason in found.reasons[:_SHOWN]]
    rest = found.reasons[_SHOWN:]
    if rest:
        lines.append(f"  {sum(reason.adds for reason in rest):+.3f}  {len(rest)} others")
    if found.flip:
        lines.append("Without these it would be judged otherwise: " + ", ".join(r.words for r in found.flip))
    return "\n".join(lines)


@spam.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--protocol", type=click.Choice(["half", "alt", "online"]), default="half", show_default=True)
@click.option(
    "--with",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Try a setting against the default, and list the verdicts that change: margin=1, second_stage=0, "
    "least_ham=50, weight.url=0.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that read the messages."
)
@json_option
def evaluate(folder: Path, protocol: str, settings: tuple[str, ...], jobs: int, as_json: bool) -> None:
    """Measure the engine on labelled mail.

    DIR holds ham/*.eml, spam/*.eml and optionally order.tsv: lines label<TAB>file in order of receipt. `half` trains
    on the older half of each class and tests on the rest, `alt` trains on every second message, `online` judges, then
    learns, each message in turn. Nothing is stored. In JSON rates are shares from 0 to 1; roca_percent is percent.
    """
    from mailkit.spam.corpus import labelled_folder
    from mailkit.spam.evaluate import evaluate as run
    from mailkit.spam.settings import parse_settings

    corpus = labelled_folder(folder)
    other = parse_settings(settings) if settings else None
    try:
        first = run(corpus, protocol, jobs=jobs)
        second = run(corpus, protocol, other, jobs=jobs) if other is not None else None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    if as_json:
        shown = _measures(first)
        if second is not None:
            shown |= {"with": list(settings), "other": _measures(second), "changed": _changed(first, second)}
        click.echo(json.dumps(shown))
        return
    click.echo(_table(first, second, settings))
    if second is not None:
        for change in _changed(first, second):
            click.echo(f"  {change['message']}: {change['before']} -> {change['after']}")


def _measures(found: "Evaluation") -> dict[str, Any]:
    from attrs import asdict, fields

    names = {field.name for field in fields(type(found))} - {"scores"}
    return {name: _number_or_none(value) for name, value in asdict(found, recurse=False).items() if name in names}


def _number_or_none(value: Any) -> Any:
    return None if value != value else value  # JSON has no NaN


def _changed(first: "Evaluation", second: "Evaluation") -> list[dict[str, Any]]:
    return [
        {"message": name, "label": "spam" if is_spam else "ham", "before": before, "after": after}
        for (name, is_spam, _, before), (_, _, _, after) in zip(first.scores, second.scores, strict=True)
        if before != after
    ]


def _table(first: "Evaluation", second: "Evaluation | None", settings: tuple[str, ...]) -> str:
    rows = [
        ("messages trained", "trained", "d"),
        ("messages tested", "tested", "d"),
        ("accuracy", "accuracy", ".2%"),
        ("ham flagged (FPR)", "fpr", ".2%"),
        ("spam not flagged (FNR)", "fnr", ".2%"),
        ("unsure", "unsure", ".2%"),
        ("1-ROCA %", "roca_percent", ".4f"),
        ("spam missed at 0.1 % FPR", "missed_at_fpr_0_1", ".2%"),
        ("spam missed at 0.5 % FPR", "missed_at_fpr_0_5", ".2%"),
        ("classified per second", "messages_per_second", ".0f"),
        ("trained per second", "trained_per_second", ".0f"),
        ("features", "features", "d"),
        ("model bytes", "model_bytes", "d"),
    ]
    lines = [f"{'protocol ' + first.protocol:30} {'default':>12}" + (f"  {', '.join(settings)}" if second else "")]
    for label, name, shape in rows:
        line = f"{label:30} {format(getattr(first, name), shape):>12}"
        lines.append(line + (f"  {format(getattr(second, name), shape)}" if second else ""))
    return "\n".join(lines)


@spam.command()
@data_option
@config_option
@_account_option
@click.argument("message", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def forget(data: str | None, config: Path | None, account: str | None, message: Path) -> None:
    """Take back that MESSAGE was learnt."""
    with _engine(data, config, account) as (engine, number, _):
        engine.forget(message.read_bytes(), number=number)
    click.echo("Forgotten.")


@spam.command()
@data_option
@config_option
@_account_option
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def export(data: str | None, config: Path | None, account: str | None, file: Path) -> None:
    """Write the model to FILE."""
    with _engine(data, config, account) as (engine, number, _):
        file.write_bytes(engine.export(number))
    click.echo(f"{file.stat().st_size} bytes")


@spam.command("import")
@data_option
@config_option
@_account_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(data: str | None, config: Path | None, account: str | None, file: Path) -> None:
    """Put the model in FILE in the place of the one there is."""
    with _engine(data, config, account, must_exist=False) as (engine, number, _):
        engine.restore(file.read_bytes(), number)
        status = engine.status(number)
    click.echo(f"The model has {status.ham} ham and {status.spam} spam.")


@spam.command()
@data_option
@config_option
@_account_option
@click.confirmation_option(prompt="Remove everything the model has learnt?")
def purge(data: str | None, config: Path | None, account: str | None) -> None:
    """Remove the model and everything it has learnt."""
    with _engine(data, config, account) as (engine, number, _):
        engine.purge(number)
    click.echo("Purged.")
