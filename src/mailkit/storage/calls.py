"""How a service method gets its transaction: the caller's, or one of its own.

    @reads
    def get(self, number: int, *, tx: ReadTx = OWN) -> Principal: ...

Called without `tx`, the method runs in a snapshot (`reads`) or in `store.transact` (`writes`, so it may run again);
called with one, it is part of that transaction. The service keeps its store in `self.store`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from mailkit.errors import Conflict
from mailkit.storage.api import Store

__all__ = ["OWN", "HasStore", "reads", "settled", "writes"]

OWN: Final[Any] = None
"""Stands for "a transaction of its own" as the default of `tx`."""

_ATTEMPTS = 20


class HasStore(Protocol):
    """A service."""

    @property
    def store(self) -> Store: ...


S = TypeVar("S", bound=HasStore)
P = ParamSpec("P")
T = TypeVar("T")


def settled(run: Callable[[], T]) -> T:
    """What `run`, which only reads, returns; it runs again when a snapshot of its own fitted no order of the
    transactions, as some stores say, rarely."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return run()
        except Conflict as conflict:
            if conflict.code != "store.conflict":
                raise
    return run()


def reads(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """For methods that only read and return a finished value (not an iterator)."""

    @wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs.get("tx") is not None:
            return method(self, *args, **kwargs)

        def run() -> T:
            with self.store.snapshot() as tx:
                kwargs["tx"] = tx
                return method(self, *args, **kwargs)

        return settled(run)

    return call


def writes(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """For methods that write; what is slow was done before they are called."""

    @wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs.get("tx") is not None:
            return method(self, *args, **kwargs)
        rest: Any = {name: value for name, value in kwargs.items() if name != "tx"}
        run: Any = method
        result: T = self.store.transact(lambda tx: run(self, *args, **rest, tx=tx))
        return result

    return call
