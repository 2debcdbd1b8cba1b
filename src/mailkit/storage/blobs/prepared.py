"""What is done with content before a transaction refers to it: hashing, packing and cutting. Pure."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, Literal

from attrs import field, frozen

from mailkit.ids import Id
from mailkit.storage.blobs.pack import pack
from mailkit.storage.pieces import cut

__all__ = ["INLINE_MAX", "Inline", "Prepared", "Source", "inline", "measure", "named", "salted"]

INLINE_MAX = 256 << 10
"""Largest content, in bytes, that travels in the naming transaction. Above, a value holds up every other writer."""

_CHUNK = 1 << 20

Source = bytes | BinaryIO
"""Content: bytes, or a seekable binary file, read from its beginning as often as needed."""


@frozen
class Inline:
    """The stored form of small content."""

    at: Id
    packed: Literal["", "zstd"]
    pieces: tuple[bytes, ...] = field(repr=False)


@frozen
class Prepared:
    """Content that a transaction may now refer to with `Blobs.hold`, as often as it likes."""

    digest: bytes
    size: int
    now: int
    """When it was prepared, UTC milliseconds."""
    inline: Inline | None = None
    """None: it is in the BlobStore, and its row is there unless a purge took it in the meantime."""


def inline(data: bytes, *, at: Id, now: int) -> Prepared:
    """Small content, ready to be stored under the id `at`."""
    packed, stored = pack(data)
    return Prepared(hashlib.sha256(data).digest(), len(data), now, Inline(at, packed, cut(stored)))


def measure(source: Source) -> tuple[bytes, int]:
    """Digest and size."""
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(source):
        digest.update(chunk)
        size += len(chunk)
    return digest.digest(), size


def named(source: Source, salt: Id) -> bytes:
    """The name of the file that holds `salt` and then the content."""
    digest = hashlib.sha256(salt)
    for chunk in _chunks(source):
        digest.update(chunk)
    return digest.digest()


def salted(source: Source, salt: Id) -> Iterator[bytes]:
    """What that file holds, in chunks."""
    yield bytes(salt)
    yield from _chunks(source)


def _chunks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), _CHUNK):
            yield source[start : start + _CHUNK]
        return
    source.seek(0)
    while chunk := source.read(_CHUNK):
        yield chunk
