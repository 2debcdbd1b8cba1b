"""`mailkit config`: settings. What counts and where it comes from, and what the store has of them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.asking import sure, yes_option
from mailkit.cli.noun import Noun
from mailkit.cli.opening import config_option, data_option, json_option, settings_sources, with_kit
from mailkit.cli.output import Output
from mailkit.cli.printable import printable
from mailkit.errors import AlreadyExists, MailKitError, NotFound

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.settings import Settings
    from mailkit.settings.layers import Problem
    from mailkit.settings.registry import Key
    from mailkit.settings.snapshot import Shown
    from mailkit.storage.api import Tx

__all__ = ["config"]


@click.group(cls=Noun)
def config() -> None:
    """List, get, set, unset and reload settings."""


@contextmanager
def _settings(data: str | None, file: Path | None) -> "Iterator[tuple[Settings, dict[str, str]]]":
    """The settings as they count, and the store's rows. What counts is the more needed when the store cannot be
    reached: then there are no rows, and standard error says so."""
    from mailkit.known_settings import registry
    from mailkit.settings import Settings
    from mailkit.settings.kernel import STORE
    from mailkit.storage.open import folder_of, open_store

    settings = Settings(registry(), **settings_sources(data, file))
    where = settings.get(STORE)
    folder = folder_of(where)
    rows: dict[str, str] = {}
    if folder is None or (folder / "data.mdb").exists():
        try:
            store = open_store(where)
        except MailKitError as error:
            click.echo(f"the store is not read: {error.message}", err=True)
        else:
            with closing(store):
                report = settings.attach(store)
                with store.snapshot() as tx:
                    rows = dict(settings.rows(tx))
            for problem in (*report.errors, *report.warnings):
                click.echo(f"in the store: {printable(problem.message)}", err=True)
    yield settings, rows


def _view(shown: "Shown") -> dict[str, Any]:
    return {
        "name": shown.name,
        "value": shown.value,
        "from": shown.layer,
        "default": shown.default,
        "scope": shown.scope,
        "secret": shown.secret,
        "doc": shown.doc,
    }


@config.command("list")
@click.argument("names", nargs=-1)
@click.option("--changed", is_flag=True, help="Those that are not at their default.")
@click.option("--stored", is_flag=True, help="What the store has, as it is: also what is no setting of mailkit's.")
@data_option
@config_option
@json_option
def list_settings(
    data: str | None, config: Path | None, names: tuple[str, ...], changed: bool, stored: bool, as_json: bool
) -> None:
    """List every setting, or those whose name contains one of NAMES; secrets are masked."""
    out = Output(as_json=as_json)

    def wanted(name: str) -> bool:
        return not names or any(part in name for part in names)

    with _settings(data, config) as (settings, rows):
        if stored:
            found = ({"name": name, "value": _masked(settings, name, rows[name])} for name in sorted(rows))
            out.rows((row for row in found if wanted(row["name"])), ("name", "value"))
            return
        every = (_view(one) for one in settings.current.shown() if not changed or one.layer != "default")
        out.rows((row for row in every if wanted(row["name"])), ("name", "value", "from", "doc"))


def _masked(settings: "Settings", name: str, text: str) -> str:
    key = settings.registry.find(name)
    return "********" if key is not None and key.secret else text


@config.command()
@click.argument("name")
@data_option
@config_option
@json_option
def get(data: str | None, config: Path | None, name: str, as_json: bool) -> None:
    """Print the value of the setting NAME; a secret is masked."""
    out = Output(as_json=as_json)
    with _settings(data, config) as (settings, rows):
        for one in settings.current.shown():
            if one.name == name:
                out.say(_view(one), one.value)
                return
        if name not in rows:
            raise _unknown(settings, name)
        out.say({"name": name, "value": rows[name], "from": "store"}, rows[name])


def _unknown(settings: "Settings", name: str) -> NotFound:
    meant = settings.registry.nearest(name)
    hint = f"; did you mean {meant}?" if meant else ""
    return NotFound("settings.unknown", f"{name} is not a setting{hint}", name=name)


@config.command()
@click.argument("prefix")
@click.argument("suffix")
@click.option("--field", default="", metavar="NAME", help="This field of each only.")
@data_option
@config_option
@json_option
def groups(data: str | None, config: Path | None, prefix: str, suffix: str, field: str, as_json: bool) -> None:
    """List settings that belong together as records: one for each name PREFIX.<id>.SUFFIX, with what is below
    PREFIX.<id>."""
    from mailkit.settings.flat import flat
    from mailkit.settings.flat import groups as grouped

    out = Output(as_json=as_json)
    with _settings(data, config) as (settings, rows):
        values = flat(settings.current.shown(), rows)
    found = ({"id": row.pop("_id"), "fields": row} for row in grouped(values, prefix, suffix, field))
    out.rows(found, ("id", "fields"))


# ---------------------------------------------------------------- changes


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    """`NAME VALUE`, or `NAME=VALUE` any number of times."""
    if len(words) == 2 and "=" not in words[0]:
        return {words[0]: words[1]}
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{word!r} is not NAME=VALUE.")
        if name in found:
            raise click.UsageError(f"{name} is given twice.")
        found[name] = value
    return found


@config.command("set")
@click.argument("words", metavar="NAME VALUE | NAME=VALUE...", nargs=-1, required=True)
@click.option("--prefix", default="", metavar="PREFIX", help="What the names are below of.")
@click.option("--if-unset", is_flag=True, help="Refuse if the store has one of them or, with --prefix, any below it.")
@click.option("--any", "any_name", is_flag=True, help="Also names that mailkit doesn't know, for other programs.")
@with_kit
def set_(kit: "MailKit", out: Output, words: tuple[str, ...], prefix: str, if_unset: bool, any_name: bool) -> None:
    """Keep settings in the store: all of them, or none.

    What is live counts at once, in every process; the rest after 'mailkit config reload'. The environment and the TOML
    file win over the store.
    """
    below = f"{prefix.rstrip('.')}." if prefix else ""
    rows: dict[str, str | None] = {}
    for name, value in _pairs(words).items():
        key = kit.settings.registry.find(below + name)
        if key is None and not any_name:
            raise _unknown(kit.settings, below + name)
        rows[below + name] = value if key is None else kit.settings.text(key.name, value)

    def store(tx: "Tx") -> None:
        there = [name for name, _ in kit.settings.rows(tx, below) if below or name in rows] if if_unset else []
        if there:
            raise AlreadyExists("settings.not_empty", f"{there[0]} is set already", name=there[0])
        kit.settings.write(rows, now=kit.clock(), tx=tx)

    kit.transact(store)
    kit.settings.refresh()
    for name, text in rows.items():
        key = kit.settings.registry.find(name)
        out.say({"name": name, "value": text, "counts": _counts(kit, key)}, f"{name} = {text}{_words(kit, key)}")


def _counts(kit: "MailKit", key: "Key[Any] | None") -> str:
    """Whether what is stored counts: `now`, after a `reload`, or not because another layer wins."""
    if key is None:
        return "unknown"
    layer = kit.settings.current.layer(key)
    if layer not in ("default", "store"):
        return layer
    return "now" if key.scope == "live" else "reload"


_COUNTING = {
    "now": "",
    "reload": "  (counts after 'mailkit config reload')",
    "unknown": "  (no setting of mailkit's)",
    "environment": "  (but the environment says otherwise, and wins)",
    "file": "  (but the TOML file says otherwise, and wins)",
}


def _words(kit: "MailKit", key: "Key[Any] | None") -> str:
    return _COUNTING.get(_counts(kit, key), "")


@config.command()
@click.argument("names", nargs=-1)
@click.option("--prefix", metavar="PREFIX", help="Every one below PREFIX.")
@click.option("--filter", "needle", default="", metavar="TEXT", help="With --prefix: those with TEXT in name or value.")
@yes_option
@with_kit
def unset(kit: "MailKit", out: Output, names: tuple[str, ...], prefix: str | None, needle: str, yes: bool) -> None:
    """Take settings out of the store, so that the other layers, or the defaults, count."""
    from mailkit.settings.flat import in_filter

    if bool(names) == (prefix is not None) or (needle and prefix is None):
        raise click.UsageError("Give either NAMES or --prefix, which --filter goes with.")
    below = "" if prefix is None else f"{prefix.rstrip('.')}."

    def found(tx: Any) -> list[str]:
        every = kit.settings.rows(tx, below)
        if names:
            return [name for name, _ in every if name in names]
        return [name for name, text in every if in_filter(needle.lower(), name, text)]

    with kit.store.snapshot() as tx:
        there = found(tx)
    missing = [name for name in names if name not in there]
    if missing:
        raise NotFound("settings.not_stored", f"{missing[0]} is not in the store", name=missing[0])
    if not names and there:
        sure(f"Take {len(there)} settings out of the store?", yes)

    def store(tx: "Tx") -> list[str]:
        rows = dict.fromkeys(found(tx))
        if rows:
            kit.settings.write(rows, now=kit.clock(), tx=tx)
        return list(rows)

    gone = kit.transact(store)
    kit.settings.refresh()
    out.say({"unset": gone}, f"{', '.join(gone) or 'Nothing'} is unset" if len(gone) < 2 else f"{len(gone)} are unset")


# ---------------------------------------------------------------- reload


@config.command()
@click.option("--dry-run", is_flag=True, help="Only say what is wrong.")
@with_kit
def reload(kit: "MailKit", out: Output, dry_run: bool) -> None:
    """Check all settings and have every process of the server load them. With an error nothing is loaded.

    The TOML file is the one that --config names here, which should be the server's.
    """
    report = kit.settings.reload(dry_run=dry_run)
    for problem in report.errors:
        out.note(f"error: {problem.message} ({problem.layer})")
    for problem in report.warnings:
        out.note(f"warning: {problem.message} ({problem.layer})")
    shown = {
        "errors": [_told(problem) for problem in report.errors],
        "warnings": [_told(problem) for problem in report.warnings],
        "loaded": not (dry_run or report.errors),
    }
    if report.errors:
        words = f"{len(report.errors)} errors: nothing is loaded"
    else:
        words = "There is nothing wrong" if dry_run else "Every process loads them now"
    out.say(shown, words)
    if report.errors:
        click.get_current_context().exit(1)


def _told(problem: "Problem") -> dict[str, str]:
    return {"name": problem.name, "from": problem.layer, "kind": problem.kind, "error": problem.message}
