"""Whether and how small content is compressed. Pure."""

import threading
from typing import Literal

import zstandard

from mailkit.errors import Corrupt

__all__ = ["pack", "unpack"]

_SMALLEST = 512
"""Below this a compressed value saves no page anywhere."""

_LEVEL = 1
"""20 us for 10 KB of mail; higher levels save a few per cent and cost a multiple."""

_own = threading.local()  # zstandard's objects are for one thread each, and cost more to make than a small message


def pack(data: bytes) -> tuple[Literal["", "zstd"], bytes]:
    """The stored form of `data`: as it is, unless compressing saves at least an eighth."""
    if len(data) < _SMALLEST:
        return "", data
    try:
        compressor: zstandard.ZstdCompressor = _own.compressor
    except AttributeError:
        compressor = _own.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    packed = compressor.compress(data)
    return ("zstd", packed) if len(packed) <= len(data) - len(data) // 8 else ("", data)


def unpack(packed: Literal["", "zstd"], data: bytes, size: int) -> bytes:
    """The content of `size` bytes again; Corrupt when it is not that."""
    if packed == "zstd":
        try:
            decompressor: zstandard.ZstdDecompressor = _own.decompressor
        except AttributeError:
            decompressor = _own.decompressor = zstandard.ZstdDecompressor()
        try:
            # a frame that claims another size than the row is refused before memory is taken for it
            if zstandard.frame_content_size(data) != size:
                raise Corrupt("blob.corrupt", "A stored content has another size than its row says")
            data = decompressor.decompress(data)
        except zstandard.ZstdError as error:
            raise Corrupt("blob.corrupt", f"A stored content cannot be unpacked: {error}") from error
    if len(data) != size:
        raise Corrupt("blob.corrupt", "A stored content has another size than its row says")
    return data
