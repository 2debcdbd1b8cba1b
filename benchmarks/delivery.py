"""Real mail delivered, beside Dovecot: the SpamAssassin corpus, 16 messages at a time, each durable before its answer.

    python -m benchmarks.delivery [--rounds 2] [--workers 2] [--only one|100]

- dovecot maildir, dovecot sdbox: Dovecot over LMTP, one process per connection, `mail_fsync = always`. It indexes no
  words. Skipped, and said so, when Debian's dovecot-lmtpd is not installed.
- mailkit, LMTP: `mailkit serve` with `--workers` processes that take mail in: parsed, stored with fsync, threaded,
  journalled and indexed for search; its background process merges the search index meanwhile.
- mailkit, call: `kit.delivery.accept` on 16 threads, all of one process, or of two that have the same folder open (one
  process of Python computes on one core). Embedded, nothing runs by itself: what merging the search index costs
  afterwards is given beside it.

The client of LMTP is one process with 16 connections, the same for all, on the same cores. Everything takes turns; the
best of the rounds counts. `cpu` is the processor time of all processes of a server per message, counted until it has
nothing left to do.

Then one message of 10 KB to 100 recipients here against the same to one, by call.

Aims: >= 1.0 x the better Dovecot over LMTP, >= 1.2 x by call, into one account and spread over 100; 100 recipients at
most 10 x the time of one, the message's bytes stored once.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

from attrs import frozen

from benchmarks.corpus import spam_assassin
from benchmarks.dovecot import DOVECOT, running
from mailkit import MailKit
from mailkit.mailstore.records import BlobRef
from mailkit.storage.blobs import records as blob_records

AT_A_TIME = 16


@frozen
class Server:
    """Something that takes mail over LMTP, and how much of it is there in the end."""

    pid: int
    port: int
    stored: Callable[[], int]


def messages() -> list[bytes]:
    """The corpus as SMTP wants it: every line ends in CRLF, and no CR or LF stands alone."""
    return [re.sub(rb"\r\n|\r|\n|(?<=[^\r\n])\Z", b"\r\n", sample.raw) for sample in spam_assassin()]


# The peers


def accounts_of(folder: str, accounts: int) -> None:
    with MailKit.open(folder) as kit:
        for number in range(accounts):
            kit.accounts.create(f"u{number}", address=f"u{number}@example.org", quota=1 << 40)


def stored_in(kit: MailKit, accounts: int) -> int:
    """Messages in the INBOXes."""
    numbers = (kit.principals.by_name(f"u{number}").number for number in range(accounts))
    return sum(kit.mailstore.mailbox(number, "INBOX").total for number in numbers)


@contextmanager
def mailkit(accounts: int, workers: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="mailkit-") as folder:
        accounts_of(folder, accounts)
        command = [sys.executable, "-m", "mailkit", "serve", "--data", folder, "--lmtp", "127.0.0.1:0"]
        command += ["--http", "off", "--workers", str(workers)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            said = next(line for line in process.stderr if "mailkit is ready" in line)
            port = int(said.split("lmtp://")[1].split(",")[0].rpartition(":")[2])

            def stored() -> int:
                with MailKit.open(folder) as kit:
                    return stored_in(kit, accounts)

            yield Server(process.pid, port, stored)
        finally:
            process.terminate()
            process.communicate()


@contextmanager
def dovecot(kind: str) -> Iterator[Server]:
    with running(kind) as it:
        pattern = "mail/new/*" if kind == "maildir" else "mail/mailboxes/INBOX/dbox-Mails/u.*"
        yield Server(it.pid, it.port, lambda: sum(1 for _ in it.mail.glob(f"*/{pattern}")))


def cpu_of(root: int) -> float:
    """Processor seconds of a process and all below it, living or gone."""
    ticks: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    below, total = {root}, 0
    for _ in range(4):  # levels of processes
        below |= {pid for pid, (parent, _) in ticks.items() if parent in below}
    total = sum(ticks[pid][1] for pid in below if pid in ticks)
    return total / os.sysconf("SC_CLK_TCK")


def cpu_when_idle(root: int) -> float:
    """The same, once there is nothing left to do."""
    spent = cpu_of(root)
    for _ in range(60):
        time.sleep(0.5)
        before, spent = spent, cpu_of(root)
        if spent - before < 0.03:
            break
    return spent


# The client


async def client(port: int, work: Iterator[tuple[bytes, int]]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)

    async def answer(code: bytes) -> None:
        while (line := await reader.readline())[3:4] == b"-":
            pass
        if not line.startswith(code):
            raise RuntimeError(f"{code.decode()} expected, {line!r} came")

    await answer(b"220")
    writer.write(b"LHLO client.example\r\n")
    await answer(b"250")
    for content, account in work:
        writer.write(b"MAIL FROM:<alice@example.net>\r\nRCPT TO:<u%d@example.org>\r\nDATA\r\n" % account)
        await answer(b"250")
        await answer(b"250")
        await answer(b"354")
        writer.write(content)
        await answer(b"250")
    writer.write(b"QUIT\r\n")
    await answer(b"221")
    writer.close()


async def send(port: int, contents: list[bytes], accounts: int) -> float:
    """Seconds that it took."""
    work = ((content, at % accounts) for at, content in enumerate(contents))
    began = time.perf_counter()
    await asyncio.gather(*(client(port, work) for _ in range(AT_A_TIME)))
    return time.perf_counter() - began


def by_lmtp(server: Server, contents: list[bytes], accounts: int) -> tuple[float, float]:
    """Messages a second, and processor seconds per message."""
    before = cpu_when_idle(server.pid)
    taken = asyncio.run(send(server.port, contents, accounts))
    spent = cpu_when_idle(server.pid) - before
    if server.stored() != len(contents):
        raise RuntimeError(f"{server.stored()} of {len(contents)} messages were stored")
    return len(contents) / taken, spent / len(contents)


def by_call(accounts: int, processes: int) -> tuple[float, float, float]:
    """The same by function call, in processes of their own; and what merging takes per message."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.delivery", "--call", str(accounts), "--processes", str(processes)],
        stdout=subprocess.PIPE,
        check=True,
    )
    rate, spent, merging = json.loads(done.stdout)
    return rate, spent, merging


