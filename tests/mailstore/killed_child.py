"""Does work on a store in processes that kill themselves at a commit that they were told. Run by `test_killed.py`.

Reads lines of JSON `[what, account, n, moment, now]` and answers each with the exit status of the process that it was
done in: 0, or -9. The n-th commit counts from 1, and so does the n-th file of content; `moment` is `within` (all is
written, nothing committed) or `after` (committed, and nobody told).
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from mailkit import MailKit
from mailkit.clock import FixedClock
from mailkit.mailstore import change, erase, lapse, service, work
from mailkit.mailstore.flags import Change
from mailkit.mailstore.selection import LAST, Selection
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.instore import StoreBlobs
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.postgres import PostgresStore
from mailkit.testing.platform import platform

ALL = Selection(((1, LAST),))
STEP = 4
LARGE = b"Subject: large\r\n\r\n" + bytes(range(32, 127)) * 12_000


def work_off(kit: MailKit) -> None:
    while kit.run_due():
        pass


def clear_later(kit: MailKit, account: int) -> None:
    kit.mailstore.clear_later(account, "INBOX")
    work_off(kit)


def delete_mailbox(kit: MailKit, account: int) -> None:
    kit.mailstore.delete_mailbox(account, "Work")
    work_off(kit)


def expire(kit: MailKit, account: int) -> None:
    kit.jobs.store.transact(lambda tx: kit.jobs.schedule(tx, lapse.EXPIRE, due=kit.clock(), key=""))
    work_off(kit)


def restore_many(kit: MailKit, account: int) -> None:
    kit.mailstore.archive.restore_later(account, 0, kit.clock(), into="Restored")
    work_off(kit)


def purge_archive(kit: MailKit, account: int) -> None:
    kit.mailstore.upkeep(account)
    work_off(kit)


WORK: dict[str, Callable[[MailKit, int], object]] = {
    "move": lambda kit, account: kit.mailstore.move(account, "INBOX", ALL, "Trash", Change(add=["\\Seen"])),
    "copy": lambda kit, account: kit.mailstore.copy(account, "INBOX", ALL, "Trash", once="this copy"),
    "update": lambda kit, account: kit.mailstore.update(account, "INBOX", ALL, Change(add=["\\Flagged"], meta="{}")),
    "remove": lambda kit, account: kit.mailstore.remove(account, "INBOX", ALL),
    "clear": lambda kit, account: kit.mailstore.clear(account, "INBOX"),
    "clear_later": clear_later,
    "delete_mailbox": delete_mailbox,
    "expire": expire,
    "restore_many": restore_many,
    "purge_archive": purge_archive,
    "purge_account": lambda kit, account: work_off(kit),
    "renumber": lambda kit, account: kit.mailstore.renumber(account),
    "upload": lambda kit, account: kit.mailstore.append(account, LARGE),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch(n: int, moment: str) -> None:
    """Has this process die at the n-th commit, or file."""
    seen = 0

    def counted(real: Callable[..., Any], *, takes_function: bool) -> Callable[..., Any]:
        def call(self: Any, what: Any, *rest: Any) -> Any:
            nonlocal seen
            seen += 1
            mine = seen == n

            def fn(tx: Any) -> Any:
                result = what(tx)
                if mine and moment == "within":
                    die()
                return result

            if mine and moment == "within" and not takes_function:
                die()
            result = real(self, fn if takes_function else what, *rest)
            if mine:
                die()
            return result

        return call

    classes: tuple[tuple[Any, str], ...] = (
        (LmdbStore, "transact"), (PostgresStore, "transact"), (FileBlobs, "put"), (StoreBlobs, "put"),
    )  # fmt: skip
    for owner, name in classes:
        setattr(owner, name, counted(getattr(owner, name), takes_function=name == "transact"))


def main(where: str) -> None:
    for module in (service, change, work, erase, lapse):
        module.STEP = STEP  # type: ignore[attr-defined]
    for line in sys.stdin:
        what, account, n, moment, now = json.loads(line)
        child = os.fork()
        if child == 0:
            with platform(where, clock=FixedClock(now)) as kit:
                watch(n, moment)
                WORK[what](kit, account)
                os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
