"""Does a mailbox cost the same however large it is? Pages, threads, single messages, changes, and memory.

    python -m benchmarks.mailstore [--large 1000000] [--pages]

On LMDB, in one process, warm; both mailboxes lie in one store, and each kind of work takes turns between them. Filling
10^6 takes some minutes. Changes are durable; "16" stands for 16 of them in one commit. The medians of both are given,
and the ratio of the medians.

Memory is the process's anonymous memory (`RssAnon`; pages of the store's file are the kernel's to take back), while the
large mailbox is filled, and while all of it is listed page by page.

Then what storage costs: real messages of 8 to 12 KB (of the SpamAssassin corpus, each in ten versions with other words
in other places, for the corpus has only 303 of them), delivered one by one, the search index merged. `--large 0` does
this alone, `--pages` shows where the bytes are.

Aims: at most 1.5 x for a page of 20, a thread, one by UID, and for append, flag change, delete (to the archive) and
restore, 16 per commit; at most 0.9 bytes in the store for each byte of a message; less than 300 MB of memory, and flat.
"""

import argparse
import os
import platform
import random
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.corpus import spam_assassin
from benchmarks.pages import copy_of, table
from mailkit import MailKit
from mailkit.mailstore.flags import Change
from mailkit.mailstore.prepare import Ready
from mailkit.mailstore.selection import Selection
from mailkit.storage.api import Tx

BATCH = 200
ROUNDS = 200
MESSAGE = b"From: Bob <bob@example.net>\r\nSubject: %d\r\nMessage-ID: <%d@x>\r\nReferences: <%d@y>\r\n\r\nHello\r\n"


def anonymous() -> float:
    """RssAnon of this process in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def fill(kit: MailKit, account: int, count: int, note: Callable[[str], None]) -> None:
    """Short messages, in threads of three."""
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        ready = [kit.mailstore.prepare(MESSAGE % (n // 3, n, n // 3)) for n in numbers]

        def some(tx: Tx, ready: list[Ready] = ready) -> None:
            for message in ready:
                kit.mailstore.append(account, message, tx=tx)

        kit.transact(some)
        if (first + BATCH) % 200_000 == 0:
            note(f"{first + BATCH:,} delivered")


def listed(kit: MailKit, account: int) -> int:
    """Walks all of the mailbox in pages of 250."""
    after, count = None, 0
    while True:
        page = kit.mailstore.list(account, "INBOX", limit=250, after=after)
        count += len(page.items)
        if not page.after:
            return count
        after = page.items[-1].row.idate, page.items[-1].uid


def kinds(kit: MailKit, account: int, count: int) -> dict[str, Callable[[], object]]:
    """What is measured, on one mailbox."""
    mail, chance = kit.mailstore, random.Random(1)
    ready = mail.prepare(b"Subject: new\r\n\r\nHello\r\n")
    flags = [Change(add=["\\Flagged"]), Change(remove=["\\Flagged"])]
    turn = iter(range(1 << 30))
    low = iter(range(1, count // 2))
    threads = [mail.get(account, "INBOX", chance.randrange(count // 2, count)).row.thread for _ in range(100)]

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
        "thread of 3": lambda: mail.thread_sizes(account, [chance.choice(threads)]),
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


def by_size(large: int) -> None:
    with tempfile.TemporaryDirectory() as folder, MailKit.open(folder) as kit:
        sizes = {1000: "small", large: "large"}
        work = {}
        memory = [anonymous()]
        print(f"memory before: {memory[0]:.0f} MB anonymous")

        def note(what: str) -> None:
            memory.append(anonymous())
            print(f"  {what}: {memory[-1]:.0f} MB", flush=True)

        for count, name in sizes.items():
            account = kit.accounts.create(name, address=f"{name}@example.org", quota=1 << 50).number
            began = time.perf_counter()
            fill(kit, account, count, note)
            work[count] = kinds(kit, account, count)
        print(f"{large:,} stored in {time.perf_counter() - began:.0f} s, {BATCH} per commit")
        note(f"{listed(kit, account):,} listed")
        for kind in work[1000]:
            rounds = 25 if kind.startswith(("delete", "restore")) else ROUNDS
            times: dict[int, list[float]] = {count: [] for count in sizes}
            for _ in range(rounds):
                for count in sizes:
                    began = time.perf_counter()
                    work[count][kind]()
                    times[count].append(time.perf_counter() - began)
            small, big = (median(times[count]) * 1e6 for count in sizes)
            aim = "" if kind in ("append", "flag change", "delete") else " (aim 1.5x)"
            print(
                f"{kind:16} {small:8.0f} us of 1,000, {big:8.0f} us of {large:,}: {big / small:.2f}x{aim}", flush=True
            )
        note("all of it measured")
        print(f"most memory: {max(memory):.0f} MB (aim < 300 MB)")


def varied(raw: bytes, version: int) -> bytes:
    """A message like it: one word in five is another one of its words."""
    chance = random.Random(version)
    head, _, body = raw.partition(b"\n\n")
    known = re.findall(rb"\b[a-z]{3,}\b", body) or [b"none"]
    swapped = re.sub(rb"\b[a-z]{3,}\b", lambda it: chance.choice(known) if chance.random() < 0.2 else it[0], body)
    return head + b"\nX-Version: %d\n\n" % version + swapped


def on_disk(show: bool) -> None:
    chosen = [sample.raw for sample in spam_assassin() if 8 << 10 <= len(sample.raw) <= 12 << 10]
    with tempfile.TemporaryDirectory() as folder, MailKit.open(folder) as kit:
        account = kit.accounts.create("u", address="u@example.org", quota=1 << 50).number
        raw = count = 0
        for version in range(10):
            for sample in chosen:
                message = varied(sample, version)
                kit.delivery.accept(message, mail_from="a@example.net", rcpt_to=["u@example.org"])
                raw, count = raw + len(message), count + 1
        pending = copy_of(kit.store)
        while kit.run_due():
            pass
        merged = copy_of(kit.store)
        mean = raw / count
        print(f"{count} messages of {mean:.0f} bytes: {len(pending) / raw:.2f} bytes in the store for each of theirs,")
        print(f"  {len(merged) / raw:.2f} once the search index is merged (aim 0.9)")
        for data in (pending, merged) if show else ():
            print("\n" + "\n".join(table(data, raw)))
        assert kit.mailstore.mailbox(account, "INBOX").total == count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--pages", action="store_true")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if options.large:
        by_size(options.large)
    on_disk(options.pages)


if __name__ == "__main__":
    main()
