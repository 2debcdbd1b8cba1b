"""A process that is killed after any of the commits of a purge, a restore of many, or an account's removal leaves whole
steps behind, and whoever comes next does the rest: nothing twice, nothing left out."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.mailstore.flags import Change
from mailkit.mailstore.folders import Folder
from mailkit.mailstore.selection import LAST, Selection
from mailkit.testing.platform import platform
from mailkit.verify import verify

ALL = Selection(((1, LAST),))
COUNT = 8
DAY = 86_400_000

WORK = """
import os, signal, sys
from mailkit.clock import FixedClock
from mailkit.mailstore import archive, erase, lapse, work
from mailkit.testing.platform import platform

for module in (archive, erase, lapse, work):
    setattr(module, "_STEP" if module is archive else "STEP", 4)
where, now, left = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with platform(where, clock=FixedClock(now)) as kit:
    transact = kit.store.transact

    def counting(fn):
        global left
        result = transact(fn)
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    kit.store.transact = counting
    while kit.run_due():
        pass
"""


def faults(kit: MailKit) -> list[str]:
    return [str(finding) for finding in verify(kit) if finding.level == "error"]


def fill(kit: MailKit, account: int) -> None:
    for number in range(COUNT):
        raw = b"Subject: %d\r\n\r\n" % number + (b"x" * 300_000 if number == 5 else b"short\r\n")
        kit.mailstore.append(account, raw, flags=["\\Seen", "\\Deleted"])


def bulk_restore(kit: MailKit, account: int) -> None:
    kit.mailstore.remove(account, "INBOX", ALL)
    kit.mailstore.archive.restore_later(account, 0, kit.clock(), into="Restored")


def expiry(kit: MailKit, account: int) -> None:
    kit.mailstore.update(account, "INBOX", ALL, Change(expires=kit.clock()))
    kit.mailstore.upkeep(account)


def archive_purge(kit: MailKit, account: int) -> None:
    kit.mailstore.archiver.keep = lambda: 0
    kit.mailstore.hold(account, reason="so that it goes to the archive", by="test")
    kit.mailstore.remove(account, "INBOX", ALL)
    (hold,) = kit.mailstore.holds.list().items
    kit.mailstore.holds.release(account, hold.id, by="test")
    kit.mailstore.upkeep(account)


def deleted_mailbox(kit: MailKit, account: int) -> None:
    box = kit.mailstore.create_mailbox(account, Folder("Work"))
    kit.mailstore.move(account, "INBOX", ALL, box.id)
    kit.mailstore.delete_mailbox(account, box.id)


def account_purge(kit: MailKit, account: int) -> None:
    kit.mailstore.remove(account, "INBOX", Selection(((1, COUNT // 2),)))
    kit.accounts.delete(kit.principals.get(account).id)


def outcome(kit: MailKit, account: int) -> dict[str, object]:
    """What there is in the end."""
    boxes = {box.path: (box.total, box.unseen) for box in kit.mailstore.mailboxes(account) if box.total}
    flags = set()
    for path in boxes:
        flags |= {entry.state.names for entry in kit.mailstore.list(account, path, limit=100).items}
    with kit.store.snapshot() as tx:
        used = kit.quota.used(tx, account)
    return {"boxes": boxes, "archive": kit.mailstore.archive.size(account)[0], "used": used, "flags": flags}


CASES: dict[Callable[[MailKit, int], None], Callable[[dict[str, object]], bool]] = {
    bulk_restore: lambda o: (
        o["boxes"] == {"Restored": (COUNT, 0)} and o["archive"] == 0 and o["flags"] == {("\\Seen",)}
    ),
    expiry: lambda o: o["boxes"] == {} and o["archive"] == COUNT and o["used"] == 0,
    archive_purge: lambda o: o["boxes"] == {} and o["archive"] == 0 and o["used"] == 0,
    deleted_mailbox: lambda o: o["boxes"] == {} and o["archive"] == COUNT and o["used"] == 0,
    account_purge: lambda o: o["boxes"] == {} and o["archive"] == 0 and o["used"] == 0,
}


QUICK = (bulk_restore, archive_purge, account_purge)
"""The others are soak: each case starts a process per commit."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=() if case in QUICK else pytest.mark.soak) for case in CASES],
    ids=lambda case: case.__name__,
)
def test_work_that_is_killed_after_each_commit_comes_to_the_same_end(
    case: Callable[[MailKit, int], None], tmp_path: Path
) -> None:
    where, clock = str(tmp_path / "data"), FixedClock()
    with platform(where, clock=clock) as kit:
        account = kit.accounts.create("alice", address="alice@example.org").number
        fill(kit, account)
        case(kit, account)
    kills = 0
    while True:
        child = subprocess.run(
            [sys.executable, "-c", WORK, where, str(clock()), "2"],  # one commit claims the job, one is work
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        with platform(where, clock=clock) as kit:
            assert faults(kit) == []
        clock.advance(seconds=61)  # beyond the dead one's lease
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL
        kills += 1
        assert kills < 60
    assert kills >= 3
    with platform(where, clock=clock) as kit:
        assert CASES[case](outcome(kit, account)), outcome(kit, account)
