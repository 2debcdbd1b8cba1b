"""Tokens -> feature ids: the sorted distinct 32-bit numbers that models count.

An id is the family's number in the top 4 bits and 28 bits of CRC-32 of the token; pairs of words mix the CRCs of
both. It is the same on every machine, with and without numpy. In a family with 300,000 features one in a thousand
shares its id with another: not seen in any figure.
"""

from array import array
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, pairwise
from typing import Any, Final, TypeAlias
from zlib import crc32

from mailkit.spam import arrays
from mailkit.spam.families import BODY, BODY_PAIRS, FAMILIES, FIRST_REST, SUBJECT, SUBJECT_PAIRS
from mailkit.spam.tokens import Tokens

__all__ = [
    "Ids",
    "feature_ids",
    "feature_ids_in_python",
    "feature_ids_of_many",
    "feature_names",
    "pack_ids",
    "singles",
    "unpack_ids",
]

Ids: TypeAlias = Any
"""Sorted distinct feature ids: a numpy uint32 array where numpy is in use, else an `array("I")`."""

_LEFT: Final = 0x9E3779B1
_RIGHT: Final = 0x85EBCA77
_MASK: Final = 0x0FFFFFFF
_NAMES: Final = {family.number: family.name for family in FAMILIES}


def feature_ids(tokens: Tokens) -> Ids:
    """The feature ids of a message, ascending."""
    np = arrays.numpy()
    if np is None:
        return feature_ids_in_python(tokens)
    families = tokens.families
    sizes = [len(family) for family in families]
    found = np.fromiter(map(crc32, chain.from_iterable(families)), np.uint32, sum(sizes))
    body = found[: tokens.body_words]
    start = sum(sizes[:SUBJECT])
    subject = found[start : start + tokens.subject_words]
    pairs = []
    for crcs, number in ((subject, SUBJECT_PAIRS), (body, BODY_PAIRS)):
        mixed = crcs[:-1] * np.uint32(_LEFT)
        mixed += crcs[1:] * np.uint32(_RIGHT)
        mixed ^= mixed >> np.uint32(15)
        mixed &= np.uint32(_MASK)
        mixed |= np.uint32(number << 28)
        pairs.append(mixed)
    found &= np.uint32(_MASK)
    found |= np.repeat(_family_bits(), sizes)
    ids = np.concatenate((found, *pairs))
    ids.sort()
    keep = np.empty(len(ids), np.bool_)
    keep[:1] = True
    np.not_equal(ids[1:], ids[:-1], out=keep[1:])
    keep[:1] &= ids[:1] != 0  # 0 marks a free slot of a table
    return ids[keep]


def feature_ids_of_many(messages: Sequence[Tokens], body: Any) -> list[Ids]:
    """`feature_ids` of each of what `read_many` has read: what numpy costs per call is shared. Best with some tens."""
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
    totals = [sum(lengths) for lengths in sizes]
    # Stretches of words whose right neighbours make pairs with them, and stretches between.
    stretches = []
    for tokens, lengths in zip(messages, sizes, strict=True):
        body, subject = max(tokens.body_words - 1, 0), max(tokens.subject_words - 1, 0)
        before = sum(lengths[:SUBJECT]) - body
        stretches += [body, before, subject, sum(lengths) - body - before - subject]
    numbers = np.repeat(np.array([BODY_PAIRS, 0, SUBJECT_PAIRS, 0] * len(messages), np.uint32), stretches)
    left = numbers.nonzero()[0]
    mixed = found[left] * np.uint32(_LEFT)
    mixed += found[left + 1] * np.uint32(_RIGHT)
    mixed ^= mixed >> np.uint32(15)
    mixed &= np.uint32(_MASK)
    mixed |= numbers[left] << np.uint32(28)
    found &= np.uint32(_MASK)
    found |= np.repeat(np.tile(_family_bits(), len(messages)), [size for lengths in sizes for size in lengths])
    # One sort for all: the number of the message above the id.
    owner = np.repeat(np.arange(len(messages), dtype=np.uint64) << np.uint64(32), totals)
    keys = np.concatenate((owner | found, owner[left] | mixed))
    keys.sort()
    keep = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=keep[1:])
    keys = keys[keep]
    ids = keys.astype(np.uint32)
    if not ids.all():  # 0 marks a free slot of a table
        keys, ids = keys[ids != 0], ids[ids != 0]
    ends = keys.searchsorted(np.arange(len(messages) + 1, dtype=np.uint64) << np.uint64(32)).tolist()
    return [ids[start:end] for start, end in pairwise(ends)]


@cache
def _family_bits() -> Any:
    np = arrays.numpy()
    return np.arange(16, dtype=np.uint32) << np.uint32(28)


def feature_ids_in_python(tokens: Tokens) -> "array[int]":
    """The same without numpy."""
    families = tokens.families
    found = [crc32(token) & _MASK | number << 28 for number, family in enumerate(families) for token in family]
    for words, number in (
        (families[SUBJECT][: tokens.subject_words], SUBJECT_PAIRS),
        (families[BODY][: tokens.body_words], BODY_PAIRS),
    ):
        crcs = [crc32(word) for word in words]
        found += [_mix(left, right) | number << 28 for left, right in pairwise(crcs)]
    return array("I", sorted(set(found) - {0}))


def _mix(left: int, right: int) -> int:
    mixed = (left * _LEFT + right * _RIGHT) & 0xFFFFFFFF
    return (mixed ^ mixed >> 15) & _MASK


def feature_names(tokens: Tokens) -> dict[int, tuple[str, str]]:
    """The family and the words behind each feature id of a message: for explanations."""
    return {number: (_NAMES[number >> 28], words.decode("utf-8", "replace")) for number, words in _named(tokens)}


def _named(tokens: Tokens) -> Iterator[tuple[int, bytes]]:
    families = tokens.families
    for number, family in enumerate(families):
        for token in family:
            yield crc32(token) & _MASK | number << 28, token
    for words, number in (
        (families[SUBJECT][: tokens.subject_words], SUBJECT_PAIRS),
        (families[BODY][: tokens.body_words], BODY_PAIRS),
    ):
        for left, right in pairwise(words):
            yield _mix(crc32(left), crc32(right)) | number << 28, left + b" " + right


def singles(ids: Ids) -> Ids:
    """The ids that the second stage uses: no steps, no pairs. They come first."""
    np = arrays.numpy()
    if np is not None and isinstance(ids, np.ndarray):
        return ids[: ids.searchsorted(np.uint32(FIRST_REST))]
    from bisect import bisect_left

    return ids[: bisect_left(ids, FIRST_REST)]


def pack_ids(ids: Sequence[int]) -> bytes:
    """Ids as little-endian 32-bit numbers."""
    np = arrays.numpy()
    if np is not None:
        return bytes(np.asarray(ids, "<u4").tobytes())
    packed = array("I", ids)
    if _BIG_ENDIAN:
        packed.byteswap()
    return packed.tobytes()


def unpack_ids(data: bytes) -> Ids:
    """What `pack_ids` packed."""
    np = arrays.numpy()
    if np is not None:
        return np.frombuffer(data, "<u4")
    ids = array("I")
    ids.frombytes(data)
    if _BIG_ENDIAN:
        ids.byteswap()
    return ids


_BIG_ENDIAN: Final = array("H", [1]).tobytes() == b"\x00\x01"
