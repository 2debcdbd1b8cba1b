"""Keys as tuples: packing that keeps the tuples' order, within 511 bytes.

A shape names the parts: `u8 u32 u64` (unsigned, big-endian), `id` (12 bytes), `sha` (32 bytes), `text` and `bytes`
(of any length). Runs of fixed parts are packed with one struct. A text part of 120 bytes or more becomes its first 88
bytes and its SHA-256, 120 in all; equality stays exact, order is kept among the first 88 bytes.
"""

import hashlib
import struct
from typing import Any

__all__ = ["Shape", "after_prefix"]

_FIXED = {"u8": "B", "u32": "I", "u64": "Q", "id": "12s", "sha": "32s"}
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

    __slots__ = ("_all", "_prefixes", "_sized", "kinds", "prefix")

    def __init__(self, prefix: bytes, *kinds: str) -> None:
        for kind in kinds:
            if kind not in _FIXED and kind not in ("text", "bytes"):
                raise ValueError(f"no such kind of key part: {kind}")
        self.prefix = prefix
        self.kinds = kinds
        fixed = all(kind in _FIXED for kind in kinds)
        self._prefixes = [
            struct.Struct(">" + "".join(_FIXED[k] for k in kinds[:n])) if fixed else None for n in range(len(kinds) + 1)
        ]
        self._all = self._prefixes[-1]
        self._sized = [(at, _SIZES[kind]) for at, kind in enumerate(kinds) if kind in _SIZES]

    def pack(self, *parts: Any) -> bytes:
        """The key of `parts`; with fewer parts than the shape has, the prefix that all such keys share.

        ValueError for a part that does not fit its kind, or for too many.
        """
        try:
            if self._sized:
                self._check_sizes(parts)
            if self._all is not None:
                return self.prefix + self._prefixes[len(parts)].pack(*parts)  # type: ignore[union-attr]  # all or none
            return self._pack(parts)
        except (struct.error, IndexError) as error:
            raise ValueError(f"not a key of ({', '.join(self.kinds)}): {parts!r}") from error

    def _check_sizes(self, parts: tuple[Any, ...]) -> None:
        for at, size in self._sized:
            # struct would fill up or cut off, and give another object's key
            if at < len(parts) and len(parts[at]) != size:
                raise ValueError(f"part {at} has {size} bytes, not {len(parts[at])}")

    def _pack(self, parts: tuple[Any, ...]) -> bytes:
        if len(parts) > len(self.kinds):
            raise IndexError
        out = [self.prefix]
        for kind, part in zip(self.kinds, parts, strict=False):
            out.append(struct.pack(">" + _FIXED[kind], part) if kind in _FIXED else _pack_text(part))
        return b"".join(out)

    def unpack(self, key: bytes) -> tuple[Any, ...]:
        """The parts of a key. A text part that was too long comes back shortened: its record knows the whole."""
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
