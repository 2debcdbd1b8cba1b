"""Keys as tuples: packing that keeps the tuples' order, within 511 bytes.

A shape names the parts: `u8 u32 u64` (unsigned, big-endian), `id` (12 bytes), `sha` (32 bytes), `text` and `bytes`
(of any length). Runs of fixed parts are packed with one struct. A text part of 120 bytes or more becomes its first 88
bytes and its SHA-256, 120 in all; equality stays exact, order is kept among the first 88 bytes.
"""

import hashlib
import struct
from collections.abc import Callable
from typing import Any

__all__ = ["Shape", "after_prefix"]

_FIXED = {"u8": "B", "u32": "I", "u64": "Q", "id": "12s", "sha": "32s"}
_PACKERS = {kind: struct.Struct(">" + code).pack for kind, code in _FIXED.items()}
_SIZES = {"id": 12, "sha": 32}
_LONGEST = 119  # one less than a shortened part has: no text can pass for another's shortened form
_KEPT = 88
_END = b"\x00\x01"  # below any continuation, so "a" sorts before "ab"; a zero byte inside is escaped as 00 FF


def after_prefix(prefix: bytes) -> bytes:
    """The lowest key above every key that starts with `prefix`."""
    head = prefix.rstrip(b"\xff")
    if not head:
        return b"\xff" * 512  # nothing legal is above: keys have at most 511 bytes
    return head[:-1] + bytes((head[-1] + 1,))


def _pack_text(value: str | bytes) -> bytes:
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    if len(raw) > _LONGEST:
        raw = raw[:_KEPT] + hashlib.sha256(raw).digest()
    if b"\x00" in raw:
        raw = raw.replace(b"\x00", b"\x00\xff")
    return raw + _END


class Shape:
    """The parts of one kind of key, behind a fixed prefix."""

    __slots__ = ("_all", "_lead", "_packers", "_sized", "kinds", "prefix")

    def __init__(self, prefix: bytes, *kinds: str) -> None:
        for kind in kinds:
            if kind not in _FIXED and kind not in ("text", "bytes"):
                raise ValueError(f"no such kind of key part: {kind}")
        self.prefix = prefix
        self.kinds = kinds
        # packing a key is on every path: what can be known of it is found out here
        codes = [_FIXED[kind] for kind in kinds if kind in _FIXED]
        self._all = struct.Struct(">" + "".join(codes)) if len(codes) == len(kinds) else None
        self._lead = next((at for at, kind in enumerate(kinds) if kind not in _FIXED), len(kinds))
        head = f">{len(prefix)}s"
        self._packers: list[Callable[..., bytes]] = [
            struct.Struct(head + "".join(codes[:count])).pack for count in range(self._lead + 1)
        ]
        self._packers += [self._pack] * (len(kinds) - self._lead)
        self._sized = tuple((at, _SIZES[kind]) for at, kind in enumerate(kinds) if kind in _SIZES)

    def pack(self, *parts: Any) -> bytes:
        """The key of `parts`; with fewer parts than the shape has, the prefix that all such keys share.

        ValueError for a part that does not fit its kind, or for too many.
        """
        count = len(parts)
        for at, size in self._sized:
            # struct would fill up or cut off, and give another object's key
            if at < count and len(parts[at]) != size:
                raise ValueError(f"part {at} has {size} bytes, not {len(parts[at])}")
        try:
            return self._packers[count](self.prefix, *parts)
        except (struct.error, IndexError) as error:
            raise ValueError(f"not a key of ({', '.join(self.kinds)}): {parts!r}") from error

    def _pack(self, prefix: bytes, *parts: Any) -> bytes:
        lead = self._lead
        packed = self._packers[lead](prefix, *parts[:lead])
        for kind, part in zip(self.kinds[lead:], parts[lead:], strict=False):
            packer = _PACKERS.get(kind)
            packed += _pack_text(part) if packer is None else packer(part)
        return packed

    def unpack(self, key: bytes) -> tuple[Any, ...]:
        """The parts of a key; what lies behind them is left out.

        A text part that was too long comes back shortened: its record knows the whole.
        """
        at = len(self.prefix)
        if self._all is not None:
            return self._all.unpack_from(key, at)
        parts: list[Any] = []
        for kind in self.kinds:
            if kind in _FIXED:
                packer = struct.Struct(">" + _FIXED[kind])
                parts.append(packer.unpack_from(key, at)[0])
                at += packer.size
            else:
                end = at
                while key[end : end + 2] != _END:
                    end = key.index(b"\x00", end)
                    if key[end + 1] == 0xFF:
                        end += 2
                raw = key[at:end].replace(b"\x00\xff", b"\x00")
                parts.append(raw.decode("utf-8", "replace") if kind == "text" else raw)
                at = end + 2
        return tuple(parts)

    def range(self, *parts: Any) -> tuple[bytes, bytes]:
        """Start and stop of the keys that begin with `parts`."""
        start = self.pack(*parts)
        return start, after_prefix(start)
