"""The one list of key prefixes: what is kept where, and which package owns it.

A global space is one byte, below 0x80 or above 0xEF, and its parts. Everything of an account lies behind 0x80 and the
account's number, so that a small account's rows share pages and a purge is one range: 0x80, number (u32), table (u8),
parts. Numbers are never reused for something else. A package keeps its hands off the spaces of others: it calls their
service.
"""

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from mailkit.storage.api import check_space
from mailkit.storage.keys import Shape, after_prefix

__all__ = ["SPACES", "Space", "account_range", "append_space", "owner_of", "space", "table"]


_ACCOUNT = b"\x80"


@frozen
class Space:
    """A kind of key. The parts of an account's table begin with the account's number."""

    name: str
    owner: str
    shape: Shape
    key: Callable[..., bytes] = field(init=False, repr=False, eq=False)
    """`key(*parts)`: the key of these parts, or what all keys that begin with them share."""

    @key.default
    def _key(self) -> Callable[..., bytes]:
        return self.shape.pack  # not a method of its own: one call fewer on every path

    def range(self, *parts: Any) -> tuple[bytes, bytes]:
        """Start and stop of the keys that begin with these parts."""
        return self.shape.range(*parts)

    def parts(self, key: bytes) -> tuple[Any, ...]:
        """What the key was made of."""
        return self.shape.unpack(key)


def account_shape(number: int, *kinds: str) -> Shape:
    """The keys of an account's table: its number stands behind the account's, and is none of the parts."""
    return Shape(_ACCOUNT, "u32", *kinds, mark=bytes((number,)))


SPACES: dict[bytes, Space] = {}


def _register(mark: bytes, made: Space) -> Space:
    if mark in SPACES:
        raise ValueError(f"{made.name}: the prefix {mark.hex()} belongs to {SPACES[mark].name}")
    SPACES[mark] = made
    return made


def space(number: int, name: str, owner: str, *kinds: str) -> Space:
    """Declares a global space. Numbers from 0x01 to 0x7F, and from 0xF0 to 0xFE behind the accounts."""
    if not (0 < number < 0x80 or 0xF0 <= number < 0xFF):
        raise ValueError("global spaces have numbers from 0x01 to 0x7F and from 0xF0 to 0xFE")
    mark = bytes((number,))
    return _register(mark, Space(name, owner, Shape(mark, *kinds)))


def table(number: int, name: str, owner: str, *kinds: str) -> Space:
    """Declares a table that every account has; `kinds` are the parts after the account's number."""
    return _register(_ACCOUNT + bytes((number,)), Space(name, owner, account_shape(number, *kinds)))


def append_space(name: bytes) -> bytes:
    """Declares an append space (a name of up to 32 bytes)."""
    check_space(name)
    return name


def account_range(number: int) -> tuple[bytes, bytes]:
    """Start and stop of everything that lies in an account."""
    start = _ACCOUNT + number.to_bytes(4, "big")
    return start, after_prefix(start)


def owner_of(key: bytes) -> Space | None:
    """The space a raw key belongs to; None for a key that nobody declared."""
    return SPACES.get(key[:1] + key[5:6] if key[:1] == _ACCOUNT else key[:1])


# 0x01 storage
COUNTERS = space(0x01, "counter", "storage", "text")

# 0x02-0x0F ground: journal, jobs, settings, limits
JOURNAL = append_space(b"journal")
JOURNAL_READER = space(0x02, "journal reader by name", "journal", "text")
JOURNAL_TRIMMED = space(0x03, "position through which the journal is trimmed", "journal")
JOB = space(0x04, "job", "jobs", "id")
JOB_DUE = space(0x05, "waiting and leased jobs by the time they can be claimed", "jobs", "u64", "text", "id")
JOB_KEY = space(0x06, "job by kind and unique key", "jobs", "text", "text")
JOB_ENDED = space(0x07, "ended jobs by the time they are forgotten", "jobs", "u64", "id")
SETTING = space(0x08, "setting by name", "settings", "text")
SETTINGS_STATE = space(0x09, "numbers that tell of changed settings", "settings")
LIMIT = space(0x0A, "rate counter by who and what", "limits", "text", "text")
LIMIT_EXPIRY = space(0x0B, "rate counters by the time they are empty", "limits", "u64", "text", "text")
FORMAT = space(0x0C, "format of the store and the migration in progress", "storage.migrate")

