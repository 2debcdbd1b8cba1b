"""`mailkit check` for mail: counters equal rows, quota equals bytes, modseqs never run ahead, indexes have no holes,
what vanished stays away, what expires is there."""

from collections import Counter
from collections.abc import Collection, Generator, Iterator

from mailkit.errors import MailKitError
from mailkit.mailstore.records import BlobRef, Mailbox, Message
from mailkit.mailstore.resync import counts
from mailkit.mailstore.tables import ACCOUNTS, GONE, MAILBOXES, MESSAGES, STATES
from mailkit.mailstore.verify_archive import verify_archive, verify_archive_indexes
from mailkit.quota import QuotaService
from mailkit.storage import keyspace
from mailkit.storage.api import Store
from mailkit.storage.verify import Finding, error, rows
from mailkit.storage.walk import walk

__all__ = ["verify"]


def verify(
    store: Store, accounts: Collection[int], quota: QuotaService, references: Counter[bytes]
) -> Iterator[Finding]:
    """Looks at every message of `accounts` and adds the blobs they refer to to `references`."""
    for account in accounts:
        used = 0
        yield from (row for _, row in rows(store, ACCOUNTS, account) if isinstance(row, Finding))
        boxes = [row for _, row in rows(store, MAILBOXES, account)]
        for box in boxes:
            if isinstance(box, Finding):
                yield box
                continue
            used += yield from _mailbox(store, account, box, references)
        known = {box.id for box in boxes if not isinstance(box, Finding)}
        for _, buried in rows(store, GONE, account):
            if isinstance(buried, Finding):
                yield buried
                continue
            known.add(buried.id)
            used += yield from _leaving(store, account, buried, references)
        yield from _strays(store, account, known)
        yield from verify_archive(store, account, references)
        with store.snapshot() as tx:
            counted = quota.used(tx, account)
        if counted != used:
            yield error("quota", f"account {account}: {counted} bytes are charged, its messages have {used}")
    yield from _expiry(store)
    yield from verify_archive_indexes(store, frozenset(accounts))


def _mailbox(store: Store, account: int, box: Mailbox, references: Counter[bytes]) -> Generator[Finding, None, int]:
    place = f"account {account}, {box.path}"
    total = unseen = size = 0
    with store.snapshot() as tx:
        if tx.get(keyspace.MAILBOX_PATH.key(account, box.path)) != box.id:
            yield error(place, "its path does not lead to it")
    for key, row in rows(store, MESSAGES, account, box.id):
        uid = keyspace.MESSAGE.parts(key)[2]
        if isinstance(row, Finding):
            yield row
            continue
        total += 1
        size += row.size
        yield from _segments(place, uid, row, references)
        try:
            with store.snapshot() as tx:
                state = STATES.find(tx, account, box.id, uid)
                dated = tx.get(keyspace.MESSAGE_DATE.key(account, box.id, row.idate, uid)) is not None
                threaded = tx.get(keyspace.THREAD.key(account, row.thread, box.id, uid)) is not None
                listed = state is None or tx.get(keyspace.MODSEQ.key(account, box.id, state.modseq, uid)) is not None
                expires = 0 if state is None else state.expires
                due = not expires or tx.get(keyspace.MAIL_EXPIRY.key(expires, account, box.id, uid)) is not None
        except MailKitError as problem:
            yield error(place, f"message {uid}: {problem.message}")
            continue
        if state is None:
            yield error(place, f"message {uid} has no state")
            continue
        unseen += not state.has("\\Seen")
        if not (dated and threaded and listed and due):
            yield error(place, f"message {uid} is missing from an index")
        if uid >= box.uid_next:
            yield error(place, f"message {uid} is not below the next UID, {box.uid_next}")
        if state.modseq > box.modseq:
            yield error(place, f"message {uid} has modseq {state.modseq}, its mailbox {box.modseq}")
    for what, counted, found in (
        ("messages", box.total, total),
        ("unseen", box.unseen, unseen),
        ("bytes", box.size, size),
    ):
        if counted != found:
            yield error(place, f"the counter says {counted} {what}, there are {found}")
    yield from _history(store, account, box, place)
    return size


def _segments(place: str, uid: int, row: Message, references: Counter[bytes]) -> Iterator[Finding]:
    length = 0
    for segment in row.segments:
        if isinstance(segment, BlobRef):
            references[segment.digest] += 1
            length += segment.size
        else:
            length += len(segment)
    if length != row.size:
        yield error(place, f"message {uid}: its segments have {length} bytes, it should have {row.size}")


