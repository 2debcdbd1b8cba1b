"""`mailkit check` for kept answers: indexes and counters are those of the rows."""

from collections import Counter
from collections.abc import Iterator

from mailkit.idempotency.records import COUNT, KEPT
from mailkit.storage.api import Store
from mailkit.storage.verify import Finding, error, rows, table_findings
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(store: Store) -> Iterator[Finding]:
    """Looks at everything."""
    yield from table_findings(store, KEPT)
    counted: Counter[bytes] = Counter()
    for key, _ in rows(store, KEPT):
        caller, _ = KEPT.space.parts(key)
        counted[caller] += 1
    for key, _ in walk(store, *COUNT.space.range()):
        counted[COUNT.space.parts(key)[0]] += 0
    for caller, there in counted.items():
        with store.snapshot() as tx:
            known = COUNT.get(tx, caller)
        if known != there:
            yield error("idempotency", f"caller {caller.hex()[:8]}: {known} answers are counted, {there} are kept")
