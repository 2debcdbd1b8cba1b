"""A store that runs every function twice, as a store may that has to begin again."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, TypeVar

from mailkit.storage.api import ReadTx, Store, Tx

__all__ = ["Twice"]

T = TypeVar("T")


class _Abandoned(Exception):
    """Ends the first attempt."""


class Twice:
    """Wraps a store. Each function first runs in a transaction that is then abandoned, results and errors forgotten.

    Put it between a service and its store to see whether the service's functions touch anything but their `tx`.
    Everything else is the wrapped store's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def reads_block(self) -> bool:
        return self._store.reads_block

    def transact(self, fn: Callable[[Tx], T]) -> T:
        self._attempt(fn)
        return self._store.transact(fn)

    async def atransact(self, fn: Callable[[Tx], T]) -> T:
        await asyncio.to_thread(self._attempt, fn)
        return await self._store.atransact(fn)

    def transaction(self) -> AbstractContextManager[Tx]:
        return self._store.transaction()

    def snapshot(self) -> AbstractContextManager[ReadTx]:
        return self._store.snapshot()

    def close(self) -> None:
        self._store.close()

    def _attempt(self, fn: Callable[[Tx], Any]) -> None:
        # a failure comes again in the attempt that counts, or this one saw an older state
        with suppress(Exception), self._store.transaction() as tx:
            fn(tx)
            raise _Abandoned
