"""One change of a model as bytes: what is appended to the journal when a message is learnt or forgotten.

Readers apply the entries behind their checkpoint in order. An entry holds the ids, so applying it needs no message.
"""

from enum import IntEnum
from struct import Struct
from typing import Final

from attrs import frozen

from mailkit.errors import Corrupt
from mailkit.spam.features import Ids, pack_ids, unpack_ids
from mailkit.spam.model import Model

__all__ = ["Change", "Entry", "apply", "decode_entry", "encode_entry"]

_HEAD: Final = Struct("<BQ12s")


class Change(IntEnum):
    """What happened to a message."""

    LEARN_HAM = 0
    LEARN_SPAM = 1
    FORGET_HAM = 2
    FORGET_SPAM = 3


@frozen(eq=False)
class Entry:
    """`generation` is that of the checkpoint the entry was written on top of, or an older one."""

    change: Change
    generation: int
    key: bytes
    ids: Ids


def encode_entry(entry: Entry) -> bytes:
    """The stored form: 21 bytes and 4 for each feature."""
    return _HEAD.pack(entry.change, entry.generation, entry.key) + pack_ids(entry.ids)


def decode_entry(data: bytes) -> Entry:
    """Raises Corrupt when the bytes are none."""
    if len(data) < _HEAD.size or (len(data) - _HEAD.size) % 4 or data[0] > Change.FORGET_SPAM:
        raise Corrupt("spam.journal_corrupt", "An entry of a spam model's journal cannot be read")
    change, generation, key = _HEAD.unpack_from(data)
    return Entry(Change(change), generation, key, unpack_ids(data[_HEAD.size :]))


def apply(model: Model, entry: Entry) -> None:
    """Does to the model what the entry says."""
    spam = entry.change in (Change.LEARN_SPAM, Change.FORGET_SPAM)
    if entry.change in (Change.LEARN_HAM, Change.LEARN_SPAM):
        model.learn(entry.key, entry.ids, spam)
    else:
        model.forget(entry.key, entry.ids, spam)