# 0x10-0x1F principals
PRINCIPAL = space(0x10, "principal", "principals", "u32")
PRINCIPAL_ID = space(0x11, "principal by id", "principals", "id")
PRINCIPAL_NAME = space(0x12, "principal by name", "principals", "text")
LOGIN_VIEW = space(0x13, "individual by dot-free login", "principals", "text")
KIND_NAME = space(0x14, "principals of a kind by name", "principals", "u8", "text", "u32")
KIND_ID = space(0x15, "principals of a kind by id", "principals", "u8", "id", "u32")
KIND_COUNT = space(0x16, "number of principals of a kind", "principals", "u8")
DOMAIN_COUNT = space(0x17, "number of addresses in a domain", "principals", "u32")
ADDRESS = space(0x18, "address", "principals", "id")
ADDRESS_VIEW = space(0x19, "address by dot-free form", "principals", "text")
OWNER_ADDRESS = space(0x1A, "addresses of an owner", "principals", "u32", "id")
DELETED = space(0x1B, "deleted principals whose data is not purged yet", "principals", "u32")
MEMBER = space(0x1C, "what belongs to a group, list, role", "principals", "u32", "u32")
MEMBER_OF = space(0x1D, "what a principal belongs to", "principals", "u32", "u32")
TENANT_NAME = space(0x1E, "principals of a tenant by kind and name", "principals", "u32", "u8", "text", "u32")
TENANT_COUNT = space(0x1F, "number of principals of a kind in a tenant", "principals", "u32", "u8")

# 0x20-0x27 credentials
SECRETS = space(0x20, "password hashes of a principal", "credentials", "u32")
TOKEN = space(0x21, "access token by SHA-256", "credentials", "sha")
OWNER_TOKEN = space(0x22, "tokens of an owner", "credentials", "u32", "sha")
TOKEN_END = space(0x23, "access tokens by the time they are dead at the latest", "credentials", "u64", "sha")
ASP_END = space(0x24, "application passwords by the time they expire", "credentials", "u64", "u32", "id")
AUTHLOG_END = space(0x25, "login events by the time they are forgotten", "credentials", "u64", "u32", "id")
CHALLENGE_END = space(0x26, "WebAuthn challenges by the time they expire", "credentials", "u64", "u32", "sha")

# 0x28-0x2F delivery
RECEIPT = space(0x28, "delivery receipts", "delivery", "id", "u32")

# 0x30-0x37, 0xFE blobs
BLOBS = space(0x30, "blobs", "storage.blobs", "sha")
"""Content digest -> how often it is referenced and where its bytes are."""
BLOB_BYTES = space(0xFE, "blob bytes", "storage.blobs", "id")
"""Small content, in order of arrival, in pieces (`storage.pieces`). The last space of all: only where nothing comes
behind what is added does LMDB leave full pages."""
BLOB_LOOSE = space(0x32, "loose blobs", "storage.blobs", "u8", "u64", "sha")
"""What a purge has to look at: kind (content, file), since when (UTC milliseconds), its key."""
BLOB_FILES = space(0x33, "blob files", "storage.blobs", "sha")
"""Name in the BlobStore -> what it is for and how far its life has come."""
BLOB_PIECES = space(0x34, "blob pieces", "storage.backends.instore", "sha", "id", "u32")
"""The in-store BlobStore: content in pieces."""

# 0x40-0x4F sealing and OAuth
SEALING = space(0x40, "which key of secret.key is in force", "sealing")
NAMED_KEY = space(0x41, "sealed keys by use", "sealing", "text")
GRANT = space(0x42, "OAuth codes and device codes by SHA-256", "credentials", "sha")
USER_CODE = space(0x43, "OAuth device code by user code", "credentials", "text")
GRANT_END = space(0x44, "OAuth grants by the time they are forgotten", "credentials", "u64", "sha")
REVOKED = space(0x45, "OAuth grants whose tokens are void, by id", "credentials", "id")
REVOKED_END = space(0x46, "void grants by the time their last token is dead", "credentials", "u64", "id")

# 0x60-0x67 mailstore
MAIL_EXPIRY = space(0x60, "messages that are removed at a time", "mailstore", "u64", "u32", "id", "u32")
ARCHIVE_END = space(0x61, "archived messages by the time they are purged", "mailstore", "u64", "u32", "id")
ARCHIVE_HASH = space(0x62, "archived messages by content hash", "mailstore", "sha", "u32", "id")
HOLD = space(0x63, "holds on accounts and mailboxes", "mailstore", "u32", "id")
ONCE_END = space(
    0x67, "bulk work that is known by a name, by the time that is forgotten", "mailstore", "u64", "u32", "sha"
)

# 0x68-0x6B idempotency
IDEMPOTENCY = space(0x68, "answer by caller and the caller's name for the request", "idempotency", "sha", "sha")
IDEMPOTENCY_TIME = space(0x69, "answers by the time they were given", "idempotency", "u64", "sha", "sha")
IDEMPOTENCY_CALLER = space(0x6A, "a caller's answers by the time they were given", "idempotency", "sha", "u64", "sha")
IDEMPOTENCY_COUNT = space(0x6B, "how many answers of a caller are kept", "idempotency", "sha")

