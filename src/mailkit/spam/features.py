"""Tokens -> features: the sorted distinct 32-bit ids that models count, and where in the text each stands.

An id is the family's number in the top 4 bits and 28 bits of CRC-32 of the token; pairs of words mix the CRCs of
both. It is the same on every machine, with and without numpy. In a family with 300,000 features one in a thousand
shares its id with another: not seen in any figure.

The words of the text are divided into stretches of 40, at most 16 and then longer ones, so that `stretches` can tell
"good words here, bad ones there" from "some of both everywhere".
"""

from array import array
from collections.abc import Container, Iterator, Sequence, Set
from functools import cache, lru_cache
from itertools import chain, pairwise, starmap
from typing import Any, Final, TypeAlias
from zlib import crc32

from attrs import frozen

from mailkit.spam import arrays
from mailkit.spam.families import BODY, BODY_PAIRS, FAMILIES, FIRST_REST, SUBJECT, SUBJECT_PAIRS
from mailkit.spam.tokens import Tokens

__all__ = [
    "MOST_STRETCHES",
    "Features",
    "Ids",
    "feature_names",
    "features_in_python",
    "features_of",
    "features_of_many",
    "pack_ids",
    "singles",
    "unpack_ids",
    "without",
]

Ids: TypeAlias = Any
"""Sorted distinct feature ids: a numpy uint32 array where numpy is in use, else an `array("I")`."""

MOST_STRETCHES: Final = 16
"""Stretches of a text at most: one bit for each."""
_STRETCH: Final = 40
"""Words in a stretch."""

_LEFT: Final = 0x9E3779B1
_RIGHT: Final = 0x85EBCA77
_MASK: Final = 0x0FFFFFFF
_FIRST_PAIR: Final = BODY_PAIRS << 28
_NAMES: Final = {family.number: family.name for family in FAMILIES}


@frozen(eq=False)
class Features:
    """What is learnt of a message and judged by."""

    ids: Ids
    where: Any
    """For each id the stretches of the text it is in, one bit for each (uint16 array or `array("H")`); 0 if it is not
    of the text. A pair stands where its left word does."""

    def pack(self) -> bytes:
        """6 bytes for each feature."""
        return pack_ids(self.ids) + pack_where(self.where)

    @classmethod
    def unpack(cls, data: bytes) -> "Features":
        """What `pack` packed; ValueError when the length can't be."""
        if len(data) % 6:
            raise ValueError("not packed features")
        size = len(data) // 6 * 4
        return cls(unpack_ids(data[:size]), unpack_where(data[size:]))


def without(features: Features, gone: Set[int]) -> Features:
    """The features but for those with these ids."""
    np = arrays.numpy()
    if np is not None:
        ids, where = np.asarray(features.ids, np.uint32), np.asarray(features.where, np.uint16)
        kept = np.isin(ids, np.fromiter(gone, np.uint32, len(gone)), invert=True)
        return Features(ids[kept], where[kept])
    rows = [(number, bits) for number, bits in zip(features.ids, features.where, strict=True) if number not in gone]
    return Features(array("I", [number for number, _ in rows]), array("H", [bits for _, bits in rows]))


