"""`mailkit check` for counters: each is what a window can be, is forgotten in time, and is somebody's."""

from collections.abc import Collection, Iterator, Mapping

from mailkit.limits.service import ROWS, Row
from mailkit.storage.api import Store
from mailkit.storage.verify import Finding, error, notice, rows, table_findings

__all__ = ["verify"]

_ACCOUNT = "account:"


def verify(
    store: Store, *, accounts: Collection[int], lengths: Mapping[str, int], cleaned: int | None
) -> Iterator[Finding]:
    """Looks at everything. `accounts` are the numbers of all, deleted ones included; `lengths` says how long the
    windows of accounts are, by what is counted, in ms; whatever was empty at `cleaned` (UTC ms) has been removed."""
    yield from table_findings(store, ROWS)
    for key, row in rows(store, ROWS):
        if isinstance(row, Finding):
            continue  # told above
        name = f"{row.what} of {row.who}"
        if ROWS.space.key(row.who, row.what) != key:
            yield error("limit", f"{key.hex()}: the row says that it is {name}")
        wrong = _shape(row)
        if wrong is not None:
            yield error("limit", f"{name}: {wrong}")
        if row.who.startswith(_ACCOUNT):
            yield from _of_account(row, name, accounts, lengths)
        if cleaned is not None and row.expires < cleaned:
            yield notice("limit", f"{name}: is empty, and was not removed")


def _shape(row: Row) -> str | None:
    """What no window is."""
    if row.used < 0 or row.previous < 0:
        return f"counts less than nothing: {row.used}, {row.previous} before"
    if row.expires <= row.start:
        return "ends before it begins"
    return None


def _of_account(row: Row, name: str, accounts: Collection[int], lengths: Mapping[str, int]) -> Iterator[Finding]:
    number = row.who.removeprefix(_ACCOUNT)
    if not (number.isascii() and number.isdigit() and int(number) in accounts):
        yield error("limit", f"{name}: this account is not there")
    length = lengths.get(row.what)
    if length is None:
        yield error("limit", f"{name}: accounts have no such limit")
    elif row.expires - row.start != length:
        yield error("limit", f"{name}: its window is {row.expires - row.start} ms long, not {length}")
