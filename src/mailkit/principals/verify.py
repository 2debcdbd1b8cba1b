"""`mailkit check` for principals and addresses."""

from collections import Counter
from collections.abc import Iterator

from mailkit.principals.records import KINDS
from mailkit.principals.tables import ADDRESSES, DOMAIN_COUNT, KIND_COUNT, NUMBERS, PRINCIPALS
from mailkit.storage.api import Store
from mailkit.storage.verify import Finding, error, rows, table_findings

__all__ = ["verify"]


def verify(store: Store) -> Iterator[Finding]:
    """Indexes agree with rows, counters with what they count, addresses have owners and domains."""
    yield from table_findings(store, PRINCIPALS)
    yield from table_findings(store, ADDRESSES)
    kinds: Counter[str] = Counter()
    numbers: set[int] = set()
    for _, row in rows(store, PRINCIPALS):
        if not isinstance(row, Finding):
            kinds[row.kind] += 1
            numbers.add(row.number)
    domains: Counter[int] = Counter()
    for _, address in rows(store, ADDRESSES):
        if isinstance(address, Finding):
            continue
        domains[address.domain] += 1
        for role, number in (("owner", address.owner), ("domain", address.domain)):
            if number not in numbers:
                yield error("address", f"{address.value}: its {role}, principal {number}, is not there")
    with store.snapshot() as tx:
        for kind, code in KINDS.items():
            if (count := KIND_COUNT.get(tx, code)) != kinds[kind]:
                yield error("principal", f"the counter says {count} of type {kind}, there are {kinds[kind]}")
        for number in numbers | set(domains):
            if (count := DOMAIN_COUNT.get(tx, number)) != domains[number]:
                yield error(
                    "address", f"domain {number}: the counter says {count} addresses, there are {domains[number]}"
                )
        if numbers and max(numbers) > NUMBERS.get(tx, "principal"):
            yield error("principal", "a number is in use that was never given out")
