"""What is kept of a spam model besides its checkpoint and its changes."""

from struct import Struct
from typing import Final

from attrs import frozen
from msgspec import field

from mailkit.errors import Corrupt
from mailkit.storage.codec import Codec, Record
from mailkit.storage.keyspace import SPAM_STATE
from mailkit.storage.tables import Table

__all__ = ["STATES", "Learnt", "State"]


class State(Record, frozen=True, kw_only=True):
    """Where a model stands. Its changes have the numbers `first` to `next - 1`; those before are in the checkpoint."""

    generation: int = field(name="g", default=0)  # raised with every checkpoint
    chunks: int = field(name="c", default=0)
    first: int = field(name="f", default=0)
    next: int = field(name="n", default=0)
    spam: int = field(name="s", default=0)  # learnt messages
    ham: int = field(name="h", default=0)
    tokens: int = field(name="t")  # version of the tokeniser it was learnt with; no default: it must be stored
    changed: int = field(name="m", default=0)  # ms


STATES: Final[Table[State]] = Table(SPAM_STATE, Codec(State))

_LEARNT: Final = Struct("<BQ")


@frozen
class Learnt:
    """That a message was learnt, under which number, as what, and whether its sender counted as forged."""

    spam: bool
    forged: bool
    number: int

    def encode(self) -> bytes:
        """9 bytes: there is one for every learnt message."""
        return _LEARNT.pack(self.spam | self.forged << 1, self.number)

    @classmethod
    def decode(cls, data: bytes) -> "Learnt":
        """Raises Corrupt when the bytes are none."""
        if len(data) != _LEARNT.size:
            raise Corrupt("spam.model_corrupt", "The mark of a learnt message cannot be read")
        kind, number = _LEARNT.unpack(data)
        return cls(bool(kind & 1), bool(kind & 2), number)
