"""A process that is killed in the middle of bulk work leaves whole steps; repeating it does the rest."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailkit import MailKit
from mailkit.mailstore.selection import LAST, Selection
from mailkit.testing.platform import platform
from mailkit.verify import verify

ALL = Selection(((1, LAST),))
COUNT = 600

WORK = """
import sys
from mailkit.mailstore import service
from mailkit.mailstore.flags import Change
from mailkit.mailstore.selection import LAST, Selection
from mailkit.testing.platform import platform

service.STEP = 20
with platform(sys.argv[1]) as kit:
    account = int(sys.argv[2])
    all = Selection(((1, LAST),))
    print("ready", flush=True)
    match sys.argv[3]:
        case "move":
            kit.mailstore.move(account, "INBOX", all, "Trash", Change(add=["\\\\Seen"]))
        case "clear":
            kit.mailstore.clear(account, "INBOX")
        case "copy":
            kit.mailstore.copy(account, "INBOX", all, "Trash")
"""


def faults(kit: MailKit) -> list[str]:
    return [str(finding) for finding in verify(kit) if finding.level == "error"]


@pytest.mark.parametrize("what", ["move", "clear", "copy"])
def test_killed_bulk_work_can_be_repeated(what: str, tmp_path: Path) -> None:
    where = str(tmp_path / "data")
    with platform(where) as kit:
        account = kit.accounts.create("alice", address="alice@example.org").number
        ready = kit.mailstore.prepare(b"Subject: x\r\n\r\n" + b"x" * 1000)
        with kit.transaction() as tx:
            for _ in range(COUNT):
                kit.mailstore.append(account, ready, tx=tx)
    for pause in (0.01, 0.03):
        child = subprocess.Popen(
            [sys.executable, "-c", WORK, where, str(account), what],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with platform(where) as kit:
            assert faults(kit) == []
            inbox = kit.mailstore.mailbox(account, "INBOX").total
            trash = kit.mailstore.mailbox(account, "Trash").total
            assert inbox % 20 == 0
            if what == "move":
                assert inbox + trash == COUNT
            if what == "copy":
                assert inbox == COUNT
    with platform(where) as kit:
        match what:
            case "move":
                kit.mailstore.move(account, "INBOX", ALL, "Trash")
                assert kit.mailstore.mailbox(account, "Trash").total == COUNT
            case "clear":
                kit.mailstore.clear(account, "INBOX")
                assert kit.used(account) == 0
        assert what == "copy" or kit.mailstore.mailbox(account, "INBOX").total == 0
        assert faults(kit) == []