def _stretches(words: int) -> int:
    """Into how many stretches a text of so many words is divided."""
    return min(max(-(-words // _STRETCH), 1), MOST_STRETCHES)


def features_of(tokens: Tokens) -> Features:
    """The features of a message that `read` has read."""
    np = arrays.numpy()
    if np is None:
        return features_in_python(tokens)
    sizes = [len(family) for family in tokens.families]
    found = np.fromiter(map(crc32, chain.from_iterable(tokens.families)), np.uint32, sum(sizes))
    if not len(found):
        return Features(found, np.zeros(0, np.uint16))
    start, count = sum(sizes[:SUBJECT]), tokens.body_words
    subject = _mixed(np, found[start : start + tokens.subject_words], SUBJECT_PAIRS)
    pairs = _mixed(np, found[:count], BODY_PAIRS)
    found &= np.uint32(_MASK)
    found |= np.repeat(_family_bits(), sizes)
    keys = np.concatenate((found, subject, pairs)).astype(np.uint64)
    keys <<= np.uint64(4)
    if count > _STRETCH:
        places = _places(count)
        keys[:count] |= places
        keys[len(keys) - len(pairs) :] |= places[:-1]
    keys.sort()
    bits = np.left_shift(np.uint16(1), (keys & np.uint64(15)).astype(np.uint16))
    keys >>= np.uint64(4)
    return _distinct(np, keys, bits)[1]


def _mixed(np: Any, crcs: Any, number: int) -> Any:
    """The ids of the pairs of neighbours."""
    mixed = crcs[:-1] * np.uint32(_LEFT)
    mixed += crcs[1:] * np.uint32(_RIGHT)
    mixed ^= mixed >> np.uint32(15)
    mixed &= np.uint32(_MASK)
    mixed |= np.uint32(number << 28)
    return mixed


def _distinct(np: Any, keys: Any, bits: Any) -> tuple[Any, Features]:
    """The distinct keys of which the lower half is an id, and the features; from sorted keys and where each stands."""
    first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    starts = first.nonzero()[0]
    keys = keys[starts]
    where = np.bitwise_or.reduceat(bits, starts)
    ids = keys.astype(np.uint32)
    where *= (ids <= np.uint32(_MASK)) | (ids >= np.uint32(_FIRST_PAIR))
    if not ids.all():  # 0 marks a free slot of a table
        keep = ids != 0
        keys, ids, where = keys[keep], ids[keep], where[keep]
    return keys, Features(ids, where)


def features_of_many(messages: Sequence[Tokens], body: Any) -> list[Features]:
    """The features of each of what `read_many` has read: what numpy costs per call is shared. Best with some tens."""
    np = arrays.numpy()
    sizes = [[len(family) for family in tokens.families] for tokens in messages]
    words = chain.from_iterable([family for tokens in messages for family in tokens.families])
    others = np.fromiter(map(crc32, words), np.uint32, sum(map(sum, sizes)))
    # A message's words of the body, then its other tokens.
    spans = [size for one, lengths in zip(messages, sizes, strict=True) for size in (one.body_words, sum(lengths))]
    of_body = np.repeat(np.array([True, False] * len(messages)), spans)
    found = np.empty(len(of_body), np.uint32)
    found[of_body] = body
    found[~of_body] = others
    for tokens, lengths in zip(messages, sizes, strict=True):
        lengths[BODY] += tokens.body_words
    return _features(messages, sizes, found)


def _features(messages: Sequence[Tokens], sizes: Sequence[Sequence[int]], found: Any) -> list[Features]:
    """From the CRC-32 of all tokens of each message, by family; the families have so many."""
    np = arrays.numpy()
    if not len(found):
        return [Features(np.zeros(0, np.uint32), np.zeros(0, np.uint16))] * len(messages)
    totals = [sum(lengths) for lengths in sizes]
    # Spans of words whose right neighbours make pairs with them, and spans between.
    spans = []
    for tokens, lengths in zip(messages, sizes, strict=True):
        body, subject = max(tokens.body_words - 1, 0), max(tokens.subject_words - 1, 0)
        before = sum(lengths[:SUBJECT]) - body
        spans += [body, before, subject, sum(lengths) - body - before - subject]
    numbers = np.repeat(np.array([BODY_PAIRS, 0, SUBJECT_PAIRS, 0] * len(messages), np.uint32), spans)
    left = numbers.nonzero()[0]
    mixed = found[left] * np.uint32(_LEFT)
    mixed += found[left + 1] * np.uint32(_RIGHT)
    mixed ^= mixed >> np.uint32(15)
    mixed &= np.uint32(_MASK)
    mixed |= numbers[left] << np.uint32(28)
    found &= np.uint32(_MASK)
    found |= np.repeat(np.tile(_family_bits(), len(messages)), [size for lengths in sizes for size in lengths])
    # One sort for all: the number of the message above the id above the stretch.
    keys = np.repeat(np.arange(len(messages), dtype=np.uint64) << np.uint64(36), totals)
    for tokens, start in zip(messages, np.cumsum([0, *totals[:-1]]).tolist(), strict=True):
        count = tokens.body_words
        if count > _STRETCH:
            keys[start : start + count] += _places(count)
    paired = keys[left]
    keys |= found.astype(np.uint64) << np.uint64(4)
    keys = np.concatenate((keys, paired | mixed.astype(np.uint64) << np.uint64(4)))
    keys.sort()
    bits = np.left_shift(np.uint16(1), (keys & np.uint64(15)).astype(np.uint16))
    keys >>= np.uint64(4)
    keys, whole = _distinct(np, keys, bits)
    ends = keys.searchsorted(np.arange(len(messages) + 1, dtype=np.uint64) << np.uint64(32)).tolist()
    return [Features(whole.ids[start:end], whole.where[start:end]) for start, end in pairwise(ends)]


@cache
def _family_bits() -> Any:
    np = arrays.numpy()
    return np.arange(16, dtype=np.uint32) << np.uint32(28)


@lru_cache(4096)
def _places(count: int) -> Any:
    """The stretch of each of `count` words."""
    np = arrays.numpy()
    return np.arange(count, dtype=np.uint64) * np.uint64(_stretches(count)) // np.uint64(count)


def features_in_python(tokens: Tokens) -> Features:
    """The same without numpy."""
    families = tokens.families
    count = tokens.body_words
    many = _stretches(count)
    where: dict[int, int] = {}
    for number, family in enumerate(families):
        for token in family:
            where[crc32(token) & _MASK | number << 28] = 0
    crcs = [crc32(word) for word in families[BODY][:count]]
    for at, crc in enumerate(crcs):
        where[crc & _MASK | BODY << 28] |= 1 << at * many // count
    for at, (one, two) in enumerate(pairwise(crcs)):
        pair = _mix(one, two) | _FIRST_PAIR
        where[pair] = where.get(pair, 0) | 1 << at * many // count
    for one, two in pairwise([crc32(word) for word in families[SUBJECT][: tokens.subject_words]]):
        where[_mix(one, two) | SUBJECT_PAIRS << 28] = 0
    where.pop(0, None)
    ids = sorted(where)
    return Features(array("I", ids), array("H", [where[number] for number in ids]))


def _mix(left: int, right: int) -> int:
    mixed = (left * _LEFT + right * _RIGHT) & 0xFFFFFFFF
    return (mixed ^ mixed >> 15) & _MASK


def feature_names(tokens: Tokens, wanted: Container[int] | None = None) -> dict[int, tuple[str, str]]:
    """The family and the words behind each feature id of a message, or behind those that are wanted: to explain."""
    return {
        number: (_NAMES[number >> 28], words.decode("utf-8", "replace"))
        for number, words in _named(tokens)
        if wanted is None or number in wanted
    }


def _named(tokens: Tokens) -> Iterator[tuple[int, bytes]]:
    families = tokens.families
    for number, family in enumerate(families):
        for token in family:
            yield crc32(token) & _MASK | number << 28, token
    for words, number in (
        (families[SUBJECT][: tokens.subject_words], SUBJECT_PAIRS),
        (families[BODY][: tokens.body_words], BODY_PAIRS),
    ):
        mixed = starmap(_mix, pairwise(map(crc32, words)))
        for (left, right), pair in zip(pairwise(words), mixed, strict=True):
            yield pair | number << 28, left + b" " + right


def singles(ids: Ids) -> Ids:
    """The ids that the second stage uses: no steps, no pairs. They come first."""
    np = arrays.numpy()
    if np is not None and isinstance(ids, np.ndarray):
        return ids[: ids.searchsorted(np.uint32(FIRST_REST))]
    from bisect import bisect_left

    return ids[: bisect_left(ids, FIRST_REST)]


def pack_ids(ids: Sequence[int]) -> bytes:
    """Ids as little-endian 32-bit numbers."""
    return _pack(ids, "<u4", "I")


def unpack_ids(data: bytes) -> Ids:
    """What `pack_ids` packed."""
    return _unpack(data, "<u4", "I")


def pack_where(where: Sequence[int]) -> bytes:
    """Places as little-endian 16-bit numbers."""
    return _pack(where, "<u2", "H")


def unpack_where(data: bytes) -> Any:
    """What `pack_where` packed."""
    return _unpack(data, "<u2", "H")


def _pack(numbers: Sequence[int], dtype: str, code: str) -> bytes:
    np = arrays.numpy()
    if np is not None:
        return bytes(np.asarray(numbers, dtype).tobytes())
    packed = array(code, numbers)
    if _BIG_ENDIAN:
        packed.byteswap()
    return packed.tobytes()


def _unpack(data: bytes, dtype: str, code: str) -> Any:
    np = arrays.numpy()
    if np is not None:
        return np.frombuffer(data, dtype)
    numbers = array(code)
    numbers.frombytes(data)
    if _BIG_ENDIAN:
        numbers.byteswap()
    return numbers


_BIG_ENDIAN: Final = array("H", [1]).tobytes() == b"\x00\x01"
