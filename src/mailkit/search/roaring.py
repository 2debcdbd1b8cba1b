"""Roaring bitmaps made smaller: the serial form of their specification without what follows from the rest. Pure.

    u16 length, squeezed head: growth of the containers' keys, their sizes; then the containers, squeezed by two bytes
    if the length's highest bit is set, else as they are

https://github.com/RoaringBitmap/RoaringFormatSpec: a bitmap without run containers is u32 12346, u32 number of
containers, (u16 key, u16 size - 1) of each, u32 offset of each, containers of u16 values or of 8,192 bytes.
"""

import struct
from array import array
from itertools import accumulate
from operator import sub

from pyroaring import BitMap

from mailkit.search.numbers import numbers, packed
from mailkit.search.squeeze import squeezed, unsqueezed

__all__ = ["pack", "unpack"]

_COOKIE = 12346
_ARRAY = 4096
"""Largest container that is a list of values."""
_BITSET = 8192
_SQUEEZED = 0x8000
_LENGTHS = array("H", range(2, 2 * _ARRAY + 2, 2)) + array("H", [_BITSET]) * (65_536 - _ARRAY)
"""Bytes of a container by its size - 1."""


def pack(bitmap: BitMap) -> bytes:
    """A bitmap in few bytes; it has had no `run_optimize`."""
    data = bitmap.serialize()
    cookie, count = struct.unpack_from("<II", data)
    if cookie != _COOKIE or not count:
        return b"\0\0" + data
    head = numbers(data[8 : 8 + 4 * count], "H")
    keys = head[::2]
    steps = array("H", [keys[0], *map(sub, keys[1:], keys)])
    first = squeezed(packed(steps) + packed(head[1::2]), 2)
    if len(first) >= _SQUEEZED:
        return b"\0\0" + data
    body, size = data[8 + 8 * count :], len(first)
    small = squeezed(body, 2)
    if len(small) < 0.95 * len(body):
        body, size = small, size | _SQUEEZED
    return size.to_bytes(2, "little") + first + body


def unpack(data: bytes) -> BitMap:
    """The other way round."""
    size = int.from_bytes(data[:2], "little")
    if not size:
        return BitMap.deserialize(data[2:])
    body = size & ~_SQUEEZED
    both = numbers(unsqueezed(data[2 : 2 + body], 2), "H")
    count = len(both) // 2
    sizes = both[count:]
    head = array("H", bytes(4 * count))
    head[::2] = array("H", accumulate(both[:count]))
    head[1::2] = sizes
    offsets = array("I", accumulate(map(_LENGTHS.__getitem__, sizes[:-1]), initial=8 + 8 * count))
    containers = data[2 + body :]
    if size & _SQUEEZED:
        containers = unsqueezed(containers, 2)
    return BitMap.deserialize(b"".join((struct.pack("<II", _COOKIE, count), packed(head), packed(offsets), containers)))
