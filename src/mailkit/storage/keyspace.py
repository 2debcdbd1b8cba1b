"""The one list of key prefixes: what is kept where, and which package owns it.

A global space is one byte and its parts. Everything of an account lies behind 0x80 and the account's number, so that a
small account's rows share pages and a purge is one range: 0x80, number (u32), table (u8), parts. Numbers are never
reused for something else. A package keeps its hands off the spaces of others: it calls their service.
"""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from mailkit.storage.keys import Shape, after_prefix

__all__ = [
    "BLOBS",
    "BLOB_BYTES",
    "BLOB_FILES",
    "BLOB_LOOSE",
    "BLOB_PIECES",
    "SPACES",
    "Space",
    "account_range",
    "append_space",
    "space",
    "table",
]

_ACCOUNT = b"\x80"


@frozen
class Space:
    """A kind of key. The parts of an account's table begin with the account's number."""

    name: str
    owner: str
    shape: Shape

    def key(self, *parts: Any) -> bytes:
        """The key of these parts."""
        return self.shape.pack(*parts)

    def range(self, *parts: Any) -> tuple[bytes, bytes]:
        """Start and stop of the keys that begin with these parts."""
        return self.shape.range(*parts)

    def parts(self, key: bytes) -> tuple[Any, ...]:
        """What the key was made of."""
        return self.shape.unpack(key)


class _AccountShape(Shape):
    """Puts the table's byte between the account's number and the rest, and hides it from users."""

    __slots__ = ("_number",)

    def __init__(self, number: int, *kinds: str) -> None:
        super().__init__(_ACCOUNT, "u32", "u8", *kinds)
        self._number = number

    def pack(self, *parts: Any) -> bytes:
        return super().pack(parts[0], self._number, *parts[1:])

    def unpack(self, key: bytes) -> tuple[Any, ...]:
        account, _, *rest = super().unpack(key)
        return (account, *rest)


SPACES: dict[bytes, Space] = {}


def _register(mark: bytes, made: Space) -> Space:
    if mark in SPACES:
        raise ValueError(f"{made.name}: the prefix {mark.hex()} belongs to {SPACES[mark].name}")
    SPACES[mark] = made
    return made


def space(number: int, name: str, owner: str, *kinds: str) -> Space:
    """Declares a global space. Numbers from 0x01 to 0x7F."""
    if not 0 < number < 0x80:
        raise ValueError("global spaces have numbers from 0x01 to 0x7F")
    mark = bytes((number,))
    return _register(mark, Space(name, owner, Shape(mark, *kinds)))


def table(number: int, name: str, owner: str, *kinds: str) -> Space:
    """Declares a table that every account has; `kinds` are the parts after the account's number."""
    return _register(_ACCOUNT + bytes((number,)), Space(name, owner, _AccountShape(number, *kinds)))


def append_space(name: bytes) -> bytes:
    """Declares an append space (a name of up to 32 bytes)."""
    if not 0 < len(name) <= 32:
        raise ValueError("an append space has a name of 1 to 32 bytes")
    return name


def account_range(number: int) -> tuple[bytes, bytes]:
    """Start and stop of everything that lies in an account."""
    start = _ACCOUNT + number.to_bytes(4, "big")
    return start, after_prefix(start)


def owner_of(key: bytes) -> Space | None:
    """The space a raw key belongs to; None for a key that nobody declared."""
    return SPACES.get(key[:1] + key[5:6] if key[:1] == _ACCOUNT else key[:1])


def by_owner() -> Iterator[tuple[str, Space]]:
    """All declared spaces with their owners, in order of prefix."""
    return ((declared.owner, declared) for _, declared in sorted(SPACES.items()))


# What the storage package itself keeps; other packages declare theirs where their tables are.
BLOBS = space(0x30, "blobs", "storage.blobs", "sha")
"""Content digest -> how often it is referenced and where its bytes are."""
BLOB_BYTES = space(0x31, "blob bytes", "storage.blobs", "id")
"""Small content, in order of arrival."""
BLOB_LOOSE = space(0x32, "loose blobs", "storage.blobs", "u8", "u64", "sha")
"""What a purge has to look at: kind (content, file), since when (UTC milliseconds), its key."""
BLOB_FILES = space(0x33, "blob files", "storage.blobs", "sha")
"""Name in the BlobStore -> what it is for and how far its life has come."""
BLOB_PIECES = space(0x34, "blob pieces", "storage.backends.instore", "sha", "id", "u32")
"""The in-store BlobStore: content in pieces."""
