"""`mailkit check` for principals and addresses."""

from collections import Counter
from collections.abc import Iterator

from mailkit.errors import Corrupt, Unavailable
from mailkit.principals.records import KINDS
from mailkit.principals.tables import (
    ADDRESSES,
    ALIASES,
    DELETED,
    DOMAIN_COUNT,
    KIND_COUNT,
    NUMBERS,
    PRINCIPALS,
    RENAMES,
    TENANT_COUNT,
)
from mailkit.storage import keyspace
from mailkit.storage.api import Store
from mailkit.storage.verify import Finding, error, notice, rows, table_findings
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(store: Store) -> Iterator[Finding]:
    """Indexes agree with rows, counters with what they count, addresses have owners and domains."""
    yield from table_findings(store, PRINCIPALS)
    yield from table_findings(store, ADDRESSES)
    yield from table_findings(store, DELETED)
    yield from table_findings(store, ALIASES)
    kinds: Counter[str] = Counter()
    tenants: Counter[tuple[int, str]] = Counter()
    numbers: set[int] = set()
    for _, row in rows(store, PRINCIPALS):
        if not isinstance(row, Finding):
            kinds[row.kind] += 1
            numbers.add(row.number)
            if row.tenant is not None:
                tenants[row.tenant, row.kind] += 1
    yield from _mains(store)
    aliases = sum(1 for _ in rows(store, ALIASES))
    domains: Counter[int] = Counter()
    for _, address in rows(store, ADDRESSES):
        if isinstance(address, Finding):
            continue
        domains[address.domain] += 1
        for role, number in (("owner", address.owner), ("domain", address.domain)):
            if number not in numbers and not (role == "domain" and address.value.endswith("@*")):
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
            for kind, code in KINDS.items():
                if (held := TENANT_COUNT.get(tx, number, code)) != tenants[number, kind]:
                    yield error("principal", f"tenant {number}: the counter says {held} of type {kind}")
        if (count := NUMBERS.get(tx, "domain alias")) != aliases:
            yield error("domain alias", f"the counter says {count}, there are {aliases}")
        known = sum(domains.values())
        if (count := NUMBERS.get(tx, "address")) != known:
            yield error("address", f"the counter says {count} addresses, there are {known}")
        if numbers and max(numbers) > NUMBERS.get(tx, "principal"):
            yield error("principal", "a number is in use that was never given out")
    yield from _memberships(store, numbers)
    for _, rename in rows(store, RENAMES):
        if not isinstance(rename, Finding):
            yield notice("domain", f"{rename.old} is on its way to {rename.new}")


def _mains(store: Store) -> Iterator[Finding]:
    """A main address is one of its owner's, and no wildcard."""
    for _, row in rows(store, PRINCIPALS):
        if isinstance(row, Finding) or row.main is None:
            continue
        with store.snapshot() as tx:
            try:
                main = ADDRESSES.find(tx, row.main)
            except (Corrupt, Unavailable):
                continue  # told with the addresses
            if main is not None and main.owner == row.number and "*" not in main.value:
                continue
            if PRINCIPALS.find(tx, row.number) == row:  # else it has changed since it was read
                yield error("address", f"{row.name}: its main address is not one of its own")


def _memberships(store: Store, numbers: set[int]) -> Iterator[Finding]:
    pairs = [
        {space.parts(key) for key, _ in walk(store, *space.range())} for space in (keyspace.MEMBER, keyspace.MEMBER_OF)
    ]
    inside, outside = pairs[0], {(container, member) for member, container in pairs[1]}
    for container, member in sorted(inside ^ outside):
        yield error("member", f"{member} in {container}: known in one direction only")
    for container, member in sorted(inside | outside):
        if not {container, member} <= numbers:
            yield error("member", f"{member} in {container}: one of them is not there")
