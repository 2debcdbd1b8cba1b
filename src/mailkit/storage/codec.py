"""Records to bytes: a version byte, then a msgpack map with short fixed field names.

A record class is a frozen `msgspec.Struct` with `name=` for each field, so that the Python name can change and the
stored one does not. Old versions are lifted by pure functions on the decoded map, one per step; a record of a newer
version than this code knows raises Unavailable, since writing it back would lose what the newer code put there.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from mailkit.errors import Corrupt, Unavailable
from mailkit.ids import Id

__all__ = ["Codec", "Record"]

T = TypeVar("T")
_new = bytes.__new__
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


_UNREADABLE = (msgspec.DecodeError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What reading bytes that are no record ends in; some of it comes from upgrades that miss the fields they expect."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every stored record derives from."""


def _encode_id(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes(value)
    raise TypeError(f"cannot store a {type(value).__name__}")


def _decode_id(kind: type, value: Any) -> Any:
    if kind is Id:
        # most of what reading a small record takes: made here, without a call of `Id`
        return _new(Id, value) if len(value) == 12 else Id(value)
    raise TypeError(f"cannot restore a {kind.__name__}")


class Codec(Generic[T]):
    """Encodes records of one class. `upgrades[n]` lifts the decoded map of version n to n + 1.

    With `remember`, up to that many records are kept by their bytes: for what is read again and again and seldom
    changes. Nobody may change a dictionary in such a record.
    """

    def __init__(
        self, kind: type[T], *, version: int = 1, upgrades: Mapping[int, Upgrade] | None = None, remember: int = 0
    ) -> None:
        if sorted(upgrades or {}) != list(range(1, version)):
            raise ValueError(f"{kind.__name__}: version {version} needs one upgrade from each version below it")
        self.kind = kind
        self.version = version
        self._upgrades = dict(upgrades or {})
        self._byte = bytes((version,))
        self._encode = msgspec.msgpack.Encoder(enc_hook=_encode_id).encode
        self._decode = msgspec.msgpack.Decoder(kind, dec_hook=_decode_id).decode
        self._remember = remember
        self._known: dict[bytes, T] = {}

    def encode(self, record: T) -> bytes:
        """The stored form."""
        return self._byte + self._encode(record)

    def decode(self, data: bytes) -> T:
        """The record, lifted to the current version; Corrupt when the bytes are none."""
        if not self._remember:
            return self._read(data)
        known = self._known.get(data)
        if known is None:
            known = self._read(data)
            if len(self._known) >= self._remember:
                self._known = {}
            self._known[data] = known
        return known

    def _read(self, data: bytes) -> T:
        try:
            if data[0] == self.version:
                return self._decode(data[1:])
            return self._lift(data)
        except _UNREADABLE as error:
            raise Corrupt("record.corrupt", f"A stored {self.kind.__name__} cannot be read: {error}") from error

    def _lift(self, data: bytes) -> T:
        version = data[0]
        if version > self.version:
            raise Unavailable(
                "record.newer",
                f"A stored {self.kind.__name__} has version {version}, newer than {self.version}: upgrade mailkit",
            )
        fields = msgspec.msgpack.decode(data[1:])
        while version < self.version:
            fields = self._upgrades[version](fields)
            version += 1
        return self._decode(self._encode(fields))
