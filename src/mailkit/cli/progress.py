"""A progress bar for people who watch; nothing where standard error is no terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from mailkit.cli.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bar", "progress"]


class Bar:
    """A bar on standard error. Lines said meanwhile stand above it."""

    def __init__(self, shown: "tuple[Progress, TaskID] | None") -> None:
        self._shown = shown

    def advance(self, n: int = 1) -> None:
        """`n` more are done."""
        if self._shown is not None:
            self._shown[0].advance(self._shown[1], n)

    def say(self, line: str, *, raw: bool = False) -> None:
        """A line on standard error; `raw` is printed as it is."""
        text = line if raw else printable(line)
        if self._shown is None:
            click.echo(text, err=True)
        else:
            self._shown[0].console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Bar]:
    """A bar for `total` steps; None: nobody knows how many."""
    if not sys.stderr.isatty():
        yield Bar(None)
        return
    from rich.console import Console
    from rich.progress import Progress

    # results go to standard output as ever, whatever is drawn meanwhile
    with Progress(console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False) as shown:
        yield Bar((shown, shown.add_task(what, total=total)))
