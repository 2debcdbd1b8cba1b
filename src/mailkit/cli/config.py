"""`mailkit config`: what is set, and where."""

import json
from contextlib import closing
from pathlib import Path

import click

from mailkit.cli.opening import config_option, data_option, json_option, settings_sources

__all__ = ["config"]


@click.command()
@data_option
@config_option
@json_option
@click.argument("names", nargs=-1)
def config(data: str | None, config: Path | None, names: tuple[str, ...], as_json: bool) -> None:
    """Show every setting, or those whose name contains one of NAMES; secrets are masked.

    What is kept in the store is shown too when the data folder is there.
    """
    from mailkit.errors import MailKitError
    from mailkit.known_settings import registry
    from mailkit.settings import Settings
    from mailkit.settings.kernel import STORE
    from mailkit.storage.open import folder_of, open_store

    settings = Settings(registry(), **settings_sources(data, config))
    where = settings.get(STORE)
    folder = folder_of(where)
    if folder is None or (folder / "data.mdb").exists():
        try:
            store = open_store(where)
        except MailKitError as error:  # what counts is the more needed when the store cannot be reached
            click.echo(f"the store is not read: {error.message}", err=True)
        else:
            with closing(store):
                report = settings.attach(store)
            for problem in (*report.errors, *report.warnings):
                click.echo(f"in the store: {problem.message}", err=True)
    for shown in settings.current.shown():
        if names and not any(name in shown.name for name in names):
            continue
        if as_json:
            fields = {"name": shown.name, "value": shown.value, "from": shown.layer, "default": shown.default}
            click.echo(json.dumps({**fields, "scope": shown.scope, "secret": shown.secret, "doc": shown.doc}))
        else:
            click.echo(f"{shown.name} = {shown.value}  ({shown.layer})  {shown.doc}")
