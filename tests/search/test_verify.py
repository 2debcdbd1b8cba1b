"""`mailkit check` finds what was planted in the search index, and a rebuild puts it right."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from pyroaring import BitMap

from mailkit import MailKit
from mailkit.ids import Id
from mailkit.principals.records import Principal
from mailkit.search import delta as deltas
from mailkit.search.memory import Memory
from mailkit.search.records import FACTS, Place, bits, pack_head, stored, unpack_head
from mailkit.storage import keyspace
from mailkit.storage.api import Tx
from mailkit.verify import verify


@pytest.fixture
def alice(kit: MailKit) -> Principal:
    """Ten messages in segments, two that wait."""
    kit.search.index.batch, kit.search.index.fan = 5, 2  # type: ignore[attr-defined]
    alice = kit.accounts.create("alice", address="alice@example.org")
    for n in range(12):
        kit.mailstore.append(alice.id, f"Subject: Number {n}\r\n\r\nword{n} common {'often ' * 300}\r\n".encode())
    kit.run_due()
    return alice


def said(kit: MailKit) -> list[str]:
    """What is wrong, read afresh as the command does."""
    kit.search.index.memory = Memory()  # type: ignore[attr-defined]
    return [finding.message for finding in verify(kit)]


def _bit(name: str, doc: int, wanted: bool) -> Callable[[Tx, int], None]:
    def plant(tx: Tx, account: int) -> None:
        facts = FACTS.get(tx, account, 0)
        bitmap = bits(getattr(facts, name))
        (bitmap.add if wanted else bitmap.discard)(doc)
        FACTS.put(tx, replace(facts, **{name: stored(bitmap)}), account, 0)

    return plant


def _mailbox(tx: Tx, account: int) -> None:
    facts = FACTS.get(tx, account, 0)
    (box, bitmap), *_ = facts.mailboxes.items()
    FACTS.put(tx, replace(facts, mailboxes={bytes(12): bitmap, box: stored(BitMap([1]))}), account, 0)


def _first(space: keyspace.Space, change: Callable[[bytes], bytes | None]) -> Callable[[Tx, int], None]:
    def plant(tx: Tx, account: int) -> None:
        key, data = next(tx.scan(*space.range(account)))
        new = change(data)
        if new is None:
            tx.delete(key)
        else:
            tx.put(key, new)

    return plant


def _without_a_message(data: bytes) -> bytes:
    head = unpack_head(data)
    del head.docs[3]
    del head.rooms[3]
    return pack_head(head)


def _words(data: bytes) -> bytes:
    delta = deltas.decode(data)
    described = b"-" + bytes(4) + delta.words.replace(b"common", b"rarely")
    return deltas.encode(described, date=delta.date, size=delta.size, thread=delta.thread)


_PLANTED = {
    "live bit missing": (_bit("live", 2, False), "not said to be live"),
    "live bit too many": (_bit("live", 700, True), "wrongly said to be live"),
    "seen": (_bit("seen", 3, True), "wrongly said to be seen"),
    "flagged": (_bit("flagged", 3, True), "wrongly said to be flagged"),
    "deleted": (_bit("deleted", 11, True), "wrongly said to be deleted"),
    "mailbox": (_mailbox, "said to be in mailbox"),
    "place gone": (_first(keyspace.SEARCH_PLACE, lambda data: None), "is not known"),
    "number gone": (_first(keyspace.SEARCH_DOC, lambda data: None), "is not known"),
    "other date": (
        _first(keyspace.SEARCH_DOC, lambda data: Place(Id(data[:12]), int.from_bytes(data[12:16], "big"), 5).pack()),
        "as another one",
    ),
    "chunk gone": (_first(keyspace.SEARCH_BLOCK, lambda data: None), "in chunks"),
    "chunk cut": (_first(keyspace.SEARCH_BLOCK, lambda data: data[:-1]), "in chunks"),
    "other words": (_first(keyspace.SEARCH_BLOCK, lambda data: data.replace(b"word", b"sord")), "is not found by"),
    "head gone": (_first(keyspace.SEARCH_HEAD, lambda data: None), "rebuild it"),
    "head of another time": (_first(keyspace.SEARCH_HEAD, lambda data: b"1" + data[1:]), "rebuild it"),
    "head damaged": (_first(keyspace.SEARCH_HEAD, lambda data: data[:50]), "cannot be read"),
    "message without words": (_first(keyspace.SEARCH_HEAD, _without_a_message), "have no words"),
    "waiting words gone": (_first(keyspace.SEARCH_DELTA, lambda data: None), "have no words"),
    "other waiting words": (_first(keyspace.SEARCH_DELTA, _words), "is found by 'rarely', which it has not"),
    "waiting words damaged": (_first(keyspace.SEARCH_DELTA, lambda data: data[:-9]), "cannot be read"),
    "facts damaged": (_first(keyspace.SEARCH_FACTS, lambda data: data[:9]), "cannot be read"),
    "manifest damaged": (_first(keyspace.SEARCH_MANIFEST, lambda data: b"\xff"), "cannot be read"),
}


def test_all_is_well(kit: MailKit, alice: Principal) -> None:
    assert said(kit) == []


@pytest.mark.parametrize("name", _PLANTED)
def test_damage_is_found(kit: MailKit, alice: Principal, name: str) -> None:
    plant, message = _PLANTED[name]
    kit.store.transact(lambda tx: plant(tx, alice.number))
    assert any(message in one for one in said(kit)), said(kit)


_BEYOND_A_REBUILD = {"facts damaged", "manifest damaged"}


@pytest.mark.parametrize("name", sorted(_PLANTED.keys() - _BEYOND_A_REBUILD))
def test_a_rebuild_puts_damage_right(kit: MailKit, alice: Principal, name: str) -> None:
    kit.store.transact(lambda tx: _PLANTED[name][0](tx, alice.number))
    kit.search.index.memory = Memory()  # type: ignore[attr-defined]
    kit.search.rebuild(alice.id)
    for _ in range(3):
        kit.run_due()
    assert said(kit) == []
