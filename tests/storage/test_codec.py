from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import field, msgpack

from mailkit.errors import Corrupt, Unavailable
from mailkit.ids import Id
from mailkit.storage.codec import Codec, Record


class Mailbox(Record, frozen=True):
    id: Id = field(name="i")
    path: str = field(name="p")
    sizes: list[int] = field(name="s", default_factory=list)
    note: bytes | None = field(name="n", default=None)


class Renamed(Record, frozen=True):
    id: Id = field(name="i")
    full_name: str = field(name="f")
    subscribed: bool = field(name="b")


def _split(fields: dict[str, Any]) -> dict[str, Any]:
    return {"i": fields["i"], "f": fields["p"].lstrip("/")}


def _subscribe(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "b": True}


V1 = Codec(Mailbox)
V3 = Codec(Renamed, version=3, upgrades={1: _split, 2: _subscribe})

MAILBOXES = st.builds(
    Mailbox,
    id=st.binary(min_size=12, max_size=12).map(Id),
    path=st.text(),
    sizes=st.lists(st.integers(0, 2**63)),
    note=st.none() | st.binary(),
)


@given(MAILBOXES)
def test_a_record_comes_back_equal(record: Mailbox) -> None:
    assert V1.decode(V1.encode(record)) == record
    assert isinstance(V1.decode(V1.encode(record)).id, Id)


def test_the_stored_form_is_a_version_byte_and_a_map_of_short_names() -> None:
    stored = V1.encode(Mailbox(id=Id(bytes(range(12))), path="INBOX"))
    assert stored == bytes.fromhex("01 82 a1 69 c4 0c 00 01 02 03 04 05 06 07 08 09 0a 0b a1 70 a5 49 4e 42 4f 58")


def test_an_older_version_is_lifted_step_by_step() -> None:
    old = V1.encode(Mailbox(id=Id(bytes(12)), path="/Sent"))
    assert V3.decode(old) == Renamed(id=Id(bytes(12)), full_name="Sent", subscribed=True)
    second = b"\x02" + msgpack.encode({"i": bytes(12), "f": "Sent"})
    assert V3.decode(second) == Renamed(id=Id(bytes(12)), full_name="Sent", subscribed=True)


def test_a_newer_version_is_not_touched() -> None:
    new = V3.encode(Renamed(id=Id(bytes(12)), full_name="Sent", subscribed=True))
    with pytest.raises(Unavailable) as caught:
        V1.decode(new)
    assert caught.value.code == "record.newer"


@given(st.binary(max_size=60))
def test_bytes_that_are_no_record_are_corrupt_and_nothing_else(data: bytes) -> None:
    for codec in (V1, V3):
        for stored in (data, b"\x00" + data, b"\x01" + data, b"\x02" + data, b"\x03" + data):
            try:
                codec.decode(stored)
            except (Corrupt, Unavailable):
                pass


@given(MAILBOXES, st.data())
def test_a_damaged_record_is_read_or_reported(record: Mailbox, data: st.DataObject) -> None:
    stored = bytearray(V1.encode(record))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    for codec in (V1, V3):
        try:
            codec.decode(bytes(stored))
        except (Corrupt, Unavailable):
            pass


@pytest.mark.parametrize(
    "nested", [b"\x01\x81\xa1z" + b"\x91" * 100_000, b"\x02\x81\xa1z" + b"\x91" * 100_000], ids=["current", "older"]
)
def test_deep_nesting_is_corrupt(nested: bytes) -> None:
    with pytest.raises(Corrupt):
        (V1 if nested[0] == 1 else V3).decode(nested)


def test_every_version_below_needs_its_upgrade() -> None:
    with pytest.raises(ValueError):
        Codec(Renamed, version=3, upgrades={1: _split})
    with pytest.raises(ValueError):
        Codec(Renamed, upgrades={1: _split})


def test_a_remembered_record_is_read_once_and_only_so_many_are_kept() -> None:
    codec = Codec(Mailbox, remember=2)
    rows = [Mailbox(id=Id(bytes(12)), path=str(number)) for number in range(5)]
    stored = [codec.encode(row) for row in rows]
    assert codec.decode(stored[0]) is codec.decode(bytes(bytearray(stored[0])))
    assert [codec.decode(data) for data in stored] == rows
    assert len(codec._known) <= 2
    with pytest.raises(Corrupt):
        codec.decode(b"")