def called(accounts: int, processes: int) -> None:
    """What that process does."""
    count = len(messages())
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="mailkit-") as folder:
        accounts_of(folder, accounts)
        start, end = context.Barrier(processes + 1), context.Barrier(processes + 1)
        spent = context.Queue()
        callers = [
            context.Process(target=calls, args=(folder, accounts, number, processes, start, end, spent))
            for number in range(processes)
        ]
        for caller in callers:
            caller.start()
        start.wait()
        began = time.perf_counter()
        end.wait()
        taken = time.perf_counter() - began
        total = sum(spent.get() for _ in callers)
        for caller in callers:
            caller.join()
        with MailKit.open(folder) as kit:
            before = cpu_of(os.getpid())
            while kit.run_due():
                pass
            merging = cpu_of(os.getpid()) - before
            if stored_in(kit, accounts) != count:
                raise RuntimeError("messages are missing")
    print(json.dumps([count / taken, total / count, merging / count]))


def calls(
    folder: str, accounts: int, number: int, processes: int, start: Barrier, end: Barrier, spent: "Queue[float]"
) -> None:
    """One of the processes: its share of the messages, and of the threads."""
    contents = messages()
    with MailKit.open(folder) as kit, ThreadPoolExecutor(AT_A_TIME // processes) as pool:

        def accept(at: int) -> None:
            to = f"u{at % accounts}@example.org"
            kit.delivery.accept(contents[at], mail_from="alice@example.net", rcpt_to=[to], ip="127.0.0.1")

        start.wait()
        before = cpu_of(os.getpid())
        list(pool.map(accept, range(number, len(contents), processes)))
        spent.put(cpu_of(os.getpid()) - before)
        end.wait()


def to_many(rounds: int = 50) -> None:
    """One message to one recipient and to 100."""
    raw = next(raw for raw in messages() if 10_000 < len(raw) < 10_500)
    everybody = [f"u{number}@example.org" for number in range(100)]
    with tempfile.TemporaryDirectory(prefix="mailkit-") as folder:
        accounts_of(folder, 100)
        with MailKit.open(folder) as kit:
            seconds: dict[int, list[float]] = {1: [], 100: []}
            for number in range(rounds):
                for count, times in seconds.items():
                    message = b"X-Number: %d to %d\r\n" % (number, count) + raw
                    began = time.perf_counter()
                    kit.delivery.accept(message, mail_from="alice@example.net", rcpt_to=everybody[:count])
                    times.append(time.perf_counter() - began)
            row = kit.mailstore.list(kit.principals.by_name("u0").number, limit=1).items[0].row
            with kit.store.snapshot() as tx:
                shared = [blob_records.content(tx, part.digest) for part in row.segments if isinstance(part, BlobRef)]
    one, many = (median(times) * 1e3 for times in seconds.values())
    print(f"one message of 10 KB: {one:.2f} ms to one, {many:.2f} ms to 100 recipients: {many / one:.1f}x (aim 10x)")
    print(f"  its bytes are stored once, with {', '.join(str(part.count) for part in shared if part)} references")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", type=int, choices=(1, 100))
    parser.add_argument("--call", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--processes", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call:
        called(options.call, options.processes)
        return
    contents = [raw.replace(b"\r\n.", b"\r\n..") + b".\r\n" for raw in messages()]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{len(contents)} messages, {AT_A_TIME} at a time, {options.workers} workers")
    if not DOVECOT.exists():
        print("dovecot-lmtpd is not installed: its figures are missing")
    for accounts in (options.only,) if options.only else (1, 100):
        best: dict[str, tuple[float, float]] = {}

        def note(name: str, rate: float, spent: float, best: dict[str, tuple[float, float]] = best) -> None:
            old_rate, old_spent = best.get(name, (0.0, float("inf")))
            best[name] = max(rate, old_rate), min(spent, old_spent)

        for _ in range(options.rounds):
            if DOVECOT.exists():
                for kind in ("maildir", "sdbox"):
                    with dovecot(kind) as server:
                        note(f"dovecot {kind}", *by_lmtp(server, contents, accounts))
            with mailkit(accounts, options.workers) as server:
                note("mailkit, LMTP", *by_lmtp(server, contents, accounts))
            for processes, name in ((1, "mailkit, call"), (2, "mailkit, 2 calling")):
                *figures, merging = by_call(accounts, processes)
                note(name, *figures)
        peers = [figures for name, figures in best.items() if name.startswith("dovecot")]
        peer, least = max((rate for rate, _ in peers), default=0.0), min((spent for _, spent in peers), default=0.0)
        print(f"into {accounts} account{'s' * (accounts > 1)}")
        for name, (rate, spent) in best.items():
            ratio = ""
            if peer and name.startswith("mailkit"):
                ratio = f"  {rate / peer:.2f}x the better Dovecot, {least / spent:.2f}x by cpu"
            aim = "" if not ratio else " (aim 1.0x)" if name.endswith("LMTP") else " (aim 1.2x)"
            print(f"  {name:18} {rate:7.0f} msg/s  {spent * 1e6:6.0f} us cpu/msg{ratio}{aim}")
        print(f"  merging the search index after the calls: {merging * 1e6:.0f} us cpu/msg")
    to_many()


if __name__ == "__main__":
    main()
