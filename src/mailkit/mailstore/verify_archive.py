"""`mailkit check` for what is kept of deleted mail: every archived message has its row, its index entries, its
references and its part of the counters; every index entry has a message; every hold is on something."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from mailkit.errors import MailKitError
from mailkit.mailstore.archiving import BYTES, COUNT
from mailkit.mailstore.content_hash import content_hash
from mailkit.mailstore.records import Archived, BlobRef, Message
from mailkit.mailstore.tables import (
    ARCHIVE_SIZE,
    ARCHIVED,
    ARCHIVED_ROWS,
    BY_DELETION,
    BY_END,
    BY_HASH,
    GONE,
    HOLDS,
    MAILBOXES,
)
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Store
from mailkit.storage.tables import Index
from mailkit.storage.verify import Finding, error, notice, pointed, rows
from mailkit.storage.walk import walk

__all__ = ["verify_archive", "verify_archive_indexes"]


def verify_archive(store: Store, account: int, references: Counter[bytes]) -> Iterator[Finding]:
    """Looks at an account's archive and adds the blobs that it refers to to `references`."""
    place = f"account {account}, archive"
    count = size = 0
    for key, archived in rows(store, ARCHIVED, account):
        if isinstance(archived, Finding):
            yield archived
            continue
        count += 1
        size += archived.size
        try:
            with store.snapshot() as tx:
                row = ARCHIVED_ROWS.find(tx, account, archived.id)
                missing = _missing(key, archived, tx)
        except MailKitError as problem:
            yield error(place, f"message {archived.id}: {problem.message}")
            continue
        if keyspace.ARCHIVED.parts(key) != (archived.account, archived.id):
            yield error(place, f"message {archived.id} lies where another one should")
        if missing:
            yield error(place, f"message {archived.id} is missing from '{missing}'")
        if row is None:
            yield error(place, f"message {archived.id} has no row")
        else:
            yield from _row(place, archived, row, references)
    for key, _ in walk(store, *keyspace.ARCHIVED_ROW.range(account)):
        with store.snapshot() as tx:
            if not ARCHIVED.exists(tx, *keyspace.ARCHIVED_ROW.parts(key)):
                yield error(place, f"the row {key.hex()} is of no archived message")
    yield from _entries(store, BY_DELETION, account)
    with store.snapshot() as tx:
        counted = ARCHIVE_SIZE.get(tx, account, COUNT), ARCHIVE_SIZE.get(tx, account, BYTES)
    for what, known, found in (("messages", counted[0], count), ("bytes", counted[1], size)):
        if known != found:
            yield error(place, f"the counter says {known} {what}, there are {found}")


def _missing(key: bytes, archived: Archived, tx: ReadTx) -> str:
    for index in (BY_DELETION, BY_END, BY_HASH):
        for entry, primary in index.entries(key, archived):
            if tx.get(entry) != primary:
                return index.space.name
    return ""


def _row(place: str, archived: Archived, row: Message, references: Counter[bytes]) -> Iterator[Finding]:
    length = 0
    for segment in row.segments:
        if isinstance(segment, BlobRef):
            references[segment.digest] += 1
            length += segment.size
        else:
            length += len(segment)
    if not length == row.size == archived.size:
        yield error(place, f"message {archived.id}: its segments have {length} bytes, it should have {archived.size}")
    if row.id != archived.id or content_hash(row) != archived.hash:
        yield error(place, f"message {archived.id}: its row is another message's")


def verify_archive_indexes(store: Store, accounts: Collection[int]) -> Iterator[Finding]:
    """Index entries of all accounts point to messages that claim them, holds to accounts and mailboxes."""
    for index in (BY_END, BY_HASH):
        yield from _entries(store, index)
    for _, hold in rows(store, HOLDS):
        if isinstance(hold, Finding):
            yield hold
            continue
        if hold.account not in accounts:
            yield error("holds", f"hold {hold.id} is on the account {hold.account}, which is not there")
        elif hold.mailbox is not None:
            with store.snapshot() as tx:
                there = any(table.exists(tx, hold.account, hold.mailbox) for table in (MAILBOXES, GONE))
            if not there:
                yield notice("holds", f"hold {hold.id} is on a mailbox of account {hold.account} that was deleted")


def _entries(store: Store, index: Index[Archived], *prefix: object) -> Iterator[Finding]:
    for entry, primary in walk(store, *index.space.range(*prefix)):
        try:
            data = pointed(store, primary)
            claimed: Iterable[tuple[bytes, bytes]] = (
                () if data is None else index.entries(primary, ARCHIVED.codec.decode(data))
            )
        except MailKitError:
            continue  # told with its row
        if (entry, primary) not in set(claimed):
            yield error(index.space.name, f"{entry.hex()} points to a message that is not there or does not claim it")