def _history(store: Store, account: int, box: Mailbox, place: str) -> Iterator[Finding]:
    """The modseq index has as many entries that count no more as the mailbox says; what vanished is not there."""
    stale = 0
    for key, _ in walk(store, *keyspace.MODSEQ.range(account, box.id)):
        try:
            with store.snapshot() as tx:
                stale += not counts(key, tx)
        except MailKitError:
            continue  # a state that cannot be read is told of with its message
        modseq, uid = keyspace.MODSEQ.parts(key)[2:]
        if modseq > box.modseq or uid >= box.uid_next:
            yield error(place, f"the index has message {uid} at modseq {modseq}, ahead of the mailbox")
    if stale != box.stale:
        yield error(place, f"the counter says {box.stale} outdated index entries, there are {stale}")
    for key, _ in walk(store, *keyspace.VANISHED.range(account, box.id)):
        modseq, uid = keyspace.VANISHED.parts(key)[2:]
        with store.snapshot() as tx:
            back = MESSAGES.exists(tx, account, box.id, uid)
        if back or modseq > box.modseq or uid >= box.uid_next:
            yield error(place, f"message {uid} vanished at modseq {modseq}, and that cannot be")
    if box.forgotten > box.modseq:
        yield error(place, f"what vanished is forgotten through modseq {box.forgotten}, ahead of the mailbox")


def _leaving(store: Store, account: int, box: Mailbox, references: Counter[bytes]) -> Generator[Finding, None, int]:
    """The messages of a deleted mailbox still have their bytes and their share of the quota."""
    size = 0
    for key, row in rows(store, MESSAGES, account, box.id):
        if isinstance(row, Finding):
            yield row
            continue
        size += row.size
        yield from _segments(f"account {account}, deleted {box.path}", keyspace.MESSAGE.parts(key)[2], row, references)
    return size


def _expiry(store: Store) -> Iterator[Finding]:
    """Whatever is to be removed at a time is there and says the same."""
    for key, _ in walk(store, *keyspace.MAIL_EXPIRY.range()):
        when, account, mailbox, uid = keyspace.MAIL_EXPIRY.parts(key)
        try:
            with store.snapshot() as tx:
                state = STATES.find(tx, account, mailbox, uid)
        except MailKitError:
            continue
        if state is None or state.expires != when:
            yield error(f"account {account}", f"message {uid} of {mailbox.hex()} does not expire at {when}")


def _strays(store: Store, account: int, boxes: Collection[bytes]) -> Iterator[Finding]:
    """Rows and index entries of mailboxes or messages that are not there, and paths that lead nowhere."""
    who = f"account {account}"
    for space in (keyspace.MESSAGE, keyspace.STATE, keyspace.MESSAGE_DATE, keyspace.MODSEQ, keyspace.VANISHED):
        for key, _ in walk(store, *space.range(account)):
            parts = space.parts(key)
            if parts[1] not in boxes:
                yield error(who, f"'{space.name}' {key.hex()} is in a mailbox that is not there")
            elif space in (keyspace.STATE, keyspace.MESSAGE_DATE):
                yield from _of_a_message(store, space, key, account, parts[1], parts[-1])
    for key, _ in walk(store, *keyspace.THREAD.range(account)):
        yield from _of_a_message(store, keyspace.THREAD, key, account, *keyspace.THREAD.parts(key)[2:])
    for key, id in walk(store, *keyspace.MAILBOX_PATH.range(account)):
        with store.snapshot() as tx:
            if len(id) != 12 or not MAILBOXES.exists(tx, account, id):
                yield error(who, f"the path {key.hex()} leads to a mailbox that is not there")


def _of_a_message(
    store: Store, space: keyspace.Space, key: bytes, account: int, mailbox: bytes, uid: int
) -> Iterator[Finding]:
    try:
        with store.snapshot() as tx:
            row = MESSAGES.find(tx, account, mailbox, uid)
    except MailKitError:
        return  # a row that cannot be read is told of with its mailbox
    if row is None:
        yield error(f"account {account}", f"'{space.name}' {key.hex()} is of no message")
    elif space is not keyspace.STATE and _row_key(space, account, mailbox, uid, row) != key:
        yield error(f"account {account}", f"'{space.name}' {key.hex()} is not where its message is")


def _row_key(space: keyspace.Space, account: int, mailbox: bytes, uid: int, row: Message) -> bytes:
    """The key that a message's row asks for in an index."""
    if space is keyspace.THREAD:
        return space.key(account, row.thread, mailbox, uid)
    return space.key(account, mailbox, row.idate, uid)
