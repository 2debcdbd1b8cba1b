"""Object ids: 12 bytes, 4 of creation time (seconds, big-endian), 5 random per process, 3 of a counter.

The hex form (24 digits) is what WildDuck clients know, and byte order is creation order to the second.
The random part is drawn again after a fork, so a parent and its child never mint the same id.
"""

import itertools
import os
import secrets
import struct
import time

__all__ = ["Id", "IdSource", "new_id"]


_new = bytes.__new__
_pack = struct.Struct(">IQ").pack


class Id(bytes):
    """A 12-byte object id. `str(id)` is its 24-digit lower-case hex form."""

    __slots__ = ()

    def __new__(cls, value: bytes) -> "Id":
        if len(value) != 12:
            raise ValueError(f"an id has 12 bytes, not {len(value)}")
        return _new(cls, value)

    @classmethod
    def parse(cls, text: str) -> "Id":
        """From 24 hex digits in either case; ValueError otherwise."""
        if len(text) != 24:
            raise ValueError("an id has 24 hexadecimal digits")
        return cls(bytes.fromhex(text))

    @property
    def created(self) -> int:
        """Creation time in UTC milliseconds, exact to the second."""
        return int.from_bytes(self[:4], "big") * 1000

    def __str__(self) -> str:
        return self.hex()

    def __repr__(self) -> str:
        return f"Id({self.hex()})"


class IdSource:
    """Mints ids; one per process serves all threads."""

    def __init__(self) -> None:
        self._draw()

    def _draw(self) -> None:
        self._random = secrets.randbits(40) << 24
        self._counter = itertools.count(secrets.randbelow(1 << 24))  # its `next` is one step to other threads

    def __call__(self, now: int | None = None) -> Id:
        """A new id, stamped with `now` (UTC milliseconds) or the system's time."""
        seconds = int(time.time()) if now is None else now // 1000
        return _new(Id, _pack(seconds & 0xFFFFFFFF, self._random | next(self._counter) & 0xFFFFFF))


new_id = IdSource()
os.register_at_fork(after_in_child=new_id._draw)
