"""Little-endian numbers in bytes, as arrays. Pure."""

import sys
from array import array

__all__ = ["numbers", "packed"]

_LITTLE = sys.byteorder == "little"


def numbers(data: bytes, kind: str = "I") -> "array[int]":
    """As an array of u16 (kind "H"), u32 or i64 ("q")."""
    found: array[int] = array(kind)
    found.frombytes(data)
    if not _LITTLE:
        found.byteswap()
    return found


def packed(values: "array[int]") -> bytes:
    """The other way round."""
    if not _LITTLE:
        values = values[:]
        values.byteswap()
    return values.tobytes()
