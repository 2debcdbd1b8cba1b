"""A process that is killed in the middle of bulk work leaves whole steps; repeating it does the rest, and only that.

A real process is killed with SIGKILL at every commit that the work makes, once before it is durable and once after, and
so at every file of content. Whoever comes next finds all in order and ends where an undisturbed run does.
"""

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.mailstore import change, erase, lapse, service, work
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import Selection
from mailkit.mailstore.verify import verify as verify_mail
from mailkit.storage.blobs import purge
from mailkit.testing.platform import platform
from mailkit.verify import verify
from tests.mailstore.killed_child import ALL, LARGE, STEP, WORK

COUNT = 10
HOUR = 3_600_000


class Workers:
    """Processes that do as they are told, and die as they are told."""

    def __init__(self, where: str) -> None:
        script = Path(__file__).with_name("killed_child.py")
        path = os.pathsep.join(filter(None, sys.path))
        self.process = subprocess.Popen(
            [sys.executable, str(script), where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def status_of(self, what: str, account: int, n: int, moment: str, now: int) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([what, account, n, moment, now]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module", params=["lmdb", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "lmdb":
        yield str(tmp_path_factory.mktemp("killed") / "data")
        return
    import psycopg

    server = request.getfixturevalue("postgres_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create schema killed")
    yield f"{server}&options=-csearch_path%3Dkilled"


@pytest.fixture(scope="module")
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="module")
def kit(where: str, clock: FixedClock) -> Iterator[MailKit]:
    """Open all the time, as another process of the same server would have it."""
    with platform(where, clock=clock) as opened:
        yield opened
        while purge(opened.blobs, clock.now + 2 * HOUR).more:  # what dead writers have left behind
            pass
        assert [str(finding) for finding in verify(opened) if finding.level == "error"] == []


@pytest.fixture(scope="module")
def workers(where: str) -> Iterator[Workers]:
    made = Workers(where)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (service, change, work, erase, lapse):
        monkeypatch.setattr(module, "STEP", STEP)


_names = itertools.count()


def begin(kit: MailKit, what: str) -> int:
    """An account with messages where the work is to be done."""
    name = f"u{next(_names)}"
    account = kit.accounts.create(name, address=f"{name}@example.org").number
    if what == "upload":
        return account
    mailbox = "INBOX"
    if what == "delete_mailbox":
        mailbox = str(kit.mailstore.create_mailbox(account, Folder("Work")).path)
    leaf = b"x" * 20_000  # shared by all messages, and stored once
    with kit.transaction() as tx:
        for n in range(COUNT):
            raw = (
                b"Subject: %d\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%d\r\n--b\r\n"
                b"Content-Type: application/x\r\n\r\n%s\r\n--b--\r\n" % (n, n, leaf)
            )
            kit.mailstore.append(account, kit.mailstore.prepare(raw), mailbox=mailbox, tx=tx)
    if what == "expire":
        kit.mailstore.update(account, mailbox, ALL, Change(expires=kit.clock() + 1))
    elif what == "restore_many":
        kit.mailstore.update(account, mailbox, ALL, Change(add=["\\Flagged", "\\Deleted"]))
        kit.mailstore.remove(account, mailbox, ALL)
    elif what == "purge_archive":
        keep, kit.mailstore.archiver.keep = kit.mailstore.archiver.keep, lambda: 1
        kit.mailstore.remove(account, mailbox, ALL)
        kit.mailstore.archiver.keep = keep
    elif what == "purge_account":
        kit.mailstore.remove(account, mailbox, Selection(((1, COUNT // 2),)))
        kit.accounts.delete(kit.principals.get(account).id)
    return account


def faults(kit: MailKit, account: int) -> list[str]:
    return [str(one) for one in verify_mail(kit.store, [account], kit.quota, Counter()) if one.level == "error"]


def subjects(kit: MailKit, account: int, mailbox: str) -> list[str]:
    """The messages of a mailbox by what they say, so that one that is there twice is seen."""
    found = kit.mailstore.list(account, mailbox, limit=1000).items
    return sorted(entry.row.subject for entry in found)


def outcome(kit: MailKit, account: int) -> dict[str, object]:
    """What an account ends with, whatever way led there."""
    with kit.store.snapshot() as tx:
        used = kit.quota.used(tx, account)
        boxes = kit.mailstore.mailboxes(account, tx=tx)
    found: dict[str, object] = {"used": used, "archive": kit.mailstore.archive.size(account)}
    for box in boxes:
        entries = kit.mailstore.list(account, box.id, limit=1000).items
        said = sorted((entry.row.subject, entry.row.meta, entry.state.names) for entry in entries)
        found[box.path] = (box.total, box.unseen, box.size, said)
    return found


@pytest.mark.parametrize("what", sorted(WORK))
def test_work_that_is_killed_at_any_commit_can_be_repeated(
    what: str, kit: MailKit, clock: FixedClock, workers: Workers
) -> None:
    clock.now += HOUR
    undisturbed = begin(kit, what)
    clock.now += HOUR
    assert workers.status_of(what, undisturbed, 0, "after", clock.now) == 0
    want = outcome(kit, undisturbed)
    everybody = [str(n) for n in range(COUNT)]
    died = 0
    for moment in ("within", "after"):
        for n in itertools.count(1):
            account = begin(kit, what)
            clock.now += HOUR  # past the lease of the job that a dead process held
            if workers.status_of(what, account, n, moment, clock.now) == 0:
                assert outcome(kit, account) == want
                break
            died += 1
            assert faults(kit, account) == []
            gone = what == "purge_account"  # its mailboxes with it
            inbox, trash = ([], []) if gone else (subjects(kit, account, "INBOX"), subjects(kit, account, "Trash"))
            match what:  # what was done was done in whole steps, and nothing is there twice
                case "move":
                    assert sorted(inbox + trash) == everybody
                    assert len(trash) % STEP == 0 or not inbox
                case "copy":
                    assert inbox == everybody
                    assert len(set(trash)) == len(trash)
                case "remove" | "clear" | "clear_later" | "expire":
                    assert (COUNT - len(inbox)) % STEP == 0 or not inbox
                case "update" | "renumber":
                    assert inbox == everybody
                case "restore_many":
                    back = kit.mailstore.archive.size(account)[0]
                    there = [box.path for box in kit.mailstore.mailboxes(account) if box.path == "Restored"]
                    restored = subjects(kit, account, "Restored") if there else []
                    assert len(set(restored)) == len(restored) == COUNT - back
                    assert len(restored) % STEP == 0 or not back
                case "purge_archive":
                    left = kit.mailstore.archive.size(account)[0]
                    assert (COUNT - left) % STEP == 0 or not left
                case "delete_mailbox":
                    assert kit.mailstore.number(account) == account
                case "upload":
                    assert inbox in ([], ["large"])
            clock.now += HOUR
            if what == "delete_mailbox" and "Work" not in {box.path for box in kit.mailstore.mailboxes(account)}:
                while kit.run_due():
                    pass
            elif what == "upload" and inbox:
                assert kit.mailstore.source(account, "INBOX", 1) == LARGE
            else:
                WORK[what](kit, account)
            assert outcome(kit, account) == want, (n, moment)
            assert faults(kit, account) == []
    assert died >= 2 * (1 if what == "upload" else 3)
