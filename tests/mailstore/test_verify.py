"""`mailkit check` finds each sort of damage: every one is planted in a store that is sound, and must be reported."""

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.ids import new_id
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.records import BlobRef
from mailkit.mailstore.selection import Selection
from mailkit.mailstore.tables import MAILBOXES, MESSAGES, STATES
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.testing.platform import platform
from mailkit.verify import verify

LEAF = bytes(range(32, 127)) * 200
RAW = (
    b"Subject: %d\r\nMessage-ID: <%d@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
    b"Content-Type: application/x\r\n\r\n" + LEAF.replace(b"%", b"%%") + b"\r\n--b--\r\n"
)


@pytest.fixture
def kit() -> Iterator[MailKit]:
    with platform(clock=FixedClock()) as opened:
        yield opened


@pytest.fixture
def account(kit: MailKit) -> int:
    """Messages of every sort of past: changed, moved, removed, about to expire; a mailbox that is deleted."""
    number = kit.accounts.create("alice", address="alice@example.org").number
    for n in range(4):
        kit.mailstore.append(number, RAW % (n, n))
    kit.mailstore.create_mailbox(number, Folder("Gone"))
    kit.mailstore.append(number, RAW % (9, 9), mailbox="Gone")
    kit.mailstore.delete_mailbox(number, "Gone")
    kit.mailstore.update(number, "INBOX", Selection.of([1]), Change(add=["\\Seen"], expires=kit.clock() + 1000))
    kit.mailstore.move(number, "INBOX", Selection.of([2]), "Drafts")
    kit.mailstore.remove(number, "INBOX", Selection.of([3]))
    kit.files.add(number, kit.files.prepare(b"a file"))
    assert list(verify(kit)) == []
    return number


class Damage:
    """What is done to the store behind everybody's back."""

    def __init__(self, kit: MailKit, account: int, tx: Tx) -> None:
        self.kit, self.account, self.tx = kit, account, tx
        self.box = kit.mailstore.mailbox(account, "INBOX", tx=tx)
        self.row = MESSAGES.get(tx, account, self.box.id, 1)
        self.state = STATES.get(tx, account, self.box.id, 1)

    def mailbox(self, **changes: object) -> None:
        MAILBOXES.put(self.tx, replace(self.box, **changes), self.account, self.box.id)

    def message(self, **changes: object) -> None:
        MESSAGES.put(self.tx, replace(self.row, **changes), self.account, self.box.id, 1)

    def flags(self, **changes: object) -> None:
        STATES.put(self.tx, replace(self.state, **changes), self.account, self.box.id, 1)

    def all_gone(self, space: keyspace.Space) -> None:
        for key, _ in list(self.tx.scan(*space.range(self.account))):
            self.tx.delete(key)

    def digest(self) -> bytes:
        return next(one.digest for one in self.row.segments if isinstance(one, BlobRef))


def dangling(d: Damage) -> None:
    d.message(segments=tuple(
        BlobRef(b"\x01" * 32, one.size) if isinstance(one, BlobRef) else one for one in d.row.segments
    ))  # fmt: skip


def another_uid(d: Damage) -> None:
    MESSAGES.put(d.tx, d.row, d.account, d.box.id, 77)
    STATES.put(d.tx, d.state, d.account, d.box.id, 77)


