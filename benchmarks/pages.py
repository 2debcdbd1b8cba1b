"""Where a store's bytes are: the pages of LMDB by what lies on them.

    python -m benchmarks.pages DATA-FOLDER [--raw BYTES]

Reads a copy without free pages. For each kind of key: how many there are, the mean length of their keys and values, how
full the pages are that they lie on (a page that several kinds share is divided by their bytes), and what they take; per
raw byte where `--raw` says how many bytes of mail are stored. A value over about 2,030 bytes lies on whole pages of its
own ("overflow"). Branch pages are a line of their own.
"""

import argparse
import struct
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from attrs import define

from mailkit import MailKit
from mailkit.storage.api import Copies, Store
from mailkit.storage.keyspace import owner_of

PAGE = 4096
_HEADER = struct.Struct("<QHHHH")
_NODE = struct.Struct("<HHHH")
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4
_BIG = 1


@define
class Kind:
    """What keys of one kind take."""

    entries: int = 0
    keys: int = 0
    values: int = 0
    leaf: float = 0.0  # bytes of leaf pages
    leaf_used: int = 0
    overflow: int = 0  # bytes of overflow pages
    overflow_used: int = 0

    @property
    def total(self) -> float:
        return self.leaf + self.overflow


def copy_of(store: Store) -> bytes:
    """The store's file without its free pages."""
    assert isinstance(store, Copies)
    with tempfile.TemporaryDirectory() as folder:
        store.copy_to(Path(folder) / "copy")
        return (Path(folder) / "copy" / "data.mdb").read_bytes()


def _nodes(page: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Of a leaf page: key, length of the value, pages that it has of its own."""
    lower = _HEADER.unpack_from(page)[3]
    for (at,) in struct.iter_unpack("<H", page[16:lower]):
        low, high, flags, length = _NODE.unpack_from(page, at)
        size = low | high << 16
        key = page[at + 8 : at + 8 + length]
        yield key, size, -(-(size + 16) // PAGE) if flags & _BIG else 0


def _name(key: bytes) -> str:
    if key.startswith(b"\x07journal"):
        return "journal"
    found = owner_of(key)
    return found.name if found else repr(key[:8])


def kinds(data: bytes) -> tuple[dict[str, Kind], int]:
    """By name of the kind; and the number of branch pages."""
    found: defaultdict[str, Kind] = defaultdict(Kind)
    branches, number, last = 0, 2, len(data) // PAGE
    while number < last:
        page = data[number * PAGE : (number + 1) * PAGE]
        _, _, flags, lower, upper = _HEADER.unpack_from(page)
        if flags & _OVERFLOW:
            number += lower | upper << 16
            continue
        number += 1
        if flags & _BRANCH:
            branches += 1
            continue
        here: defaultdict[str, int] = defaultdict(int)
        for key, size, own in _nodes(page):
            name = _name(key)
            kind = found[name]
            room = 8 + len(key) + (8 if own else size)
            room += (room & 1) + 2
            here[name] += room
            kind.entries += 1
            kind.keys += len(key)
            kind.values += size
            kind.overflow += own * PAGE
            kind.overflow_used += size if own else 0
        whole = sum(here.values())
        for name, room in here.items():
            found[name].leaf += PAGE * room / whole
            found[name].leaf_used += room
    return dict(found), branches


def table(data: bytes, raw: int = 0) -> Iterator[str]:
    """The lines of the report."""
    found, branches = kinds(data)
    unit = raw or len(data)
    yield f"{'':58} {'number':>7} {'key':>4} {'value':>6} {'leaf':>7} {'full':>5} {'overfl':>7} {'full':>5} {'all':>6}"
    for name, kind in sorted(found.items(), key=lambda item: -item[1].total):
        if kind.total / unit < 0.0005:
            continue
        full = f"{kind.leaf_used / kind.leaf:5.2f}"
        over = f"{kind.overflow_used / kind.overflow:5.2f}" if kind.overflow else "     "
        mean = kind.keys / kind.entries, kind.values / kind.entries
        yield (
            f"{name[:58]:58} {kind.entries:7} {mean[0]:4.0f} {mean[1]:6.0f} {kind.leaf / unit:7.3f} {full} "
            f"{kind.overflow / unit:7.3f} {over} {kind.total / unit:6.3f}"
        )
    yield f"{'branch pages':58} {branches:7} {'':28} {'':13} {branches * PAGE / unit:6.3f}"
    yield f"{'all':58} {'':7} {'':28} {'':13} {len(data) / unit:6.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--raw", type=int, default=0)
    options = parser.parse_args()
    with MailKit.open(options.folder) as kit:
        print("\n".join(table(copy_of(kit.store), options.raw)))


if __name__ == "__main__":
    main()
