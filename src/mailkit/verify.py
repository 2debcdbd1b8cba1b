"""`mailkit check`: does everything that is stored agree with itself? Offline, for nothing may change meanwhile."""

from collections import Counter
from collections.abc import Iterator

from mailkit.accounts.limits import COUNTED
from mailkit.accounts.purge import PURGE
from mailkit.credentials.verify import verify as verify_credentials
from mailkit.delivery.service import RECEIPTS
from mailkit.files.verify import verify as verify_files
from mailkit.housekeeping import PERIODS
from mailkit.idempotency.verify import verify as verify_idempotency
from mailkit.jobs.records import BY_KEY, JOBS
from mailkit.kit import MailKit
from mailkit.limits.verify import verify as verify_limits
from mailkit.mailstore.verify import verify as verify_mail
from mailkit.principals.tables import DELETED, PRINCIPALS
from mailkit.principals.verify import verify as verify_principals
from mailkit.principals.verify_register import verify as verify_register
from mailkit.sealing.verify import verify as verify_sealing
from mailkit.search.store import StoreIndex
from mailkit.search.verify import verify as verify_search
from mailkit.storage import keyspace
from mailkit.storage.api import Store
from mailkit.storage.blobs.verify import verify as verify_blobs
from mailkit.storage.verify import Finding, rows, strangers, table_findings, undeclared
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(kit: MailKit) -> Iterator[Finding]:
    """Every disagreement between rows, indexes, counters, references and bytes; nothing when all is well."""
    store = kit.store
    yield from undeclared(store)
    yield from table_findings(store, JOBS)
    yield from (row for _, row in rows(store, RECEIPTS) if isinstance(row, Finding))
    yield from verify_principals(store)
    kinds = {row.number: row.kind for _, row in rows(store, PRINCIPALS) if not isinstance(row, Finding)}
    kinds |= {
        row.principal.number: row.principal.kind for _, row in rows(store, DELETED) if not isinstance(row, Finding)
    }
    yield from strangers(store, {*kinds, *_going(store), keyspace.FOR_ALL})
    yield from verify_register(store, sorted(kinds))
    lengths = {counted.counter: counted.length for counted in COUNTED}
    yield from verify_limits(store, accounts=kinds, lengths=lengths, cleaned=_cleaned(store))
    yield from verify_sealing(kit.sealing)
    yield from verify_idempotency(store)
    named = {keyspace.NAMED_KEY.parts(key)[0] for key, _ in walk(store, *keyspace.NAMED_KEY.range())}
    yield from verify_credentials(store, kinds, kit.access.unseal, named)
    accounts = sorted(number for number, kind in kinds.items() if kind != "tenant")
    references: Counter[bytes] = Counter()
    yield from verify_mail(store, accounts, kit.quota, references)
    if isinstance(kit.search.index, StoreIndex):
        yield from verify_search(store, kit.mailstore, kit.search.index, accounts)
    yield from verify_files(store, accounts, references)
    yield from verify_blobs(kit.blobs, references)


def _going(store: Store) -> Iterator[int]:
    """Principals whose last rows a job is about to remove."""
    for _, job in rows(store, JOBS):
        if not isinstance(job, Finding) and job.kind == PURGE and job.live:
            yield job.args["account"]


def _cleaned(store: Store) -> int | None:
    """Before when empty counters have surely been removed: when the job that does so came back the time before last."""
    with store.snapshot() as tx:
        job = JOBS.first(tx, BY_KEY, "limits.cleanup", "")
    return None if job is None else job.due - 2 * PERIODS["limits.cleanup"]
