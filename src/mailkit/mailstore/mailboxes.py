"""Mailboxes of an account: made, found, listed."""

from collections.abc import Iterable

from msgspec.structs import replace

from mailkit.errors import AlreadyExists, NotFound
from mailkit.ids import Id, new_id
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.paths import is_inbox, normal_path, sort_key
from mailkit.mailstore.records import Account, Mailbox
from mailkit.mailstore.tables import ACCOUNTS, MAILBOXES
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Tx

__all__ = [
    "below",
    "by_path",
    "count",
    "create",
    "find_by_path",
    "get",
    "list_all",
    "next_validity",
    "revalidate",
    "special",
]


def create(account: int, folders: Iterable[Folder], *, now: int, tx: Tx) -> list[Mailbox]:
    """Makes mailboxes in one transaction; AlreadyExists `mailbox.exists` when a path is taken.

    Their common UIDVALIDITY is the current second, or one more than the account's last: never one used before.
    """
    validity = next_validity(account, now=now, tx=tx)
    made = []
    for folder in folders:
        path = normal_path(folder.path)
        key = keyspace.MAILBOX_PATH.key(account, path)
        if tx.get(key) is not None:
            raise AlreadyExists("mailbox.exists", "Mailbox already exists", path=path)
        mailbox = Mailbox(
            id=new_id(now),
            path=path,
            uid_validity=validity,
            created=now,
            special_use=folder.special_use,
            retention=folder.retention,
            hidden=folder.hidden,
            encrypt=folder.encrypt,
        )
        tx.put(key, mailbox.id)
        MAILBOXES.put(tx, mailbox, account, mailbox.id)
        made.append(mailbox)
    return made


def next_validity(account: int, *, now: int, tx: Tx) -> int:
    """A UIDVALIDITY that the account has never used (RFC 3501 2.3.1.1)."""
    row = ACCOUNTS.find(tx, account) or Account()
    validity = max(now // 1000, row.uid_validity + 1)
    ACCOUNTS.put(tx, Account(uid_validity=validity), account)
    return validity


def revalidate(account: int, mailbox: Id, *, now: int, tx: Tx) -> Mailbox:
    """Gives a mailbox a new UIDVALIDITY: whoever knows its UIDs is to forget them."""
    box = get(account, mailbox, tx=tx)
    after = replace(box, uid_validity=next_validity(account, now=now, tx=tx), modseq=box.modseq + 1)
    MAILBOXES.replace(tx, box, after, account, box.id)
    return after


def get(account: int, mailbox: Id | str, *, tx: ReadTx) -> Mailbox:
    """By id, or by path when it is text; NotFound `mailbox.not_found`."""
    if isinstance(mailbox, str):
        return by_path(account, mailbox, tx=tx)
    row = MAILBOXES.find(tx, account, mailbox)
    if row is None:
        raise NotFound("mailbox.not_found", "This mailbox does not exist", mailbox=str(mailbox))
    return row


def find_by_path(account: int, path: str, *, tx: ReadTx) -> Mailbox | None:
    """By exact path; INBOX in any spelling."""
    if is_inbox(path):
        path = "INBOX"
    id = tx.get(keyspace.MAILBOX_PATH.key(account, path))
    return None if id is None else MAILBOXES.get(tx, account, id)


def by_path(account: int, path: str, *, tx: ReadTx) -> Mailbox:
    """By exact path; NotFound `mailbox.not_found`."""
    row = find_by_path(account, path, tx=tx)
    if row is None:
        raise NotFound("mailbox.not_found", "This mailbox does not exist", path=path)
    return row


def count(account: int, *, most: int, tx: ReadTx) -> int:
    """How many mailboxes there are, counted up to `most`."""
    return sum(1 for _ in tx.scan(*keyspace.MAILBOX.range(account), limit=most))


def below(account: int, path: str, *, tx: ReadTx) -> list[Mailbox]:
    """Mailboxes whose paths begin with `path` and a separator, those with the shorter paths first."""
    found = [row for _, row in MAILBOXES.scan(tx, account) if row.path.startswith(f"{path}/")]
    return sorted(found, key=lambda row: len(row.path))


def special(account: int, use: str, *, tx: ReadTx) -> Mailbox | None:
    """The mailbox with a special use (`\\Junk`), if there is one."""
    return next((row for _, row in MAILBOXES.scan(tx, account) if row.special_use == use), None)


def list_all(account: int, *, tx: ReadTx) -> list[Mailbox]:
    """Every mailbox: INBOX first, then by path (W2.4)."""
    rows = [row for _, row in MAILBOXES.scan(tx, account)]
    return sorted(rows, key=lambda row: sort_key(row.path, row.subscribed))
