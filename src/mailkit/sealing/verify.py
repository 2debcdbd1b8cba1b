"""`mailkit check` for sealing: every named key opens, and lies under a key that the store knows of."""

from collections.abc import Iterator

from mailkit.errors import MailKitError
from mailkit.sealing.service import NAMED, Sealing
from mailkit.storage import keyspace
from mailkit.storage.verify import Finding, error, rows

__all__ = ["verify"]


def verify(sealing: Sealing) -> Iterator[Finding]:
    """Looks at the keys only; what else is sealed, those look at who keep it."""
    with sealing.store.snapshot() as tx:
        known = {sealing.current_id(tx), *sealing.others(tx)} if sealing.current_id(tx) is not None else set()
    for key, row in rows(sealing.store, NAMED):
        if isinstance(row, Finding):
            yield row
            continue
        (name,) = keyspace.NAMED_KEY.parts(key)
        try:
            lies_under = sealing.check_named(name, row.sealed)
        except MailKitError as problem:
            yield error("sealing", f"the key '{name}' does not open: {problem.message}")
            continue
        if lies_under not in known:
            yield error("sealing", f"the key '{name}' lies under a key that the store does not know of")
