"""What commands print: JSON for programs, else sentences, records and tables.

On a terminal a table has headings and aligned columns; in a pipe its columns are separated by tabs, one row a line,
without headings. JSON is one object a line.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import click

from mailkit.cli.printable import printable

__all__ = ["Output", "moment", "size"]

_PAGE: Final = 250
"""Rows whose widths are looked at together: a long list is printed as it is found."""

_BYTES: Final = ("after", "before", "quota", "used")
"""Columns that a table shows as sizes."""


def moment(ms: int) -> str:
    """UTC milliseconds in ISO 8601, to the second."""
    from mailkit.clock import to_datetime

    return to_datetime(ms).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def size(n: int | None) -> str:
    """Bytes for people; None is no limit."""
    if n is None:
        return "unlimited"
    value = float(n)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{n} B" if unit == "B" else f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"


class Output:
    """Where a command's results go. `as_json`: for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, shown: Mapping[str, object], text: str) -> None:
        """A result: `shown` for programs, `text` for people."""
        click.echo(json.dumps(shown) if self.as_json else printable(text))

    def record(self, shown: Mapping[str, object], **words: str) -> None:
        """One thing with all its fields, one a line; `words` are for people, in the place of a field's value. What is
        empty is left out for them."""
        if self.as_json:
            click.echo(json.dumps(shown))
            return
        lines = {name: words.get(name) or cell(value) for name, value in shown.items()}
        width = max(len(name) for name in lines) + 1
        for name, text in lines.items():
            if text:
                click.echo(f"{name + ':':<{width}} {text}")

    def rows(self, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
        """A list; people see `columns` only."""
        if self.as_json:
            for row in rows:
                click.echo(json.dumps(row))
        elif sys.stdout.isatty():
            self._table(rows, columns)
        else:
            for row in rows:
                click.echo("\t".join(cell(row[name]) for name in columns))

    @staticmethod
    def _table(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
        from rich.cells import cell_len

        headings: list[str] | None = [name.upper().replace("_", " ") for name in columns]
        widths = [0] * len(columns)
        for page in _pages(rows):
            lines = [[_shown(name, row[name]) for name in columns] for row in page]
            if headings is not None:
                lines.insert(0, headings)
            widths = [
                max(old, *map(cell_len, texts)) for old, texts in zip(widths, zip(*lines, strict=True), strict=True)
            ]
            for line in lines:
                padded = (text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True))
                told = "  ".join(padded).rstrip()
                click.echo(click.style(told, bold=True) if line is headings else told)
            headings = None

    def note(self, text: str) -> None:
        """A word to people beside the result, on standard error."""
        if not self.as_json:
            click.echo(printable(text), err=True)


def _shown(name: str, value: Any) -> str:
    return size(value) if name in _BYTES and isinstance(value, int) else cell(value)


def cell(value: Any) -> str:
    """A value in a table or a record."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{name}={cell(each)}" for name, each in value.items())
        case list() | tuple():
            return ", ".join(map(cell, value))
    return printable(str(value))


def _pages(rows: Iterable[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    walk = iter(rows)
    while page := list(islice(walk, _PAGE)):
        yield page
