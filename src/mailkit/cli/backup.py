"""`mailkit backup`: a copy of a data folder while mail flows."""

from pathlib import Path

import click

from mailkit.cli.opening import config_option, open_kit

__all__ = ["backup"]


@click.command()
@click.argument("data", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.argument("target", metavar="TARGET", type=click.Path(path_type=Path))
@config_option
def backup(data: str, target: Path, config: Path | None) -> None:
    """Copy the data folder DIR to TARGET, a folder that is not there yet or is empty.

    The copy is one consistent state of the store, with every file it refers to; start a server on it to use it.
    """
    from mailkit.backup import backup_folder

    with open_kit(data, config) as kit:
        done = backup_folder(kit, Path(data), target)
    click.echo(f"{target}: {done.bytes} bytes of data, {done.files} files of large content")
