"""`mailkit check`: does everything that is stored agree with itself? Offline, for nothing may change meanwhile."""

from collections import Counter
from collections.abc import Iterator

from mailkit.credentials.verify import verify as verify_credentials
from mailkit.files.verify import verify as verify_files
from mailkit.idempotency.verify import verify as verify_idempotency
from mailkit.kit import MailKit
from mailkit.mailstore.verify import verify as verify_mail
from mailkit.principals.tables import DELETED, PRINCIPALS
from mailkit.principals.verify import verify as verify_principals
from mailkit.sealing.verify import verify as verify_sealing
from mailkit.search.store import StoreIndex
from mailkit.search.verify import verify as verify_search
from mailkit.storage import keyspace
from mailkit.storage.blobs.verify import verify as verify_blobs
from mailkit.storage.verify import Finding, rows, undeclared
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(kit: MailKit) -> Iterator[Finding]:
    """Every disagreement between rows, indexes, counters, references and bytes; nothing when all is well."""
    store = kit.store
    yield from undeclared(store)
    yield from verify_principals(store)
    kinds = {row.number: row.kind for _, row in rows(store, PRINCIPALS) if not isinstance(row, Finding)}
    kinds |= {
        row.principal.number: row.principal.kind for _, row in rows(store, DELETED) if not isinstance(row, Finding)
    }
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
