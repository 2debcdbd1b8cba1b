"""What threads and processes race for. Written as domain code is: with tables, unique indexes and counters."""

from collections.abc import Callable

from mailkit.errors import AlreadyExists
from mailkit.storage.api import Store, Tx
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keys import Shape
from mailkit.storage.keyspace import Space
from mailkit.storage.tables import Counter, Table, Unique

__all__ = ["QUEUE", "append_in_order", "claim_names", "spend_quota"]


class _Claim(Record, frozen=True):
    name: str
    owner: int


# not declared in the keyspace: these live in test stores only
_CLAIMS = Table(
    Space("claims", "contract", Shape(b"\x7d", "u32", "u32")),
    Codec(_Claim),
    indexes=[Unique(Space("names", "contract", Shape(b"\x7e", "text")), lambda row: [(row.name,)], code="name.taken")],
)
_COUNTS = Counter(Space("counts", "contract", Shape(b"\x7f", "text")))

QUEUE = b"contract"
"""The append space of `append_in_order`."""


def claim_names(store: Store, racer: int, names: int) -> list[int]:
    """Tries to be the first on every name; returns those it got."""
    won = []
    for number in range(names):
        try:
            store.transact(_claim(f"name-{number}", racer, number))
            won.append(number)
        except AlreadyExists:
            continue
    return won


def _claim(name: str, racer: int, number: int) -> Callable[[Tx], None]:
    return lambda tx: _CLAIMS.put(tx, _Claim(name=name, owner=racer), racer, number)


def spend_quota(store: Store, racer: int, limit: int) -> list[int]:
    """Takes pieces of several sizes off one allowance until not even a byte is left; returns the pieces."""
    taken = []
    size = 50 + racer

    def take(tx: Tx) -> bool:
        if _COUNTS.get(tx, "used") + size > limit:
            return False
        _COUNTS.add(tx, size, "used")
        return True

    while size:
        if store.transact(take):
            taken.append(size)
        else:
            size //= 2
    return taken


def append_in_order(store: Store, racer: int, rounds: int) -> list[int]:
    """Appends the numbers of a shared counter, each in the transaction that counted it."""

    def append(tx: Tx) -> int:
        number = _COUNTS.add(tx, 1, "order")
        tx.append(QUEUE, b"%d %d" % (number, racer))
        return number

    return [store.transact(append) for _ in range(rounds)]
