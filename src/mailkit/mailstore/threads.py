"""Which thread a message joins, in the transaction that stores it (WildDuck 3.6).

A message joins a thread of its account when they share a reference and the same normalised subject; the thread then
learns the message's other references. Kept per reference: a hash of it and the subject -> thread and time last used.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from mailkit.ids import Id, new_id
from mailkit.storage import keyspace
from mailkit.storage.api import Tx

__all__ = ["MEMORY", "join", "outdated"]

MEMORY = 180 * 86_400_000
"""How long a thread is remembered after its last message, in ms."""

_REFRESH = MEMORY // 18
"""An entry's time is written again only after this long: most answers come within days."""


def _key(account: int, token: str, subject: str) -> bytes:
    return keyspace.THREAD_TOKEN.key(account, _digest(token, subject))


@lru_cache(maxsize=256)
def _digest(token: str, subject: str) -> bytes:
    """Remembered for the other recipients of a message."""
    return hashlib.blake2b(f"{token}\0{subject}".encode("utf-8", "replace"), digest_size=12).digest()


def outdated(value: bytes, now: int) -> bool:
    """True when what is kept of a reference is of a thread that got no message for `MEMORY`."""
    return now - int.from_bytes(value[12:], "big") >= MEMORY


def join(account: int, tokens: Iterable[str], subject: str, *, now: int, tx: Tx) -> Id:
    """The thread for a message with these references, a new one if none is known; teaches it the unknown ones."""
    keys = [_key(account, token, subject) for token in tokens]
    found = [tx.get(key) for key in keys]
    known = [value for value in found if value is not None and not outdated(value, now)]
    thread = Id(known[0][:12]) if known else new_id(now)
    for key, value in zip(keys, found, strict=True):
        if value is None or value[:12] != thread or now - int.from_bytes(value[12:], "big") > _REFRESH:
            tx.put(key, thread + now.to_bytes(6, "big"))
    return thread
