"""The bytes of `commit.log`: two slots for the checkpoint, then a record for each commit since.

    0      slot A  |  4096 bytes each; the valid one with the higher sequence counts, so that a torn write
    4096   slot B  |  of one leaves the other
    8192   records, each on a boundary of 512 bytes, so that no write touches a sector that was promised before

A checkpoint says which state of `data.mdb` is durable (the head of each of its two first pages, as they were) and which
generation of records goes on from there. Records of an earlier generation that still lie behind are garbage: their
first eight bytes differ. A generation is random, and nobody outside the file knows it: no message can forge a record.
"""

import struct
from collections.abc import Callable, Iterator
from zlib import crc32

import msgspec
from attrs import frozen

__all__ = [
    "HEAD",
    "RECORDS",
    "SECTOR",
    "SLOT",
    "Checkpoint",
    "Work",
    "decode_checkpoint",
    "encode_checkpoint",
    "encode_record",
    "newest",
    "record_at",
    "records",
    "transaction_number",
]

SLOT = 4096
RECORDS = 2 * SLOT
SECTOR = 512
HEAD = 512
"""Bytes kept of each of the engine's two first pages; it uses 152 of them."""

_MAGIC = b"mailkit\x01"
_CHECKPOINT = struct.Struct(f"<8sQ16s16s?QI{HEAD}s{HEAD}s")
_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<8sQII")  # generation, number of the transaction, length, CRC

# of LMDB's file format 1: struct MDB_meta behind a page header of 16 bytes
_META = struct.Struct("<16xII120xQ")
_META_MAGIC = 0xBEEFC0DE
_META_VERSION = 1

Work = tuple[list[bytes | None], dict[bytes, int], list[tuple[bytes, bytes]]]
"""What one function did: keys and values in turn (None: deleted), trims, journal entries."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[list[bytes | None], list[tuple[bytes, int]], list[tuple[bytes, bytes]]]])


@frozen
class Checkpoint:
    """A state of `data.mdb` that is durable, and what goes on from there."""

    sequence: int
    generation: bytes
    lineage: bytes
    """Also in `data.mdb`: a log belongs to one file."""

    live: bool
    """False: the file stands for itself, there are no records, and nothing is to be recovered."""

    last: int
    """Number of the transaction that led to this state."""

    page: int
    """Bytes of a page of `data.mdb`."""

    heads: tuple[bytes, bytes]
    """Of its two first pages."""


def encode_checkpoint(it: Checkpoint) -> bytes:
    """One slot."""
    body = _CHECKPOINT.pack(_MAGIC, it.sequence, it.generation, it.lineage, it.live, it.last, it.page, *it.heads)
    return (body + _CRC.pack(crc32(body))).ljust(SLOT, b"\0")


def decode_checkpoint(slot: bytes) -> Checkpoint | None:
    """None when the slot is empty or torn."""
    if len(slot) < _CHECKPOINT.size + _CRC.size:
        return None
    magic, sequence, generation, lineage, live, last, page, *heads = _CHECKPOINT.unpack_from(slot)
    if magic != _MAGIC or _CRC.unpack_from(slot, _CHECKPOINT.size) != (crc32(slot[: _CHECKPOINT.size]),):
        return None
    return Checkpoint(sequence, generation, lineage, live, last, page, (heads[0], heads[1]))


def newest(slots: bytes) -> Checkpoint | None:
    """The checkpoint that counts, of the first `RECORDS` bytes of the file."""
    found = (decode_checkpoint(slots[start : start + SLOT]) for start in range(0, RECORDS, SLOT))
    return max((it for it in found if it is not None), key=lambda it: it.sequence, default=None)


def encode_record(generation: bytes, number: int, work: list[Work]) -> bytes:
    """What transaction `number` did, padded to whole sectors."""
    payload = _encoder.encode([(writes, list(trims.items()), entries) for writes, trims, entries in work])
    crc = crc32(payload, crc32(generation, number & 0xFFFFFFFF))
    record = _RECORD.pack(generation[:8], number, len(payload), crc) + payload
    return record + b"\0" * (-len(record) % SECTOR)


def record_at(head: bytes, generation: bytes) -> tuple[int, int] | None:
    """Number and length in the file of the record that begins with `head`; None when none of this generation does."""
    if len(head) < _RECORD.size:
        return None
    mark, number, length, _ = _RECORD.unpack_from(head)
    if mark != generation[:8]:
        return None
    whole = _RECORD.size + length
    return number, whole + -whole % SECTOR


def records(read: Callable[[int, int], bytes], checkpoint: Checkpoint) -> Iterator[list[Work]]:
    """The work of each transaction after the checkpoint, in order, up to the first that is missing or torn.

    `read(count, offset)` gives bytes of the file, fewer at its end.
    """
    offset, number = RECORDS, checkpoint.last
    while True:
        head = read(_RECORD.size, offset)
        found = record_at(head, checkpoint.generation)
        if found is None or found[0] != number + 1:
            return
        number += 1
        _, _, length, crc = _RECORD.unpack(head)
        payload = read(length, offset + _RECORD.size)
        if len(payload) != length or crc32(payload, crc32(checkpoint.generation, number & 0xFFFFFFFF)) != crc:
            return
        yield [(writes, dict(trims), entries) for writes, trims, entries in _decoder.decode(payload)]
        offset += found[1]


def transaction_number(head: bytes) -> int | None:
    """The transaction that wrote this head of a page of `data.mdb`; None when it is of no format known here."""
    if len(head) < _META.size:
        return None
    magic, version, number = _META.unpack_from(head)
    return int(number) if (magic, version) == (_META_MAGIC, _META_VERSION) else None
