"""Numbers that are alike in their high bytes, made small: byte planes through Zstandard. Pure."""

import threading

import zstandard

__all__ = ["squeezed", "unsqueezed"]

_own = threading.local()  # zstandard's objects are for one thread each


def squeezed(data: bytes, width: int) -> bytes:
    """The first bytes of all numbers of `width` bytes, then all second ones, and so on, compressed."""
    planes = b"".join([data[at::width] for at in range(width)])
    try:
        compressor: zstandard.ZstdCompressor = _own.compressor
    except AttributeError:
        compressor = _own.compressor = zstandard.ZstdCompressor(level=1)
    return compressor.compress(planes)


def unsqueezed(data: bytes, width: int) -> bytes:
    """The other way round."""
    try:
        decompressor: zstandard.ZstdDecompressor = _own.decompressor
    except AttributeError:
        decompressor = _own.decompressor = zstandard.ZstdDecompressor()
    planes = decompressor.decompress(data)
    if width == 1:
        return planes
    found = bytearray(len(planes))
    start = 0
    for at in range(width):
        stop = start + len(range(at, len(planes), width))
        found[at::width] = planes[start:stop]
        start = stop
    return bytes(found)
