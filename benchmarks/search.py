"""Search in one account, against SQLite's FTS5 and notmuch in the same run.

    python -m benchmarks.search [--messages 50000] [--without-notmuch]

The account is filled from the SpamAssassin corpus; what is beyond its 6,046 messages are copies with a fifth of the
words swapped for others of the corpus and some new ones. All sides index the same words; ours and FTS5 answer with all
ids and their count, notmuch with the count and 20 ids. FTS5: contentless, with positions, `unicode61`, in WAL mode with
synchronous=FULL. notmuch is asked through its Python binding, in a process of the system's Python; it is left out, and
this said, where Debian's `notmuch` and `python3-notmuch2` are missing.

Aims: p50 of the mixed queries <= 1.0 x FTS5, <= 0.5 x notmuch; phrases p50 <= 1.0 x notmuch, <= 50 ms at worst; what a
10 KB message pays < 0.5 ms before it is acknowledged, < 1.0 ms of CPU in all; queries while merging and delivering p99
< 5 x quiet, no write held > 50 ms by a merge; bytes per message <= FTS5.
"""

import argparse
import json
import multiprocessing
import os
import platform
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpus import spam_assassin
from mailkit import MailKit
from mailkit.ids import Id, new_id
from mailkit.mailstore.follower import Added
from mailkit.mailstore.records import Message, State
from mailkit.mime.parse import parse
from mailkit.search import merging
from mailkit.search.delta import NO_WORDS, undescribed
from mailkit.search.document import document
from mailkit.search.query import Flag, Not, Query, Text, all_of, any_of
from mailkit.search.store import StoreIndex
from mailkit.storage.api import Tx

ACCOUNT = 7
BOX = Id(b"benchmark..."[:12])


def texts(count: int) -> Iterator[bytes]:
    """What `describe` gives for each message: the corpus, then varied copies."""
    chance = random.Random(1)
    index = StoreIndex(lambda tx, account: None)
    originals = [index.describe(parse(sample.raw)) for sample in spam_assassin()]
    pool: list[bytes] = []
    for data in originals[::7]:
        pool += data[1:].split(b"\x01")[-1].strip(b"\0").split(b"\0")[:200]
    pool = [word for word in pool if word]
    for n in range(count):
        data = originals[n % len(originals)]
        if n < len(originals):
            yield data
            continue
        fields = data[1:].split(b"\x01")
        words = fields[-1].strip(b"\0").split(b"\0")
        for at in range(len(words)):
            throw = chance.random()
            if throw < 0.2:
                words[at] = chance.choice(pool)
            elif throw < 0.205:
                words[at] = b"zz%x" % chance.getrandbits(28)
        fields[-1] = b"\0" + b"\0".join(words) + b"\0"
        yield data[:1] + b"\x01".join(fields)


def added(n: int, data: bytes) -> Added:
    """A message as the mail store tells of it."""
    row = Message(id=new_id(), size=len(data), idate=1_000_000 + n * 1000, segments=(), thread=new_id())
    return Added(ACCOUNT, BOX, n + 1, row, State(modseq=1, flags=n % 2), data)


