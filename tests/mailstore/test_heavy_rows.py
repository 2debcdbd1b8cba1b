"""Rows of a megabyte, as a client's metadata can make them, come in pages and steps that stay small."""

from typing import Any

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.http.later import OnThread
from mailkit.http.wildduck.messages import ListMessages, list_messages
from mailkit.mailstore import select as selecting
from mailkit.mailstore.flags import Change
from mailkit.mailstore.select import MOST_HELD
from mailkit.mailstore.selection import Selection, parse_selection
from mailkit.principals.permits import LOCAL_ADMINISTRATOR
from mailkit.storage.api import Store

ALL = parse_selection("1:*")
COUNT = 24
META = '{"a":"' + "x" * (1 << 20) + '"}'
FITS = MOST_HELD // (1 << 20) + 1


@pytest.fixture
def account(kit: MailKit) -> int:
    """An account with many messages, each with much metadata."""
    number = kit.accounts.create("alice", address="alice@example.org").number
    with kit.transaction() as tx:
        for n in range(COUNT):
            kit.mailstore.append(number, b"Subject: s%d\r\n\r\nx" % n, tx=tx)
    assert kit.mailstore.update(number, "INBOX", ALL, Change(meta=META)) == COUNT
    return number


def written_at_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes that each transaction writes, as they happen."""
    told: list[int] = []
    real = store.transact

    def counted(fn: Any) -> Any:
        def run(tx: Any) -> Any:
            sizes = [0]
            put = tx.put

            class Counting:
                def __getattr__(self, name: str) -> Any:
                    return getattr(tx, name)

                def put(self, key: bytes, value: bytes) -> None:
                    sizes[0] += len(value)
                    put(key, value)

            result = fn(Counting())
            told.append(sizes[0])
            return result

        return real(run)

    monkeypatch.setattr(store, "transact", counted)
    return told


def test_pages_end_where_their_rows_become_too_much(kit: MailKit, account: int) -> None:
    """In either direction and order, page by page, all of them come, each once."""
    for oldest_first in (False, True):
        seen: list[int] = []
        after = None
        while True:
            page = kit.mailstore.list(account, limit=250, after=after, oldest_first=oldest_first)
            assert 0 < len(page.items) <= FITS
            seen += [entry.uid for entry in page.items]
            after = page.items[-1].row.idate, page.items[-1].uid
            if not page.after:
                break
        assert sorted(seen) == list(range(1, COUNT + 1))
        assert seen == sorted(seen, reverse=not oldest_first)
        back = kit.mailstore.list(account, limit=250, after=after, backwards=True, oldest_first=oldest_first)
        assert back.before
        assert [entry.uid for entry in back.items] == seen[-1 - len(back.items) : -1]
        assert len(back.items) <= FITS


def test_a_page_of_unread_ones_ends_there_too(kit: MailKit, account: int) -> None:
    user, inbox = kit.principals.get(account).id, kit.mailstore.mailbox(account, "INBOX").id
    kit.mailstore.update(account, "INBOX", Selection.of(range(2, COUNT, 2)), Change(add=["\\Seen"]))
    unread = [uid for uid in range(COUNT, 0, -1) if uid % 2 or uid == COUNT]
    for limit in (5, 250):
        seen: list[int] = []
        next: str | None = None
        while next is not False:
            asked = ListMessages(user=user, mailbox=inbox, unseen=True, limit=limit, next=next or None, page=2)
            found = list_messages(kit, asked, LOCAL_ADMINISTRATOR)
            assert isinstance(found, OnThread)
            shown = found.function()
            assert 0 < len(shown.results) <= min(limit, FITS)
            assert shown.total == len(unread)
            seen += [row.id for row in shown.results]
            next = shown.nextCursor  # type: ignore[assignment]
        assert seen == unread


def test_pages_of_searches_and_of_the_archive_do_so_too(kit: MailKit, account: int) -> None:
    found = kit.search.find(account, "", limit=250)
    assert found.after
    assert len(found.items) <= FITS
    rest = kit.search.find(account, "", limit=250, after=found.items[-1].at)
    assert not rest.after
    assert len(found.items) + len(rest.items) == COUNT == found.total
    back = kit.search.find(account, "", limit=250, after=rest.items[-1].at, backwards=True)
    assert [one.uid for one in back.items] == [one.uid for one in (*found.items, *rest.items)][
        -1 - len(back.items) : -1
    ]
    assert back.before

    kit.mailstore.remove(account, "INBOX", ALL)
    first = kit.mailstore.archive.list(account, limit=250)
    assert first.after
    second = kit.mailstore.archive.list(account, limit=250, after=first.items[-1].archived.id)
    assert not second.after
    assert len(first.items) <= FITS
    assert len(first.items) + len(second.items) == COUNT == first.total
    back_again = kit.mailstore.archive.list(account, limit=250, after=second.items[-1].archived.id, backwards=True)
    assert back_again.before
    assert len(back_again.items) <= FITS


def test_bulk_work_takes_steps_of_what_can_be_held(kit: MailKit, account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written = written_at_most(kit.store, monkeypatch)
    mail = kit.mailstore
    assert mail.update(account, "INBOX", ALL, Change(meta=META.replace("x", "y"))) == COUNT
    assert len(mail.move(account, "INBOX", ALL, "Trash", Change(meta=META))) == COUNT
    assert len(mail.copy(account, "Trash", ALL, "INBOX")) == COUNT
    assert mail.clear(account, "INBOX") == COUNT
    assert mail.remove(account, "Trash", ALL) == COUNT
    assert max(written) <= (FITS + 1) << 20
    assert sum(written) > 4 * COUNT << 20


def test_jobs_take_such_steps_too(
    kit: MailKit, account: int, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = written_at_most(kit.store, monkeypatch)
    mail = kit.mailstore

    def work() -> None:
        while kit.run_due():
            pass

    mail.update(account, "INBOX", ALL, Change(expires=clock() + 1))
    clock.advance(days=1)
    mail.upkeep(account)
    work()
    assert mail.mailbox(account, "INBOX").total == 0
    assert mail.archive.size(account)[0] == COUNT
    mail.archive.restore_later(account, 0, clock(), into="Back")
    work()
    assert mail.mailbox(account, "Back").total == COUNT
    mail.delete_mailbox(account, "Back")
    work()
    assert mail.archive.size(account)[0] == COUNT
    assert max(written) <= (FITS + 1) << 20
    clock.advance(days=26)
    mail.upkeep(account)
    work()
    assert mail.archive.size(account)[0] == 0


def test_what_is_selected_comes_to_so_many_bytes_and_one_row_more(kit: MailKit, account: int) -> None:
    with kit.store.snapshot() as tx:
        box = kit.mailstore.mailbox(account, "INBOX", tx=tx)
        some = selecting.select(account, box.id, ALL, tx, limit=500, held=3 << 20)
        newest = selecting.select(account, box.id, ALL, tx, limit=500, held=1, newest_first=True)
        apart = selecting.select(account, box.id, Selection.of([2, 5, 9, 11]), tx, limit=500, held=2 << 20)
    assert [uid for uid, _, _ in some] == [1, 2, 3]
    assert [uid for uid, _, _ in newest] == [COUNT]
    assert [uid for uid, _, _ in apart] == [2, 5]
