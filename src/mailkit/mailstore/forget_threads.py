"""Threads that got no message for long are forgotten (WildDuck 3.6): what `threads` keeps of them goes.

Walks all accounts, a few thousand entries at a time, and goes on where it was when it is cut off.
"""

from typing import Final

from mailkit.jobs import Later, Step
from mailkit.mailstore.threads import outdated
from mailkit.storage import keyspace
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.keyspace import account_range

__all__ = ["FORGET_THREADS", "forget_threads"]

FORGET_THREADS: Final = "mail.forget_threads"

_STEP = 2_000
_FIRST, _END = account_range(0)[0], account_range((1 << 32) - 1)[1]


def forget_threads(step: Step) -> Later | None:
    """The handler of the job."""
    at: bytes = step.progress.get("at", _FIRST)
    while True:
        with step.store.snapshot() as view:
            keys, after = _some(view, at)
        if after is None:
            step.transact(lambda tx: step.save(tx, {}))
            return None

        def one(tx: Tx, keys: list[bytes] = keys, after: bytes = after) -> None:
            for key in keys:
                value = tx.get(key)
                if value is not None and outdated(value, step.now()):
                    tx.delete(key)
            step.save(tx, {"at": after})

        step.transact(one)
        at = after
        if step.stopping:
            return Later(step.now())


def _some(tx: ReadTx, at: bytes) -> tuple[list[bytes], bytes | None]:
    """Entries of the next account that has any from `at` on, and where to go on; None: that was all."""
    first = next((key for key, _ in tx.scan(at, _END, limit=1)), None)
    if first is None:
        return [], None
    account = int.from_bytes(first[1:5], "big")
    start, stop = keyspace.THREAD_TOKEN.range(account)
    keys = [key for key, _ in tx.scan(max(at, start), stop, limit=_STEP)]
    return keys, keys[-1] + b"\x00" if len(keys) == _STEP else account_range(account)[1]