class Ours:
    """The index in an LMDB store."""

    def __init__(self, folder: Path) -> None:
        self.kit = MailKit.open(folder / "ours")
        self.file = folder / "ours" / "data.mdb"
        self.store = self.kit.store
        self.index: StoreIndex = self.kit.search.index  # type: ignore[assignment]

    def add(self, batch: list[Added]) -> None:
        def fn(tx: Tx) -> None:
            for one in batch:
                self.index.changed(tx, one)

        self.store.transact(fn)

    def merge(self) -> int:
        count = 0
        while merging.merge(self.store, self.index, ACCOUNT, clock=self.kit.clock):
            count += 1
        return count

    def ask(self, query: Query) -> list[int]:
        with self.store.snapshot() as tx:
            return list(self.index.evaluation(tx, ACCOUNT).answer(query))

    def bytes(self) -> int:
        """Pages in use in a file that holds little else; what merges have freed is used again by what comes."""
        read = (
            "import lmdb, sys\n"
            "env = lmdb.open(sys.argv[1], max_dbs=8, readonly=True, lock=False)\n"
            "with env.begin() as tx:\n"
            "    rows = tx.stat(env.open_db(b'rows', tx, create=False))\n"
            "print(rows['psize'] * (rows['branch_pages'] + rows['leaf_pages'] + rows['overflow_pages']))"
        )  # elsewhere, for a file is opened once in a process
        command = [sys.executable, "-c", read, str(self.file.parent)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class Fts:
    """SQLite FTS5, with the changing facts in a table beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fts.db"
        self.db = sqlite3.connect(self.path)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=full")
        self.db.execute("pragma cache_size=-200000")
        self.db.execute("create virtual table m using fts5(s, f, t, x, content='', tokenize=\"unicode61\")")
        self.db.execute("create table facts (id integer primary key, unseen int)")

    def add(self, batch: list[Added]) -> None:
        rows, facts = [], []
        for one in batch:
            _, words = undescribed(one.described)
            fields = [field.replace(b"\0", b" ").decode() for field in words.split(b"\x01")]
            rows.append((one.uid - 1, fields[0], fields[1], " ".join(fields[2:5]), " ".join(fields[5:])))
            facts.append((one.uid - 1, not one.state.flags))
        self.db.executemany("insert into m(rowid, s, f, t, x) values (?, ?, ?, ?, ?)", rows)
        self.db.executemany("insert into facts values (?, ?)", facts)
        self.db.commit()

    def ask(self, query: str) -> list[int]:
        if query.startswith("unread "):
            sql = "select id from m join facts on id = m.rowid where m match ? and unseen"
            return [row for (row,) in self.db.execute(sql, (query[7:],))]
        return [row for (row,) in self.db.execute("select rowid from m where m match ?", (query,))]

    def bytes(self) -> int:
        self.db.execute("pragma wal_checkpoint(truncate)")
        return self.path.stat().st_size


class Notmuch:
    """notmuch over a maildir of the same words."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "maildir"
        for name in ("cur", "new", "tmp"):
            (self.folder / name).mkdir(parents=True)
        config = folder / "notmuch-config"
        config.write_text(
            f"[database]\npath={self.folder}\n[user]\nname=x\nprimary_email=x@example.org\n"
            "[new]\ntags=unread\n[maildir]\nsynchronize_flags=true\n"
        )
        self.environment = {**os.environ, "NOTMUCH_CONFIG": str(config)}
        self._peer: subprocess.Popen[str] | None = None

    @staticmethod
    def missing() -> str:
        """Why it cannot take part; empty when it can."""
        if shutil.which("notmuch") is None:
            return "notmuch is not installed"
        found = subprocess.run(["/usr/bin/python3", "-c", "import notmuch2"], capture_output=True)
        return "python3-notmuch2 is not installed" if found.returncode else ""

    def add(self, batch: list[Added]) -> None:
        for one in batch:
            fields = [
                field.replace(b"\0", b" ").strip() for field in undescribed(one.described or NO_WORDS)[1].split(b"\x01")
            ]
            raw = b"Message-ID: <%d@example.org>\nSubject: %s\nFrom: %s <a@example.org>\nTo: %s <b@example.org>\n" % (
                one.uid, fields[0], fields[1], b" ".join(fields[2:5]))  # fmt: skip
            raw += b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
            flags = "" if not one.state.flags else "S"
            (self.folder / "cur" / f"{one.uid}:2,{flags}").write_bytes(raw + b" ".join(fields[5:]) + b"\n")

    def index(self) -> float:
        """Indexes what was added; CPU seconds."""
        before = os.times()
        subprocess.run(["notmuch", "new", "--quiet"], env=self.environment, check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    def ask(self, query: str) -> tuple[float, int]:
        """Milliseconds and hits."""
        if self._peer is None:
            script = Path(__file__).with_name("notmuch_peer.py")
            self._peer = subprocess.Popen(
                ["/usr/bin/python3", str(script), str(self.folder)], env=self.environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert self._peer.stdin
        assert self._peer.stdout
        self._peer.stdin.write(query + "\n")
        self._peer.stdin.flush()
        cost, count = json.loads(self._peer.stdout.readline())
        return cost, count

    def bytes(self) -> int:
        return sum(file.stat().st_size for file in (self.folder / ".notmuch").rglob("*") if file.is_file())

    def close(self) -> None:
        if self._peer is not None:
            self._peer.communicate()


def in_notmuch(kind: str, match: str) -> str:
    """FTS5's form of a question as notmuch has it."""
    if kind == "unread+word":
        return "tag:unread and " + match.removeprefix("unread ")
    if kind == "prefix":
        return match.replace('"', "")
    if kind in ("subject", "from"):
        return kind + ":" + match.partition(" : ")[2]
    return match


def queries(sample: list[bytes]) -> dict[str, list[tuple[Query, str]]]:
    """By kind: ours and FTS5's form of the same question."""
    chance = random.Random(2)
    known: Counter[str] = Counter()
    streams = []
    for data in sample:
        fields = data[1:].split(b"\x01")
        words = [word.decode() for word in fields[-1].strip(b"\0").split(b"\0") if word]
        streams.append((fields, words))
        known.update(set(words))
    plain = {word: count for word, count in known.items() if word.isascii() and word.isalpha()}
    ranked = [word for word, _ in Counter(plain).most_common()]
    common, middle, rare = ranked[:60], ranked[100:1500], ranked[4000:]

    def text(*words: str, fields: str = "", open_end: bool = False) -> Query:
        return Text(tuple(word.encode() for word in words), fields, open_end=open_end)

    def field(letter: int) -> str:
        while True:
            fields, _ = chance.choice(streams)
            words = [
                word for word in fields[letter].strip(b"\0").decode().split("\0") if len(word) > 3 and word.isascii()
            ]
            if words:
                return chance.choice(words)

    found: dict[str, list[tuple[Query, str]]] = {name: [] for name in (
        "common", "rare", "and3", "or2", "not", "prefix", "phrase", "subject", "from", "unread+word")}  # fmt: skip
    for _ in range(21):
        a, b, c = (chance.choice(middle) for _ in range(3))
        top = chance.choice(common)
        found["common"].append((text(top), f'"{top}"'))
        one = chance.choice(rare)
        found["rare"].append((text(one), f'"{one}"'))
        found["and3"].append((all_of(text(a), text(top), text(c)), f'"{a}" AND "{top}" AND "{c}"'))
        found["or2"].append((any_of(text(a), text(b)), f'"{a}" OR "{b}"'))
        found["not"].append((all_of(text(top), Not(text(a))), f'"{top}" NOT "{a}"'))
        stem = a[:4] if len(a) > 4 else a
        found["prefix"].append((text(stem, open_end=True), f'"{stem}"*'))
        while True:
            _, words = chance.choice(streams)
            at = chance.randrange(max(1, len(words) - 3))
            some = words[at : at + chance.choice((2, 2, 3))]
            if len(some) > 1 and all(word.isascii() and word.isalpha() for word in some):
                break
        found["phrase"].append((text(*some), '"' + " ".join(some) + '"'))
        one = field(0)
        found["subject"].append((text(one, fields="s"), f's : "{one}"'))
        one = field(1)
        found["from"].append((text(one, fields="f"), f'f : "{one}"'))
        found["unread+word"].append((all_of(text(top), Not(Flag("\\Seen"))), f'unread "{top}"'))
    return found


def timed(work: Callable[[], object], rounds: int = 3) -> float:
    """Milliseconds, the best of some rounds."""
    best = 1e9
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--without-notmuch", action="store_true")
    options = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    preparation()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        missing = "not asked for" if options.without_notmuch else Notmuch.missing()
        if missing:
            print(f"notmuch is left out: {missing}")
        ours, fts, notmuch = Ours(folder), Fts(folder), None if missing else Notmuch(folder)
        sample = fill(ours, fts, notmuch, options.messages)
        per = options.messages
        mine, theirs = ours.bytes() / per, fts.bytes() / per
        print(
            f"bytes per message: ours {mine:.0f} in use (file {ours.file.stat().st_size / per:.0f}), FTS5 {theirs:.0f};"
            f" {mine / theirs:.2f} x FTS5 (aim <= 1.0)"
            + ("" if notmuch is None else f"; notmuch {notmuch.bytes() / per:.0f}")
        )
        compare(ours, fts, notmuch, queries(sample))
        if notmuch is not None:
            notmuch.close()
        ours.kit.close()
        under_load(folder, options.messages, sample)


def preparation() -> None:
    """Words and delta of messages of about 10 KB, before any transaction."""
    index = StoreIndex(lambda tx, account: None)
    some = [parse(sample.raw) for sample in spam_assassin() if 8_000 <= len(sample.raw) <= 12_000][:300]
    for message in some:  # what the row needs anyway
        _ = message.preview, message.envelope, message.attachments, message.text
    began = time.process_time()
    for message in some:
        index.describe(message)
    cost = (time.process_time() - began) / len(some) * 1e6
    began = time.process_time()
    for message in some:
        document(message)
    words = (time.process_time() - began) / len(some) * 1e6
    print(f"8-12 KB message ({len(some)}): {cost:.0f} us to describe ({words:.0f} us of it words)")


def fill(ours: Ours, fts: Fts, notmuch: Notmuch | None, count: int) -> list[bytes]:
    """Fills all, 16 messages to a commit, merging as it goes."""
    sample: list[bytes] = []
    spent = Counter[str]()
    batch: list[Added] = []
    for n, data in enumerate(texts(count)):
        if n % 10 == 0:
            sample.append(data)
        batch.append(added(n, data))
        if len(batch) == 16:
            began = time.process_time()
            ours.add(batch)
            spent["add"] += time.process_time() - began
            began = time.process_time()
            fts.add(batch)
            spent["fts"] += time.process_time() - began
            if notmuch is not None:
                notmuch.add(batch)
            batch = []
            if (n + 1) % 256 == 0:
                began = time.process_time()
                ours.merge()
                spent["merge"] += time.process_time() - began
    ours.add(batch)
    fts.add(batch)
    ours.merge()
    said = ""
    if notmuch is not None:
        notmuch.add(batch)
        said = f", notmuch new {notmuch.index() / count * 1e6:.0f} us"
    per = {name: seconds / count * 1e6 for name, seconds in spent.items()}
    print(
        f"{count} messages, CPU per message: ours {per['add']:.0f} us in the transaction"
        f" + {per['merge']:.0f} us merging, FTS5 {per['fts']:.0f} us{said}"
    )
    return sample


def compare(ours: Ours, fts: Fts, notmuch: Notmuch | None, kinds: dict[str, list[tuple[Query, str]]]) -> None:
    """Every query on all of them, interleaved."""
    nothing: list[float] = []
    every: tuple[list[float], list[float], list[float]] = ([], [], [])
    differing = 0

    def row(kind: str, mine: list[float], theirs: list[float], third: list[float], hits: str = "") -> None:
        a, b = statistics.median(mine), statistics.median(theirs)
        line = f"{kind:12} {a:9.2f} {max(mine):7.1f} {b:9.2f} {max(theirs):7.1f} {a / b:6.2f}"
        if third:
            c = statistics.median(third)
            line += f" {c:12.2f} {max(third):7.1f} {a / c:6.2f}"
        print(f"{line} {hits:>9}")

    beside = f" {'notmuch p50':>12} {'max':>7} {'ratio':>6}" if notmuch is not None else ""
    print(f"{'ms':12} {'ours p50':>9} {'max':>7} {'FTS5 p50':>9} {'max':>7} {'ratio':>6}{beside} {'hits p50':>9}")
    for kind, pairs in kinds.items():
        mine, theirs, third, sizes = [], [], list(nothing), []
        for query, match in pairs:
            found, other = ours.ask(query), fts.ask(match)
            differing += len(found) != len(other)
            sizes.append(len(found))
            mine.append(timed(lambda query=query: ours.ask(query)))  # type: ignore[misc]
            theirs.append(timed(lambda match=match: fts.ask(match)))  # type: ignore[misc]
            if notmuch is not None:
                third.append(notmuch.ask(in_notmuch(kind, match))[0])
        for all_of_them, some in zip(every, (mine, theirs, third), strict=True):
            all_of_them.extend(some)
        row(kind, mine, theirs, third, f"{statistics.median(sizes):.0f}")
    row(f"all {len(every[0])}", *every)
    print(
        f"{differing} of {len(every[0])} answers differ in number from FTS5's; aim: p50 <= 1.0 x FTS5,"
        " <= 0.5 x notmuch, phrases <= 1.0 x notmuch and < 50 ms at worst"
    )


def _fold(folder: str, stop: Any, answer: Any) -> None:
    """Merges in a process of its own, as the bundled server does; tells how long each of its writes took."""
    ours = Ours(Path(folder))
    writes: list[float] = []
    spent: list[float] = []
    transact = ours.store.transact

    def clocked(fn: Callable[[Tx], Any]) -> Any:
        began, cpu = time.perf_counter(), time.process_time()
        try:
            return transact(fn)
        finally:
            writes.append((time.perf_counter() - began) * 1e3)
            spent.append((time.process_time() - cpu) * 1e3)

    ours.store.transact = clocked  # type: ignore[method-assign]
    while not stop.is_set():
        if not ours.merge():
            stop.wait(0.01)
    answer.put(("merging", writes))
    answer.put(("merging, CPU", spent))


def _deliver(folder: str, count: int, sample: list[bytes], stop: Any, answer: Any) -> None:
    ours = Ours(Path(folder))
    writes = []
    while not stop.is_set():
        began = time.perf_counter()
        ours.add([added(count, sample[count % len(sample)])])
        writes.append((time.perf_counter() - began) * 1e3)
        count += 1
    answer.put(("delivering", writes))


def under_load(folder: Path, count: int, sample: list[bytes]) -> None:
    """Queries in one process while another delivers, one message per commit; then a third merges beside them."""
    ours = Ours(folder)
    asked = [query for pairs in queries(sample).values() for query, _ in pairs]

    def round_of() -> list[tuple[float, float]]:
        times = []
        for query in asked:
            began, cpu = time.perf_counter(), time.thread_time()
            ours.ask(query)
            times.append(((time.perf_counter() - began) * 1e3, (time.thread_time() - cpu) * 1e3))
        return times

    def beside(*works: tuple[Any, ...]) -> tuple[list[tuple[float, float]], dict[str, list[float]]]:
        processes = multiprocessing.get_context("spawn")
        stop, answer = processes.Event(), processes.Queue()
        running = [processes.Process(target=work, args=(str(folder), *args, stop, answer)) for work, *args in works]
        for process in running:
            process.start()
        time.sleep(2)
        times: list[tuple[float, float]] = []
        began = time.perf_counter()
        while time.perf_counter() - began < 12:
            times += round_of()
        stop.set()
        told = sum(2 if work is _fold else 1 for work, *_ in works)
        writes = dict(answer.get() for _ in range(told))
        for process in running:
            process.join()
        return times, writes

    round_of()
    quiet = round_of() + round_of()
    _, alone = beside((_deliver, count, sample[:500]))
    while ours.merge():
        pass
    busy, both = beside((_deliver, count + 100_000, sample[:500]), (_fold,))
    ours.kit.close()

    def p(values: list[float], part: float) -> float:
        return sorted(values)[int(len(values) * part)]

    for name, at in (("elapsed", 0), ("CPU", 1)):
        a, b = [one[at] for one in quiet], [one[at] for one in busy]
        print(
            f"queries, {name}, p50 / p99 ms: quiet {p(a, 0.5):.2f} / {p(a, 0.99):.2f}, while delivering and merging"
            f" {p(b, 0.5):.2f} / {p(b, 0.99):.2f}: p99 {p(b, 0.99) / p(a, 0.99):.1f} x (aim < 5)"
        )
    for name, writes in (
        ("deliveries, nobody merging", alone["delivering"]),
        ("deliveries beside a merge", both["delivering"]),
        ("the merge's own (aim < 50)", both["merging"]),
        ("of that CPU, the rest is the disk's and the queue's", both["merging, CPU"]),
    ):
        print(
            f"writes, {name}: {len(writes)}, p50 {p(writes, 0.5):.1f}, p99 {p(writes, 0.99):.1f},"
            f" worst {max(writes):.1f} ms"
        )


if __name__ == "__main__":
    main()
