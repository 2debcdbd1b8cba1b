"""A whole model as bytes: the form in which it is stored, exported and imported.

Features: gaps between sorted ids, spam counts, ham counts, epochs, each packed as a column. Examples: for each its key,
class and number, and its features as ranks among all features by how common they are; then the gaps between ranks
are small. A feature costs about 2 bytes, an example about 250 (800 when whole, with the stretches of the text).
"""

import re
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from struct import Struct
from typing import Any, Final
from zlib import crc32

from mailkit.errors import Corrupt, Unavailable
from mailkit.spam import arrays
from mailkit.spam.features import Features, singles
from mailkit.spam.model import Example, Model
from mailkit.spam.packing import Reader, pack_numbers
from mailkit.spam.table import Columns
from mailkit.spam.tokens import VERSION

__all__ = ["decode_model", "encode_model"]

_NUMBER: Final = b"3"
"""Of the form. Raised when bytes would be read otherwise; what tokens mean has a number of its own (`VERSION`)."""
_MAGIC: Final = b"mailkit spam " + _NUMBER + b"\n"
_FORM: Final = re.compile(rb"mailkit spam (\d)\n")
_CHECK: Final = Struct("<I")
_HEAD: Final = Struct("<HQQQI")
_KEY: Final = 12
_COUNTED_ZERO: Final = 0x8000


def encode_model(model: Model) -> bytes:
    """The model, settled, as bytes. The same learnt set gives the same bytes if it was learnt in the same order."""
    columns = model.table.columns()
    examples = [model.examples[key] for key in sorted(model.examples)]
    out = [_HEAD.pack(VERSION, model.spam, model.ham, model.number, len(examples))]
    out += [pack_numbers(_gaps(columns.ids)), *map(pack_numbers, (columns.spam, columns.ham, columns.epochs))]
    out += [example.key for example in examples]
    out.append(bytes((1 if e.spam else 0) | (0 if e.whole is None else 2) for e in examples))
    out.append(pack_numbers([example.number for example in examples]))
    out.append(pack_numbers([0 if e.counted is None else e.counted + _COUNTED_ZERO for e in examples]))
    out += map(pack_numbers, _Ranks(columns).gaps([_kept(example) for example in examples], model.table))
    data = b"".join(out)
    return _MAGIC + _CHECK.pack(crc32(data)) + data


def decode_model(data: bytes) -> Model:
    """The model that `encode_model` wrote.

    Raises Corrupt when the bytes are none, Unavailable when a newer mailkit wrote them, and Unavailable with code
    `spam.model_outdated` when they have an older form or come from an older tokeniser: then it has to be trained anew.
    """
    reader = Reader(data)
    found = _FORM.fullmatch(reader.take(len(_MAGIC)))
    if found is None:
        raise Corrupt("spam.model_corrupt", "This is not a spam model")
    if found[1] < _NUMBER:
        raise Unavailable("spam.model_outdated", "The spam model has an older form: purge it and train anew")
    if found[1] > _NUMBER:
        raise Unavailable("record.newer", "The spam model was written by a newer mailkit: upgrade")
    if reader.struct(_CHECK) != (crc32(data[len(_MAGIC) + _CHECK.size :]),):
        raise Corrupt("spam.model_corrupt", "The spam model is damaged")
    version, spam, ham, number, count = reader.struct(_HEAD)
    if version > VERSION:
        raise Unavailable("record.newer", "The spam model was written by a newer mailkit: upgrade")
    if version < VERSION:
        raise Unavailable(
            "spam.model_outdated", "The spam model was learnt with an older tokeniser: purge it and train anew"
        )
    ids = _sums(reader.numbers())
    columns = Columns(ids, reader.numbers(), reader.numbers(), reader.numbers())
    if not len(columns.ids) == len(columns.spam) == len(columns.ham) == len(columns.epochs):
        raise Corrupt("spam.model_corrupt", "The spam model contradicts itself")
    keys = [reader.take(_KEY) for _ in range(count)]
    kinds = reader.take(count)
    numbers, counted, sizes, gaps, where = (reader.numbers() for _ in range(5))
    reader.end()
    wrong = not len(numbers) == len(counted) == len(sizes) == count
    if wrong or not int(sum(map(int, sizes))) == len(gaps) == len(where):
        raise Corrupt("spam.model_corrupt", "The spam model contradicts itself")
    rank = _Ranks(columns)
    examples = []
    start = 0
    columns_of = zip(keys, kinds, map(int, numbers), map(int, counted), map(int, sizes), strict=True)
    for key, kind, order, score, size in columns_of:
        features = rank.features(_sums(gaps[start : start + size]), where[start : start + size])
        start += size
        alone = singles(features.ids)
        whole = features if kind & 2 else None
        examples.append(Example(key, bool(kind & 1), order, alone, whole, score - _COUNTED_ZERO if score else None))
    return Model.restore(spam, ham, number, columns, examples)


