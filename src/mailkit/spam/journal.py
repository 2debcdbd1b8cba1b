"""One change of a model as bytes: what is written when a message is learnt or forgotten.

Readers apply the entries since their checkpoint in order. An entry holds the features, so applying it needs no message.
"""

from collections.abc import Iterable
from enum import IntEnum
from itertools import groupby
from struct import Struct
from typing import Final

from attrs import frozen

from mailkit.errors import Corrupt
from mailkit.spam.features import Features
from mailkit.spam.model import Model

__all__ = ["Change", "Entry", "apply", "decode_entry", "encode_entry"]

_HEAD: Final = Struct("<B12s")
_GROUP: Final = 256


class Change(IntEnum):
    """What happened to a message."""

    LEARN_HAM = 0
    LEARN_SPAM = 1
    FORGET_HAM = 2
    FORGET_SPAM = 3


@frozen(eq=False)
class Entry:
    """A message learnt or forgotten: its key and features."""

    change: Change
    key: bytes
    features: Features


def encode_entry(entry: Entry) -> bytes:
    """The stored form: 13 bytes and 6 for each feature."""
    return _HEAD.pack(entry.change, entry.key) + entry.features.pack()


def decode_entry(data: bytes) -> Entry:
    """Raises Corrupt when the bytes are none."""
    if len(data) < _HEAD.size or (len(data) - _HEAD.size) % 6 or data[0] > Change.FORGET_SPAM:
        raise Corrupt("spam.model_corrupt", "An entry of a spam model's changes cannot be read")
    change, key = _HEAD.unpack_from(data)
    return Entry(Change(change), key, Features.unpack(data[_HEAD.size :]))


def apply(model: Model, entries: Iterable[Entry]) -> None:
    """Does to the model what the entries say, in their order."""
    for learns, group in groupby(entries, lambda entry: entry.change <= Change.LEARN_SPAM):
        if learns:
            run = [(entry.key, entry.features, entry.change is Change.LEARN_SPAM) for entry in group]
            for start in range(0, len(run), _GROUP):
                model.learn_many(run[start : start + _GROUP])
        else:
            for entry in group:
                model.forget(entry.key, entry.features, entry.change is Change.FORGET_SPAM)
