"""Accounts from a CSV file. Pure: rows in, accounts to be made or reasons out.

The first line names the columns: `username`, and any of `password`, `hashed`, `address`, `name`, `quota` (bytes, or
with a unit), `language`, `tags` (separated by spaces).
"""

import csv
from collections.abc import Iterable, Iterator

from attrs import frozen

from mailkit.accounts.create import NewAccount
from mailkit.errors import Invalid
from mailkit.principals.records import Profile
from mailkit.quota import INHERIT, Bytes
from mailkit.settings.kinds import SIZE

__all__ = ["COLUMNS", "Bad", "Good", "read_users"]

COLUMNS = ("username", "password", "hashed", "address", "name", "quota", "language", "tags")


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


def read_users(lines: Iterable[str]) -> Iterator[Good | Bad]:
    """What each line asks for. Invalid when the first line doesn't name the columns."""
    rows = csv.DictReader(lines, restkey="")
    header = [name.strip().lower() for name in rows.fieldnames or ()]
    unknown = [name for name in header if name not in COLUMNS]
    if "username" not in header or unknown:
        said = f"it has {', '.join(unknown)}" if unknown else "there is no username"
        raise Invalid.field("file", f"The first line must name columns out of {', '.join(COLUMNS)}; {said}")
    rows.fieldnames = header
    for row in rows:
        line = rows.line_num
        if "" in row or any(value is None for value in row.values()):
            yield Bad(line, f"it has {'more' if '' in row else 'fewer'} columns than the first line")
            continue
        values = {name: value.strip() for name, value in row.items()}
        try:
            yield Good(line, _account(values))
        except ValueError as error:
            yield Bad(line, f"quota {error}")


def _account(values: dict[str, str]) -> NewAccount:
    quota = values.get("quota", "")
    return NewAccount(
        values["username"],
        address=values.get("address") or None,
        password=values.get("password") or None,
        hashed=values.get("hashed") or None,
        display=values.get("name") or None,
        quota=Bytes(SIZE.parse(quota)) if quota else INHERIT,
        profile=Profile(language=values.get("language", ""), tags=tuple(sorted(set(values.get("tags", "").split())))),
    )
