"""What is kept of a request that was done."""

from collections.abc import Iterator

from msgspec import field

from mailkit.storage import keyspace
from mailkit.storage.codec import Codec, Record
from mailkit.storage.tables import Counter, Index, Table

__all__ = ["BY_CALLER", "BY_TIME", "COUNT", "KEPT", "Kept"]


class Kept(Record, frozen=True, kw_only=True):
    """A request that was done, under its caller and the name that the caller gave it (SHA-256 of either)."""

    caller: bytes = field(name="c")
    name: bytes = field(name="n")
    fingerprint: bytes = field(name="f")  # SHA-256 of what was asked
    answer: bytes | None = field(name="a", default=None)  # None: it held a secret
    at: int = field(name="t")  # ms


def _by_time(row: Kept) -> Iterator[tuple[int, bytes, bytes]]:
    yield row.at, row.caller, row.name


def _by_caller(row: Kept) -> Iterator[tuple[bytes, int, bytes]]:
    yield row.caller, row.at, row.name


BY_TIME = Index(keyspace.IDEMPOTENCY_TIME, _by_time)
BY_CALLER = Index(keyspace.IDEMPOTENCY_CALLER, _by_caller)
KEPT = Table[Kept](keyspace.IDEMPOTENCY, Codec(Kept), indexes=(BY_TIME, BY_CALLER))
COUNT = Counter(keyspace.IDEMPOTENCY_COUNT)
