"""Functions for `transact`, short to write: `store.transact(do(put(b"a", b"1"), append(b"s", b"a")))`."""

from collections.abc import Callable, Iterable

from mailkit.storage.api import Tx

__all__ = ["Change", "append", "appends", "delete", "deletes", "do", "put", "puts", "trim"]

Change = Callable[[Tx], None]


def do(*changes: Change) -> Change:
    """All of these, in one transaction."""

    def change(tx: Tx) -> None:
        for one in changes:
            one(tx)

    return change


def put(key: bytes, value: bytes) -> Change:
    return lambda tx: tx.put(key, value)


def puts(pairs: Iterable[tuple[bytes, bytes]]) -> Change:
    return do(*(put(key, value) for key, value in pairs))


def delete(key: bytes) -> Change:
    return lambda tx: tx.delete(key)


def deletes(keys: Iterable[bytes]) -> Change:
    return do(*map(delete, keys))


def append(space: bytes, value: bytes) -> Change:
    return lambda tx: tx.append(space, value)


def appends(space: bytes, values: Iterable[bytes]) -> Change:
    return do(*(append(space, value) for value in values))


def trim(space: bytes, through: int) -> Change:
    return lambda tx: tx.trim(space, through)
