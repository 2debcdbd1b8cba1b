"""Long walks: a snapshot lives for a second at most, so a walk reopens and continues behind the last key."""

from collections.abc import Iterator

from mailkit.storage.api import Store

__all__ = ["walk"]


def walk(store: Store, start: bytes, stop: bytes, *, step: int = 1000) -> Iterator[tuple[bytes, bytes]]:
    """Every pair with start <= key < stop, in order, in snapshots of `step` pairs.

    Not one state of the store: what is written meanwhile ahead of the walk is seen, what lies behind it is not.
    """
    while True:
        with store.snapshot() as tx:
            pairs = list(tx.scan(start, stop, limit=step))
        yield from pairs
        if len(pairs) < step:
            return
        start = pairs[-1][0] + b"\x00"
