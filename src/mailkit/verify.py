"""`mailkit check`: does everything that is stored agree with itself? Offline, for nothing may change meanwhile."""

from collections import Counter
from collections.abc import Iterator

from mailkit.files.verify import verify as verify_files
from mailkit.kit import MailKit
from mailkit.mailstore.verify import verify as verify_mail
from mailkit.principals.tables import DELETED, PRINCIPALS
from mailkit.principals.verify import verify as verify_principals
from mailkit.search.store import StoreIndex
from mailkit.search.verify import verify as verify_search
from mailkit.storage.blobs.verify import verify as verify_blobs
from mailkit.storage.verify import Finding, rows, undeclared

__all__ = ["verify"]


def verify(kit: MailKit) -> Iterator[Finding]:
    """Every disagreement between rows, indexes, counters, references and bytes; nothing when all is well."""
    store = kit.store
    yield from undeclared(store)
    yield from verify_principals(store)
    accounts = sorted(
        {row.number for _, row in rows(store, PRINCIPALS) if not isinstance(row, Finding) and row.kind != "tenant"}
        | {row.principal.number for _, row in rows(store, DELETED) if not isinstance(row, Finding)}
    )
    references: Counter[bytes] = Counter()
    yield from verify_mail(store, accounts, kit.quota, references)
    if isinstance(kit.search.index, StoreIndex):
        yield from verify_search(store, kit.mailstore, kit.search.index, accounts)
    yield from verify_files(store, accounts, references)
    yield from verify_blobs(kit.blobs, references)