DAMAGES: dict[str, tuple[Callable[[Damage], object], str]] = {
    "total": (lambda d: d.mailbox(total=9), "the counter says 9 messages"),
    "unseen": (lambda d: d.mailbox(unseen=9), "the counter says 9 unseen"),
    "size": (lambda d: d.mailbox(size=9), "the counter says 9 bytes"),
    "stale": (lambda d: d.mailbox(stale=99), "the counter says 99 outdated"),
    "uid_next": (lambda d: d.mailbox(uid_next=2), "is not below the next UID"),
    "uid beyond uid_next": (another_uid, "message 77 is not below the next UID"),
    "modseq of a mailbox": (lambda d: d.mailbox(modseq=1), "ahead of the mailbox"),
    "modseq of a message": (lambda d: d.flags(modseq=999), "has modseq 999, its mailbox"),
    "forgotten": (lambda d: d.mailbox(forgotten=999), "forgotten through modseq 999"),
    "path": (lambda d: d.tx.delete(keyspace.MAILBOX_PATH.key(d.account, "INBOX")), "path does not lead to it"),
    "path to nowhere": (
        lambda d: d.tx.put(keyspace.MAILBOX_PATH.key(d.account, "x"), new_id()), "leads to a mailbox that is not there"
    ),
    "mailbox lost": (lambda d: MAILBOXES.delete(d.tx, d.account, d.box.id), "in a mailbox that is not there"),
    "state lost": (lambda d: STATES.delete(d.tx, d.account, d.box.id, 1), "message 1 has no state"),
    "message lost": (lambda d: MESSAGES.delete(d.tx, d.account, d.box.id, 1), "is of no message"),
    "message unreadable": (
        lambda d: d.tx.put(keyspace.MESSAGE.key(d.account, d.box.id, 1), b"\x01rubbish"), "message row"
    ),
    "message of a later version": (
        lambda d: d.tx.put(keyspace.MESSAGE.key(d.account, d.box.id, 1), b"\xfe\x80"), "message row"
    ),
    "state unreadable": (
        lambda d: d.tx.put(keyspace.STATE.key(d.account, d.box.id, 1), b"\x01rubbish"), "State cannot be read"
    ),
    "mailbox unreadable": (
        lambda d: d.tx.put(keyspace.MAILBOX.key(d.account, d.box.id), b"\x01rubbish"), "Mailbox cannot be read"
    ),
    "date index": (
        lambda d: d.tx.delete(keyspace.MESSAGE_DATE.key(d.account, d.box.id, d.row.idate, 1)), "missing from an index"
    ),
    "date index, stray": (
        lambda d: d.tx.put(keyspace.MESSAGE_DATE.key(d.account, d.box.id, 5, 1), b""), "is not where its message is"
    ),
    "thread": (
        lambda d: d.tx.delete(keyspace.THREAD.key(d.account, d.row.thread, d.box.id, 1)), "missing from an index"
    ),
    "orphan thread": (
        lambda d: d.tx.put(keyspace.THREAD.key(d.account, d.row.thread, d.box.id, 50), b""), "is of no message"
    ),
    "thread of another": (
        lambda d: d.tx.put(keyspace.THREAD.key(d.account, new_id(), d.box.id, 1), b""), "is not where its message is"
    ),
    "modseq index": (
        lambda d: d.tx.delete(keyspace.MODSEQ.key(d.account, d.box.id, d.state.modseq, 1)), "missing from an index"
    ),
    "modseq index, ahead": (
        lambda d: d.tx.put(keyspace.MODSEQ.key(d.account, d.box.id, 999, 1), b""), "at modseq 999, ahead"
    ),
    "vanished, and there": (
        lambda d: d.tx.put(keyspace.VANISHED.key(d.account, d.box.id, 1, 1), b""), "message 1 vanished"
    ),
    "expiry lost": (
        lambda d: d.tx.delete(keyspace.MAIL_EXPIRY.key(d.state.expires, d.account, d.box.id, 1)),
        "missing from an index",
    ),
    "expiry, stray": (
        lambda d: d.tx.put(keyspace.MAIL_EXPIRY.key(7, d.account, d.box.id, 4), b""), "does not expire at 7"
    ),
    "segments": (lambda d: d.message(segments=(b"short",)), "its segments have 5 bytes"),
    "missing reference": (dangling, "0101"),
    "reference too much": (lambda d: d.kit.blobs.hold_again(d.tx, d.digest()), "reference"),
    "reference too few": (lambda d: d.kit.blobs.release(d.tx, d.digest()), "reference"),
    "content lost": (lambda d: d.tx.delete(keyspace.BLOBS.key(d.digest())), "reference"),
    "quota": (lambda d: d.kit.quota.credit(d.tx, d.account, 10), "bytes are charged, its messages have"),
    "file's name": (
        lambda d: d.all_gone(keyspace.STORED_FILE_NAME),
        "is not found by its name",
    ),
    "file lost": (
        lambda d: d.all_gone(keyspace.STORED_FILE),
        "leads to a file that is not there",
    ),
    "a key of nobody": (lambda d: d.tx.put(b"\xee\xee", b""), "eeee"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_found(what: str, kit: MailKit, account: int) -> None:
    damage, said = DAMAGES[what]
    kit.transact(lambda tx: damage(Damage(kit, account, tx)))
    found = [str(finding) for finding in verify(kit) if finding.level == "error"]
    assert any(said in one for one in found), found
