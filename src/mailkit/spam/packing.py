"""Numbers to bytes and back: the low bytes of all, then the high bytes, then the few that need more than 16 bits.

Planes of like bytes are what compressors are good at: the gaps between sorted ids take 2 bytes each, counts a few bits.
Nothing but runs repeats, so the quickest level is as good as any; zlib's gives 3 % less in four times the time.
"""

from array import array
from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

import zstandard

from mailkit.errors import Corrupt
from mailkit.spam import arrays
from mailkit.spam.features import pack_ids, unpack_ids

__all__ = ["Reader", "pack_numbers"]

_HEAD: Final = Struct("<IIII")
_LARGE: Final = 0xFFFF
_MOST: Final = 1 << 26
"""Numbers in a column that are believed: 20 times what the largest model has."""


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Numbers from 0 to 2**32 - 1."""
    np = arrays.numpy()
    if np is not None:
        values = np.asarray(numbers, np.uint32)
        short = np.minimum(values, _LARGE).astype("<u2").view(np.uint8)
        low, high = short[::2].tobytes(), short[1::2].tobytes()
        large = pack_ids(values[values >= _LARGE])
    else:
        shorts = [min(number, _LARGE) for number in numbers]
        low, high = bytes(n & 255 for n in shorts), bytes(n >> 8 for n in shorts)
        large = pack_ids([number for number in numbers if number >= _LARGE])
    low, high = _compressed(low), _compressed(high)
    return _HEAD.pack(len(numbers), len(low), len(high), len(large)) + low + high + large


def _compressed(plane: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(plane)


def _plane(data: bytes, size: int) -> bytes:
    """The plane of `size` bytes; Corrupt when `data` is none, before memory is spent on what it says of itself."""
    try:
        if zstandard.frame_content_size(data) != size:
            raise Corrupt("spam.model_corrupt", "The spam model contradicts itself")
        return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Corrupt("spam.model_corrupt", f"The spam model cannot be read: {error}") from error


class Reader:
    """Reads what was written one after the other. Whatever doesn't fit together raises Corrupt."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        piece = self._data[self._at : self._at + size]
        if len(piece) != size or size < 0:
            raise Corrupt("spam.model_corrupt", "The spam model ends too early")
        self._at += size
        return piece

    def struct(self, shape: Struct) -> tuple[Any, ...]:
        """The next fixed fields."""
        return shape.unpack(self.take(shape.size))

    def numbers(self) -> Any:
        """What `pack_numbers` packed: a uint32 array, or a list without numpy."""
        count, *sizes = self.struct(_HEAD)
        if count > _MOST:
            raise Corrupt("spam.model_corrupt", "The spam model contradicts itself")
        low, high = (_plane(self.take(size), count) for size in sizes[:2])
        if sizes[2] % 4:
            raise Corrupt("spam.model_corrupt", "The spam model contradicts itself")
        large = unpack_ids(self.take(sizes[2]))
        np = arrays.numpy()
        values: Any
        if np is not None:
            values = np.frombuffer(low, np.uint8) + (np.frombuffer(high, np.uint8).astype(np.uint32) << np.uint32(8))
            at = (values == _LARGE).nonzero()[0]
            if len(at) != len(large):
                raise Corrupt("spam.model_corrupt", "The spam model contradicts itself")
            values[at] = large
            return values
        rest = iter(large)
        try:
            values = array("I", (a + (b << 8) for a, b in zip(low, high, strict=True)))
            for at, value in enumerate(values):
                if value == _LARGE:
                    values[at] = next(rest)
        except (ValueError, StopIteration) as error:
            raise Corrupt("spam.model_corrupt", "The spam model contradicts itself") from error
        if len(values) != count or next(rest, None) is not None:
            raise Corrupt("spam.model_corrupt", "The spam model contradicts itself")
        return values

    def end(self) -> None:
        """There must be nothing left."""
        if self._at != len(self._data):
            raise Corrupt("spam.model_corrupt", "The spam model is longer than it says")
