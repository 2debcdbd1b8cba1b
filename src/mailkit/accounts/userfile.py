"""Accounts from a CSV file. Pure: text in, accounts to be made or reasons out, a line at a time.

The first line names the columns: `username`, and any of `password`, `hashed`, `address`, `name`, `quota` (bytes, or
with a unit), `language`, `tags` (separated by spaces). They are separated by commas, or as spreadsheets do it: by
semicolons or tabs.

One line is one account: a quoted field (RFC 4180) that does not end on its line is a mistake there, and takes none of
the lines after it along.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from attrs import frozen

from mailkit.accounts.create import NewAccount
from mailkit.errors import Invalid
from mailkit.principals.records import Profile
from mailkit.principals.service import check_name
from mailkit.principals.tags import normal_tags
from mailkit.quota import INHERIT, Bytes
from mailkit.settings.kinds import SIZE

__all__ = ["COLUMNS", "LONGEST", "Bad", "Good", "read_users", "text_lines"]

COLUMNS: Final = ("username", "password", "hashed", "address", "name", "quota", "language", "tags")

LONGEST: Final = 65_536
"""Characters of a line."""

_CHUNK: Final = 65_536
_DELIMITERS: Final = ",;\t"
_LOST: Final = "\ufffd"


@frozen
class Good:
    """An account that a line asks for."""

    line: int
    account: NewAccount


@frozen
class Bad:
    """A line that cannot be understood."""

    line: int
    reason: str


def text_lines(read: Callable[[int], bytes]) -> Iterator[str]:
    """Lines of UTF-8, or of UTF-16 with a byte order mark, however they end. `read(n)` gives some bytes, at most `n`,
    and none at the end. Memory is flat: a line beyond `LONGEST` characters is cut, one character longer than that.
    What is no text comes as U+FFFD."""
    chunk = read(_CHUNK)
    encoding = "utf-16" if chunk[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("replace"), translate=True)
    rest = ""
    while chunk:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from whole
        rest = rest[: LONGEST + 1]
        chunk = read(_CHUNK)
    *whole, rest = (rest + decoder.decode(b"", final=True)).split("\n")
    yield from whole
    if rest:
        yield rest


def read_users(lines: Iterable[str]) -> Iterator[Good | Bad]:
    """What each line asks for; empty ones ask for nothing. Invalid when the first line doesn't name the columns."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    _, first = next(numbered, (1, ""))
    delimiter = max(_DELIMITERS, key=first.count)  # the comma when there is none
    columns = _columns(first, delimiter)
    for number, line in numbered:
        cells = _cells(line, delimiter)
        if isinstance(cells, str):
            yield Bad(number, cells)
        elif len(cells) == len(columns):
            if any(map(str.strip, cells)):
                yield _row(number, dict(zip(columns, cells, strict=True)))
        else:
            yield Bad(number, f"it has {len(cells)} columns, the first line has {len(columns)}")


def _columns(first: str, delimiter: str) -> list[str]:
    cells = _cells(first, delimiter)
    columns = [] if isinstance(cells, str) else [name.strip().lower() for name in cells]
    unknown = [name for name in columns if name not in COLUMNS]
    twice = [name for name in columns if columns.count(name) > 1]
    if isinstance(cells, str):
        said = cells
    elif unknown:
        said = f"it has {', '.join(map(repr, unknown[:3]))}"
    elif twice:
        said = f"it has {twice[0]} twice"
    elif "username" not in columns:
        said = "there is no username"
    else:
        return columns
    raise Invalid.field("file", f"The first line must name columns out of {', '.join(COLUMNS)}; {said}")


def _cells(line: str, delimiter: str) -> list[str] | str:
    """The cells of a line, or what is wrong with it."""
    if len(line) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if _LOST in line:
        return "it is not UTF-8"
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "a quote is not closed" if "end of data" in str(error) else f"it is no CSV: {error}"


def _row(line: int, cells: dict[str, str]) -> Good | Bad:
    values = {name: cell if name == "password" else cell.strip() for name, cell in cells.items()}
    try:
        name = check_name(values["username"])
    except Invalid as error:
        return Bad(line, error.message.replace('"name"', '"username"'))
    quota = values.get("quota", "")
    try:
        amount = Bytes(SIZE.parse(quota)) if quota else INHERIT
    except ValueError as error:
        return Bad(line, f"quota {error}")
    account = NewAccount(
        name,
        address=values.get("address") or None,
        password=values.get("password") or None,
        hashed=values.get("hashed") or None,
        display=values.get("name") or None,
        quota=amount,
        profile=Profile(language=values.get("language", ""), tags=normal_tags(values.get("tags", "").split())),
    )
    return Good(line, account)
