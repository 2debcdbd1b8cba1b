"""Keys as tuples: packing that keeps the tuples' order, within 511 bytes.

A shape names the parts: `u8 u32 u64` (unsigned, big-endian), `id` (12 bytes), `sha` (32 bytes), `text` and `bytes`
(of any length). Runs of fixed parts are packed with one struct. A text part of 120 bytes or more becomes its first 88
bytes and its SHA-256, 120 in all; equality stays exact, order is kept among the first 88 bytes.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
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
    if 0 in raw:
        raw = raw.replace(b"\x00", b"\x00\xff")
    return raw + _END


def _packer(prefix: bytes, kinds: Sequence[str], mark: bytes) -> Callable[..., bytes]:
    """What packs exactly these parts: a function written for them, as attrs writes an `__init__`, for speed.

    For (u32, text, id) it is

        def pack(p0, p1, p2):
            if len(p2) != 12: refuse(2, 12, p2)
            return run0(prefix, p0) + text(p1) + run2(p2)
    """
    places = [("prefix", f"{len(prefix)}s"), *((f"p{at}", _FIXED.get(kind, "")) for at, kind in enumerate(kinds))]
    if mark:
        places.insert(2, ("mark", f"{len(mark)}s"))
    known: dict[str, Any] = {"text": _pack_text, "refuse": _refuse, "prefix": prefix, "mark": mark}
    terms: list[str] = []
    for at, (fixed, run) in enumerate(groupby(places, key=lambda place: place[1] != "")):
        names, codes = zip(*run, strict=True)
        if fixed:
            known[f"run{at}"] = struct.Struct(f">{''.join(codes)}").pack
            terms.append(f"run{at}({', '.join(names)})")
        else:
            terms += [f"text({name})" for name in names]
    sizes = [(at, _SIZES[kind]) for at, kind in enumerate(kinds) if kind in _SIZES]
    checks = [f"    if len(p{at}) != {size}: refuse({at}, {size}, p{at})" for at, size in sizes]
    parts = ", ".join(f"p{at}" for at in range(len(kinds)))
    exec("\n".join([f"def pack({parts}):", *checks, f"    return {' + '.join(terms)}"]), known)  # noqa: S102 - of our own words only
    made: Callable[..., bytes] = known["pack"]
    return made


def _refuse(at: int, size: int, part: bytes) -> None:
    # struct would fill up or cut off, and give another object's key
    raise ValueError(f"part {at} has {size} bytes, not {len(part)}")


def _refuse_none() -> bytes:
    # the prefix alone is that of other shapes, too: a range of it would be more than was meant
    raise ValueError("a key with a mark needs its first part")


class Shape:
    """The parts of one kind of key, behind a fixed prefix.

    A `mark` is further bytes that all of them have, behind the first part, which then has a fixed length.
    """

    __slots__ = ("_all", "_mark", "_packers", "_runs", "kinds", "prefix")

    def __init__(self, prefix: bytes, *kinds: str, mark: bytes = b"") -> None:
        for kind in kinds:
            if kind not in _FIXED and kind not in ("text", "bytes"):
                raise ValueError(f"no such kind of key part: {kind}")
        if mark and kinds[:1] not in [(kind,) for kind in _FIXED]:
            raise ValueError("a mark stands behind a part of fixed length")
        self.prefix = prefix
        self.kinds = kinds
        self._mark = mark
        self._packers: list[Callable[..., bytes]] = [partial(self._first, count) for count in range(len(kinds) + 1)]
        if mark:
            self._packers[0] = _refuse_none
        self._runs = runs = _runs(kinds, mark)
        self._all = runs[0] if len(runs) == 1 and isinstance(runs[0], struct.Struct) else None

    def pack(self, *parts: Any) -> bytes:
        """The key of `parts`; with fewer parts than the shape has, the prefix that all such keys share.

        ValueError for a part that does not fit its kind, or for too many.
        """
        try:
            return self._packers[len(parts)](*parts)
        except (struct.error, IndexError) as error:
            raise ValueError(f"not a key of ({', '.join(self.kinds)}): {parts!r}") from error

    def _first(self, count: int, *parts: Any) -> bytes:
        """The first key with so many parts: most shapes are never asked for some, and an import is to be quick."""
        self._packers[count] = packer = _packer(self.prefix, self.kinds[:count], self._mark)
        return packer(*parts)

    def unpack(self, key: bytes) -> tuple[Any, ...]:
        """The parts of a key; what lies behind them is left out.

        A text part that was too long comes back shortened: its record knows the whole.
        """
        at = len(self.prefix)
        if self._all is not None:
            return self._all.unpack_from(key, at)
        parts: tuple[Any, ...] = ()
        for run in self._runs:
            if isinstance(run, struct.Struct):
                parts += run.unpack_from(key, at)
                at += run.size
            else:
                end = key.index(_END, at)  # no zero byte of the text is followed by 01
                raw = key[at:end].replace(b"\x00\xff", b"\x00")
                parts += (raw.decode("utf-8", "replace") if run == "text" else raw,)
                at = end + 2
        return parts

    def range(self, *parts: Any) -> tuple[bytes, bytes]:
        """Start and stop of the keys that begin with `parts`."""
        start = self.pack(*parts)
        return start, after_prefix(start)


def _runs(kinds: tuple[str, ...], mark: bytes) -> list[struct.Struct | str]:
    """What unpacks each run of fixed parts, and the kinds of the texts between them."""
    runs: list[struct.Struct | str] = []
    for fixed, run in groupby(kinds, key=_FIXED.__contains__):
        if fixed:
            first, *rest = (_FIXED[kind] for kind in run)
            gap = "" if runs else f"{len(mark)}x"
            runs.append(struct.Struct(f">{first}{gap}{''.join(rest)}"))
        else:
            runs += run
    return runs