def _kept(example: Example) -> Features:
    """What is kept of an example; nothing is known of the places of one that was cut down."""
    if example.whole is not None:
        return example.whole
    np = arrays.numpy()
    count = len(example.singles)
    return Features(example.singles, [0] * count if np is None else np.zeros(count, np.uint16))


def _gaps(numbers: Any) -> Any:
    """Differences of ascending numbers; the first is itself."""
    np = arrays.numpy()
    if np is not None:
        return np.diff(np.asarray(numbers, np.uint32), prepend=np.uint32(0))
    return [b - a for a, b in pairwise([0, *numbers])]


def _sums(gaps: Any) -> Any:
    """The inverse of `_gaps`."""
    np = arrays.numpy()
    if np is not None:
        return np.cumsum(gaps, dtype=np.uint64).astype(np.uint32)
    return array("I", [total & 0xFFFFFFFF for total in accumulate(gaps)])


class _Ranks:
    """The place of each feature when the most common come first, ties by id."""

    def __init__(self, columns: Columns) -> None:
        np = self._np = arrays.numpy()
        self._ids = columns.ids
        if np is not None:
            total = np.asarray(columns.spam, np.int64) + np.asarray(columns.ham, np.int64)
            # Of two bytes numpy makes a radix sort, four times as fast. Few mailboxes have a word in 65,535 messages.
            falling = (0xFFFF - total).astype(np.uint16) if total.max(initial=0) <= 0xFFFF else -total
            self._order = np.argsort(falling, kind="stable")
            self._rank = np.empty(len(self._order), np.uint32)
            self._rank[self._order] = np.arange(len(self._order), dtype=np.uint32)
        else:
            totals = [a + b for a, b in zip(columns.spam, columns.ham, strict=True)]
            self._order = sorted(range(len(totals)), key=lambda at: -totals[at])
            self._places = {columns.ids[at]: place for place, at in enumerate(self._order)}

    def gaps(self, messages: Sequence[Features], table: Any) -> tuple[Any, Any, Any]:
        """For each message how many of its features are known (others have expired); message after message, the gaps
        between their ascending ranks; and where they stand, in the same order. `table` is the one the columns are of.
        """
        np = self._np
        if np is None:
            rows = [
                sorted(
                    (self._places[number], bits)
                    for number, bits in zip(one.ids, one.where, strict=True)
                    if number in self._places
                )
                for one in messages
            ]
            gaps = [gap for some in rows for gap in _gaps([rank for rank, _ in some])]
            return [len(some) for some in rows], gaps, [bits for some in rows for _, bits in some]
        unknown = np.uint32(len(self._ids))
        rank_at = np.full(len(table.spam), unknown)
        rank_at[table.rows(self._ids)] = self._rank
        sizes, gaps, places = [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)]
        for start in range(0, len(messages), 256):
            group = messages[start : start + 256]
            ranks = rank_at[table.rows(np.concatenate([one.ids for one in group]))]
            where = np.concatenate([one.where for one in group])
            owner = np.repeat(np.arange(len(group), dtype=np.uint64), [len(one.ids) for one in group])
            known = ranks != unknown
            owner = owner[known]
            # One sort for the group: the list's number above its ranks above where they stand.
            keys = np.sort(owner << np.uint64(48) | ranks[known].astype(np.uint64) << np.uint64(16) | where[known])
            found = np.bincount(owner.astype(np.int64), minlength=len(group))
            ranks = (keys >> np.uint64(16)).astype(np.uint32)
            steps = np.diff(ranks, prepend=np.uint32(0))
            first = (np.cumsum(found) - found)[found > 0]
            steps[first] = ranks[first]
            sizes.append(found.astype(np.uint32))
            gaps.append(steps)
            places.append((keys & np.uint64(0xFFFF)).astype(np.uint32))
        return np.concatenate(sizes), np.concatenate(gaps), np.concatenate(places)

    def features(self, ranks: Any, where: Any) -> Features:
        """The features of one message: the inverse of `gaps`."""
        np = self._np
        try:
            if np is None:
                rows = sorted((self._ids[self._order[rank]], bits) for rank, bits in zip(ranks, where, strict=True))
                return Features(array("I", [number for number, _ in rows]), array("H", [bits for _, bits in rows]))
            ids = np.asarray(self._ids, np.uint32)[self._order[ranks]]
        except (IndexError, OverflowError) as error:
            raise Corrupt("spam.model_corrupt", "The spam model contradicts itself") from error
        order = ids.argsort()
        return Features(ids[order], where[order].astype(np.uint16))