# 0x50-0x5F principals
DOMAIN_ADDRESS = space(0x50, "addresses in a domain", "principals", "u32", "id")
DOMAIN_ALIAS = space(0x51, "domain alias", "principals", "id")
DOMAIN_ALIAS_NAME = space(0x52, "domain alias by name", "principals", "text")
DOMAIN_ALIAS_TARGET = space(0x53, "domain aliases by the domain they stand for", "principals", "text", "id")
DOMAIN_RENAME = space(0x54, "domains that are being renamed, by both names", "principals", "text")
DELETED_ID = space(0x55, "deleted principal by id", "principals", "id")

# an account's tables: 0x01-0x1F mailstore
MAILBOX = table(0x01, "mailbox", "mailstore", "id")
MAILBOX_PATH = table(0x02, "mailbox by path", "mailstore", "text")
MESSAGE = table(0x03, "message row", "mailstore", "id", "u32")
STATE = table(0x04, "flags and modseq of a message", "mailstore", "id", "u32")
MESSAGE_DATE = table(0x05, "messages by internal date", "mailstore", "id", "u64", "u32")
MODSEQ = table(0x06, "messages by modseq", "mailstore", "id", "u64", "u32")
ACCOUNT = table(0x07, "the account's mail state", "mailstore")
THREAD_TOKEN = table(0x08, "thread by hash of reference and subject", "mailstore", "bytes")
THREAD = table(0x09, "messages of a thread", "mailstore", "id", "id", "u32")
VANISHED = table(0x0A, "removed messages by modseq", "mailstore", "id", "u64", "u32")
MAILBOX_GONE = table(0x0B, "deleted mailbox whose messages still leave", "mailstore", "id")
ARCHIVED = table(0x0C, "archived message", "mailstore", "id")
ARCHIVED_ROW = table(0x0D, "row of an archived message", "mailstore", "id")
ARCHIVED_AT = table(0x0E, "archived messages by the time they were deleted", "mailstore", "u64", "id")
ARCHIVE_SIZE = table(0x0F, "how many messages an archive has, and how many bytes", "mailstore", "u8")
STORED_FILE = table(0x10, "stored file", "files", "id")
STORED_FILES = table(0x11, "how many stored files there are", "files")
STORED_FILE_NAME = table(0x12, "stored files by name", "files", "text", "id")
ONCE = table(0x14, "how far bulk work got that has a name", "mailstore", "sha")

# an account's tables: 0x50-0x57 spam (a tenant's model lies behind its number, the one for all behind 0)
SPAM_STATE = table(0x50, "state of a spam model", "spam")
SPAM_CHUNK = table(0x51, "checkpoint of a spam model", "spam", "u64", "u32")
SPAM_CHANGE = table(0x52, "changes of a spam model since its checkpoint", "spam", "u64")
SPAM_LEARNT = table(0x53, "learnt message by its key", "spam", "id")

# an account's tables: 0x46-0x4F search; behind keys of few bytes that only grow there are no large values: LMDB would
# leave their pages emptier still
SEARCH_FACTS = table(0x46, "what changes about indexed messages, by 4,096", "search", "u32")
SEARCH_DELTA = table(0x47, "words of messages that are in no segment yet", "search", "u32")
"""By the message's number, in pieces (`storage.pieces`)."""
SEARCH_PLACE = table(0x48, "indexed message by mailbox and UID", "search", "id", "u32")
SEARCH_DOC = table(0x49, "indexed message by its number", "search", "u32")
SEARCH_MANIFEST = table(0x4C, "which segments count", "search")
SEARCH_HEAD = table(0x4D, "head of a segment", "search", "id")
SEARCH_BLOCK = table(0x4E, "postings of a segment, in chunks", "search", "id", "u32")
SEARCH_LATE = table(0x4F, "messages whose words are still to be read", "search", "u32")

# an account's tables: 0x70-0x77 quota, 0x78-0x7F principals
QUOTA_USED = table(0x70, "bytes kept by an account or a tenant", "quota")
REGISTER = table(0x78, "people that an account had mail with", "principals", "id")
REGISTER_ADDRESS = table(0x79, "people by address", "principals", "text")

# an account's tables: 0x30-0x3F credentials
ASP = table(0x30, "application password", "credentials", "id")
ASP_LOOKUP = table(0x31, "application password by HMAC", "credentials", "sha")
ASP_COUNT = table(0x32, "number of application passwords", "credentials")
WEBAUTHN = table(0x33, "WebAuthn credential", "credentials", "id")
WEBAUTHN_RAW = table(0x34, "WebAuthn credential by its authenticator's id", "credentials", "sha")
CHALLENGE = table(0x35, "WebAuthn challenge by SHA-256", "credentials", "sha")
AUTHLOG = table(0x36, "login event", "credentials", "id")
AUTHLOG_KEY = table(0x37, "latest login event of a kind", "credentials", "sha")
AUTHLOG_COUNT = table(0x38, "number of login events", "credentials")
LAST_LOGIN = table(0x39, "last successful login", "credentials")
KNOWN_ADDRESS = table(0x3A, "addresses with a recent successful login", "credentials", "text")
USED_CODE = table(0x3B, "TOTP steps that were used", "credentials")
