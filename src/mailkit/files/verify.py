"""`mailkit check` for stored files: counters equal rows; their content is counted with all other."""

from collections import Counter
from collections.abc import Iterable, Iterator

from mailkit.files.records import FILES, KEPT, Kept
from mailkit.storage import keyspace
from mailkit.storage.api import Store
from mailkit.storage.verify import Finding, error, rows
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(store: Store, accounts: Iterable[int], references: Counter[bytes]) -> Iterator[Finding]:
    """Looks at every file of `accounts` and adds the blobs they refer to to `references`."""
    for account in accounts:
        count = size = 0
        for _, row in rows(store, FILES, account):
            if isinstance(row, Finding):
                yield row
                continue
            count += 1
            size += row.size
            references[row.digest] += 1
            with store.snapshot() as tx:
                if tx.get(keyspace.STORED_FILE_NAME.key(account, row.filename, row.id)) is None:
                    yield error("files", f"account {account}: {row.filename!r} is not found by its name")
        for key, _ in walk(store, *keyspace.STORED_FILE_NAME.range(account)):
            with store.snapshot() as tx:
                if not FILES.exists(tx, account, keyspace.STORED_FILE_NAME.parts(key)[-1]):
                    yield error("files", f"account {account}: a name leads to a file that is not there")
        with store.snapshot() as tx:
            kept = KEPT.find(tx, account) or Kept()
        if (kept.count, kept.size) != (count, size):
            yield error(
                "files", f"account {account}: {kept.count} files, {kept.size} bytes are counted; {count}, {size}"
            )
