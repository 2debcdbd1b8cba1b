"""What is kept of mailboxes and messages."""

from typing import Final

import msgspec
from msgspec import field

from mailkit.ids import Id
from mailkit.storage.codec import Record

__all__ = [
    "FLAGS",
    "Account",
    "Archived",
    "AttachedFile",
    "Attachment",
    "BlobRef",
    "Correspondent",
    "Hold",
    "Mailbox",
    "Message",
    "Reference",
    "State",
]

FLAGS: Final[dict[str, int]] = {
    "\\Seen": 1,
    "\\Flagged": 2,
    "\\Deleted": 4,
    "\\Draft": 8,
    "\\Answered": 16,
    "$Forwarded": 32,
}
"""Flags that have a bit of their own; all others are keywords."""


class Account(Record, frozen=True, kw_only=True):
    """What an account's mailboxes have in common."""

    uid_validity: int = field(name="u", default=0)  # the last one given out


class Mailbox(Record, frozen=True, kw_only=True):
    """A mailbox with its counters, which change in the transactions that change its messages."""

    id: Id = field(name="i")
    path: str = field(name="p")
    uid_validity: int = field(name="v")
    created: int = field(name="c")  # ms
    special_use: str | None = field(name="u", default=None)
    uid_next: int = field(name="n", default=1)
    modseq: int = field(name="m", default=0)
    total: int = field(name="t", default=0)
    unseen: int = field(name="s", default=0)
    size: int = field(name="z", default=0)  # bytes
    retention: int = field(name="r", default=0)  # ms
    subscribed: bool = field(name="b", default=True)
    hidden: bool = field(name="h", default=False)
    encrypt: bool = field(name="e", default=False)  # what comes in, for the account's keys
    stale: int = field(name="l", default=0)
    """Entries of the modseq index whose message has changed again since or is gone; a sweep removes them."""
    forgotten: int = field(name="g", default=0)
    """The modseq through which it is no longer known which messages vanished."""


class BlobRef(msgspec.Struct, frozen=True, array_like=True):
    """A segment that lies in a counted blob."""

    digest: bytes
    size: int


class Correspondent(msgspec.Struct, frozen=True, array_like=True):
    """One address of a header, or a group of them (RFC 5322 3.4) when there are `members`."""

    name: str
    address: str
    members: "tuple[Correspondent, ...] | None" = None


class Attachment(Record, frozen=True, kw_only=True):
    """A part that is listed as an attachment; `part` is its index in the message's part tree."""

    id: str = field(name="i")
    part: int = field(name="p")
    filename: str = field(name="f")
    content_type: str = field(name="t")
    size: int = field(name="z")  # encoded bytes
    disposition: str | None = field(name="d", default=None)
    encoding: str = field(name="e", default="")
    cid: str | None = field(name="c", default=None)
    related: bool = field(name="r", default=False)
    digest: bytes | None = field(name="h", default=None)  # of the encoded bytes


class AttachedFile(msgspec.Struct, frozen=True, array_like=True):
    """A stored file that was attached when the message was written."""

    id: Id
    filename: str
    content_type: str
    size: int
    cid: str | None = None


class Reference(msgspec.Struct, frozen=True, array_like=True):
    """The message that this one is about: `reply`, `replyAll` or `forward` of a UID in a mailbox."""

    action: str
    mailbox: Id
    uid: int


class Message(Record, frozen=True, kw_only=True):
    """What never changes about a message in its mailbox. Its key is mailbox and UID."""

    id: Id = field(name="i")
    size: int = field(name="z")  # bytes, all segments
    idate: int = field(name="d")  # internal date, ms
    segments: tuple[bytes | BlobRef, ...] = field(name="g")
    thread: Id = field(name="t")
    hdate: int = field(name="h", default=0)  # Date header, ms
    subject: str = field(name="s", default="")
    from_: tuple[Correspondent, ...] = field(name="f", default=())
    to: tuple[Correspondent, ...] = field(name="o", default=())
    cc: tuple[Correspondent, ...] = field(name="c", default=())
    bcc: tuple[Correspondent, ...] = field(name="b", default=())
    reply_to: tuple[Correspondent, ...] = field(name="y", default=())
    message_id: str = field(name="m", default="")
    references: tuple[str, ...] = field(name="r", default=())
    intro: str = field(name="p", default="")
    content_type: str = field(name="k", default="text/plain")
    content_params: dict[str, str] = field(name="q", default_factory=dict)
    attachments: tuple[Attachment, ...] = field(name="a", default=())
    mail_from: str = field(name="e", default="")
    rcpt_to: tuple[str, ...] = field(name="n", default=())
    meta: str | None = field(name="x", default=None)  # JSON text
    files: tuple[AttachedFile, ...] = field(name="j", default=())
    about: Reference | None = field(name="l", default=None)

    @property
    def attached(self) -> bool:
        """True when it has an attachment that is not part of its text's layout."""
        return any(not item.related for item in self.attachments)


class State(Record, frozen=True, kw_only=True):
    """What changes about a message, small and beside its row."""

    modseq: int = field(name="m")
    flags: int = field(name="f", default=0)
    keywords: tuple[str, ...] = field(name="k", default=())
    expires: int = field(name="e", default=0)  # ms; 0: never
    chosen: bool = field(name="c", default=False)  # `expires` was said of this message; else its mailbox's retention

    def has(self, flag: str) -> bool:
        """True when the flag is set."""
        return _has(self.flags, self.keywords, flag)

    @property
    def names(self) -> tuple[str, ...]:
        """All flags by name."""
        return _names(self.flags, self.keywords)


class Archived(Record, frozen=True, kw_only=True):
    """A deleted message that can still be restored: what was true of it when it went. Its row lies beside it."""

    account: int = field(name="n")
    id: Id = field(name="i")  # the message's own
    mailbox: Id = field(name="m")
    path: str = field(name="p")
    special_use: str | None = field(name="u", default=None)
    uid: int = field(name="v")
    size: int = field(name="z")  # bytes
    flags: int = field(name="f", default=0)
    keywords: tuple[str, ...] = field(name="k", default=())
    deleted: int = field(name="d")  # ms
    until: int = field(name="e")  # purged from then on, ms; a hold keeps it longer
    cause: str = field(name="w")  # `dispose.Cause`
    hash: bytes = field(name="h")  # `content_hash`

    @property
    def names(self) -> tuple[str, ...]:
        """The flags it had, by name."""
        return _names(self.flags, self.keywords)


class Hold(Record, frozen=True, kw_only=True):
    """Somebody's word that nothing of an account, or of a mailbox, goes for good."""

    id: Id = field(name="i")
    account: int = field(name="n")
    mailbox: Id | None = field(name="m", default=None)  # None: the whole account
    reason: str = field(name="r")
    by: str = field(name="b")
    at: int = field(name="t")  # ms
    until: int | None = field(name="e", default=None)  # ms; None: until it is released


def _has(bits: int, keywords: tuple[str, ...], flag: str) -> bool:
    bit = FLAGS.get(flag)
    return flag in keywords if bit is None else bool(bits & bit)


def _names(bits: int, keywords: tuple[str, ...]) -> tuple[str, ...]:
    return (*(name for name, bit in FLAGS.items() if bits & bit), *keywords)
