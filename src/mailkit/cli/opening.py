"""Opening the platform for a command: the data folder, the TOML file, the environment."""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailkit.cli.noun import AS_JSON
from mailkit.cli.output import Output
from mailkit.cli.printable import is_text
from mailkit.errors import NotFound

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = [
    "config_option",
    "data_option",
    "json_option",
    "making_kit",
    "open_kit",
    "settings_sources",
    "with_kit",
]

F = TypeVar("F", bound=Callable[..., Any])


def data_option(command: F) -> F:
    """`--data`: where the platform is kept."""
    return click.option(
        "--data",
        metavar="DIR",  # no envvar: Settings reads it, and a password in it stays off the command lines of children
        help="Data folder, or a URL such as postgresql://... [default: the setting 'store']",
    )(command)


def config_option(command: F) -> F:
    """`--config`: the TOML file."""
    return click.option(
        "--config",
        metavar="FILE",
        envvar="MAILKIT_CONFIG",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="TOML file with settings.",
    )(command)


def json_option(command: F) -> F:
    """`--json`: output for programs."""

    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
        ctx.meta[AS_JSON] = value  # errors are JSON then, too
        return value

    return click.option("--json", "as_json", is_flag=True, callback=remember, help="Print JSON.")(command)


def with_kit(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command `--data`, `--config` and `--json`, and calls it with the platform, open, and its `Output`."""
    return _with_kit(command, must_exist=True)


def making_kit(command: Callable[..., None]) -> Callable[..., None]:
    """`with_kit` for commands that make the data folder if need be."""
    return _with_kit(command, must_exist=False)


def _with_kit(command: Callable[..., None], *, must_exist: bool) -> Callable[..., None]:
    @wraps(command)
    def run(*args: Any, data: str | None, config: Path | None, as_json: bool, **rest: Any) -> None:
        _check_text(rest)
        with open_kit(data, config, must_exist=must_exist) as kit:
            command(kit, Output(as_json=as_json), *args, **rest)

    return data_option(config_option(json_option(run)))


def _check_text(given: Mapping[str, Any]) -> None:
    """A usage error for an argument whose bytes are no UTF-8: nothing that is kept could hold it."""
    for value in given.values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not is_text(text):
                raise click.UsageError(f"{text!r} is not UTF-8.")


def settings_sources(
    data: str | None, config: Path | None, overrides: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """What `Settings` takes: arguments, environment and file."""
    arguments = dict(overrides or {})
    if data is not None:
        arguments["store"] = data
    return {"arguments": arguments, "environment": os.environ, "file": config}


def open_kit(
    data: str | None, config: Path | None, overrides: Mapping[str, object] | None = None, *, must_exist: bool = True
) -> "MailKit":
    """Opens the platform; a data folder that is not there is an error unless the command may make it."""
    from mailkit.kit import MailKit
    from mailkit.known_settings import registry
    from mailkit.settings import Settings
    from mailkit.settings.kernel import STORE
    from mailkit.storage.open import folder_of

    settings = Settings(registry(), **settings_sources(data, config, overrides))
    where = settings.get(STORE)
    folder = folder_of(where)
    if must_exist and folder is not None and not (folder / "data.mdb").exists():
        said = f"There is no mailkit data in {folder}. 'mailkit user add' or 'mailkit serve' makes it."
        raise NotFound("data.not_found", said, folder=str(folder))
    return MailKit.with_settings(settings)
