"""Many principals at once: found by walking, deleted by a job."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from mailkit.accounts.directory import Directory
from mailkit.errors import Denied
from mailkit.jobs import Later, Step
from mailkit.principals.records import Principal
from mailkit.storage.api import ReadTx, Tx

__all__ = ["BULK_DELETE", "bulk_delete_handler", "matches", "matching"]

BULK_DELETE: Final = "principals.delete"

_BATCH = 250


def matches(directory: Directory, row: Principal, needle: str, tx: ReadTx) -> bool:
    """True when `needle` (lower-case) is part of the name, the description or an address; never of secrets."""
    if not needle or needle in row.name or needle in (row.display or "").lower():
        return True
    if any(needle in text.lower() for text in row.contacts):
        return True
    return any(needle in address.value for address in directory.addresses.of(row.number, tx=tx))


def matching(directory: Directory, kind: str, needle: str, tenant: int | None) -> Iterator[Principal]:
    """Principals of a kind, and of a tenant if one is given, in order of creation; a snapshot for each batch."""
    after = None
    while True:
        with directory.store.snapshot() as tx:
            page = directory.principals.list_by_id(kind, limit=_BATCH, after=after, tx=tx)
            found = [
                row
                for row in page.items
                if not row.hidden and tenant in (None, row.tenant) and matches(directory, row, needle, tx)
            ]
        yield from found
        if not page.after:
            return
        after = page.items[-1].id


def bulk_delete_handler(directory: Directory) -> Callable[[Step], Later | None]:
    """Deletes what matches, each principal in a transaction of its own. Tenants and domains with members stay."""

    def run(step: Step) -> Later | None:
        count: int = step.progress.get("deleted", 0)
        for row in matching(directory, step.args["kind"], step.args["needle"], step.args["tenant"]):
            count += step.transact(partial(_delete, step, row, count))
            if step.stopping:
                return Later(step.now())
        return None

    def _delete(step: Step, row: Principal, count: int, tx: Tx) -> int:
        now = directory.principals.find(row.number, tx=tx)
        if now is None:
            return 0
        try:
            directory.delete(now, tx=tx)
        except Denied:
            return 0
        step.save(tx, {"deleted": count + 1})
        return 1

    return run
