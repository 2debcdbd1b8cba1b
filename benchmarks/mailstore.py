"""Does a mailbox cost the same however large it is? Pages, single messages and durable changes, of 10^3 and of many.

    python -m benchmarks.mailstore [--large 1000000]

On LMDB, in one process, warm; both mailboxes lie in one store, and each kind of work takes turns between them. Filling
10^6 takes some minutes. Changes are durable; "16" stands for 16 of them in one commit.

Aim: at most 1.5 x for a page of 20, one by UID, and for append, flag change, delete (to the archive) and restore, 16
per commit.
"""

import argparse
import platform
import random
import tempfile
import time
from collections.abc import Callable

from mailkit import MailKit
from mailkit.mailstore.flags import Change
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.selection import Selection
from mailkit.storage.api import Tx

BATCH = 1000
ROUNDS = 200


def fill(kit: MailKit, account: int, count: int) -> None:
    """Short messages, each a thread of its own."""
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        ready = [kit.mailstore.prepare(b"Subject: %d\r\nMessage-ID: <%d@x>\r\n\r\nHello\r\n" % (n, n)) for n in numbers]

        def some(tx: Tx, ready: list[Ready] = ready) -> None:
            for message in ready:
                kit.mailstore.append(account, message, tx=tx)

        kit.transact(some)


def kinds(kit: MailKit, account: int, count: int) -> dict[str, Callable[[], object]]:
    """What is measured, on one mailbox."""
    mail, chance = kit.mailstore, random.Random(1)
    ready = mail.prepare(b"Subject: new\r\n\r\nHello\r\n")
    flags = [Change(add=["\\Flagged"]), Change(remove=["\\Flagged"])]
    turn = iter(range(1 << 30))
    low = iter(range(1, count // 2))

    def uid() -> int:
        return chance.randrange(count // 2, count)

    def in_one(times: int, work: Callable[[Tx], object]) -> Callable[[], object]:
        return lambda: kit.transact(lambda tx: [work(tx) for _ in range(times)])

    def flag(tx: Tx) -> None:
        number = next(turn)
        mail.update(account, "INBOX", Selection.of([uid()]), flags[number % 2], tx=tx)

    def append(tx: Tx) -> None:
        mail.append(account, ready, tx=tx)

    def delete(tx: Tx) -> None:
        mail.remove(account, "INBOX", Selection.of([next(low)]), tx=tx)

    def restore(tx: Tx) -> None:
        mail.archive.restore(account, mail.archive.list(account, limit=1, tx=tx).items[0].archived.id, tx=tx)

    return {
        "page of 20": lambda: mail.list(account, "INBOX", limit=20),
        "one by UID": lambda: mail.get(account, "INBOX", uid()),
        "append": in_one(1, append),
        "append, 16": in_one(16, append),
        "flag change": in_one(1, flag),
        "flag change, 16": in_one(16, flag),
        "delete": in_one(1, delete),
        "delete, 16": in_one(16, delete),
        "archive's page": lambda: mail.archive.list(account, limit=20),
        "restore, 16": in_one(16, restore),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=1_000_000)
    large = parser.parse_args().large
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, MailKit.open(folder) as kit:
        quota = 1 << 50
        sizes = {1000: "small", large: "large"}
        work = {}
        for count, name in sizes.items():
            account = kit.accounts.create(name, address=f"{name}@example.org", quota=quota).number
            fill(kit, account, count)
            work[count] = kinds(kit, account, count)
        for kind in work[1000]:
            rounds = 25 if kind.startswith(("delete", "restore")) else ROUNDS
            times: dict[int, list[float]] = {count: [] for count in sizes}
            for _ in range(rounds):
                for count in sizes:
                    began = time.perf_counter()
                    work[count][kind]()
                    times[count].append(time.perf_counter() - began)
            small, big = (sorted(times[count])[rounds // 2] * 1e6 for count in sizes)
            print(f"{kind:16} {small:8.0f} us of 1,000, {big:8.0f} us of {large:,}: {big / small:.2f}x (aim 1.5x)")


if __name__ == "__main__":
    main()
