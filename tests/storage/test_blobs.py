"""Counted content: counts, crashes at every step, and writers against a purge."""

import hashlib
import io
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailkit.clock import FixedClock, now_ms
from mailkit.errors import Conflict, Corrupt, NotFound
from mailkit.storage.api import BlobStore, ReadTx, Store, Tx
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.instore import StoreBlobs
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.memory import MemoryStore
from mailkit.storage.blobs import GRACE, Blobs, purge, sweep
from mailkit.storage.blobs.pack import pack, unpack
from mailkit.storage.blobs.records import content
from mailkit.storage.blobs.verify import verify
from mailkit.storage.keyspace import BLOB_BYTES, BLOB_FILES, BLOB_LOOSE, BLOBS
from mailkit.storage.pieces import cut

SMALL, LARGE = random.Random(1).randbytes(2400), b"large" * 5000  # small: in the store, in four pieces
MAX = 2500


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def rows(store: Store, space: Any) -> list[bytes]:
    with store.snapshot() as tx:
        return [key for key, _ in tx.scan(*space.range())]


def store_one(blobs: Blobs, data: bytes) -> bytes:
    return blobs.transact([data], lambda tx, prepared: blobs.hold(tx, prepared[0]))


def content_of(blobs: Blobs, digest: bytes) -> bytes:
    with blobs.store.snapshot() as tx:
        return blobs.read(tx, digest)


def purge_all(blobs: Blobs, now: int) -> None:
    while purge(blobs, now).more:
        pass


def sweep_all(blobs: Blobs, now: int) -> int:
    found, after = 0, b""
    while True:
        count, after_ = sweep(blobs, now, after=after, limit=3)
        found += count
        if after_ is None:
            return found
        after = after_


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def blobs(any_store: Store, blob_store: BlobStore, clock: FixedClock) -> Blobs:
    return Blobs(any_store, blob_store, inline_max=MAX, clock=clock)


@pytest.mark.parametrize("data", [b"", b"x", b"small" * 50, SMALL, os.urandom(MAX), os.urandom(MAX + 1), LARGE])
def test_content_comes_back_from_any_byte(blobs: Blobs, data: bytes) -> None:
    digest = store_one(blobs, data)
    assert digest == sha(data)
    with blobs.store.snapshot() as tx:
        assert blobs.read(tx, digest) == data
        assert blobs.size(tx, digest) == len(data)
        for start in (0, 1, len(data), len(data) + 3):
            with blobs.open(tx, digest, start) as stream:
                assert stream.read() == data[start:]


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_a_file_object_is_stored_like_its_bytes(blobs: Blobs, data: bytes) -> None:
    source = io.BytesIO(data)
    source.read(7)
    prepared = blobs.prepare(source)
    assert blobs.store.transact(lambda tx: blobs.hold(tx, prepared)) == sha(data)
    assert content_of(blobs, sha(data)) == data


def test_small_content_is_in_the_store_and_large_in_a_file(blobs: Blobs) -> None:
    store_one(blobs, SMALL)
    assert list(blobs.files.list()) == []
    store_one(blobs, LARGE)
    with blobs.store.snapshot() as tx:
        row = content(tx, sha(LARGE))
        assert row is not None
        assert row.where == "file"
        assert list(blobs.files.list()) == [row.at]
    assert len(rows(blobs.store, BLOB_BYTES)) == len(cut(SMALL)) == 4


@pytest.mark.parametrize("data", [SMALL, LARGE])
def test_each_reference_counts_and_the_bytes_are_kept_once(blobs: Blobs, clock: FixedClock, data: bytes) -> None:
    prepared = blobs.prepare(data)
    again = blobs.prepare(data)

    def deliver(tx: Tx) -> None:
        for _ in range(5):
            blobs.hold(tx, prepared)
        blobs.hold(tx, again)
        blobs.hold_again(tx, prepared.digest)

    blobs.store.transact(deliver)
    with blobs.store.snapshot() as tx:
        row = content(tx, sha(data))
        assert row is not None
        assert row.count == 7
    kept = {BLOB_BYTES.parts(key) for key in rows(blobs.store, BLOB_BYTES)}
    assert len(kept) + len(list(blobs.files.list())) == 1
    for left in range(6, -1, -1):
        blobs.store.transact(lambda tx: blobs.release(tx, sha(data)))
        clock.advance(ms=2 * GRACE)
        done = purge(blobs, clock())
        assert done.contents == (left == 0)
    assert (done.size, done.files) == (len(data), int(data is LARGE))
    assert rows(blobs.store, BLOBS) + rows(blobs.store, BLOB_BYTES) + rows(blobs.store, BLOB_FILES) == []
    assert list(blobs.files.list()) == []
    with pytest.raises(NotFound):
        content_of(blobs, sha(data))


def test_more_releases_than_references_are_corrupt_and_change_nothing(blobs: Blobs) -> None:
    digest = store_one(blobs, SMALL)
    blobs.store.transact(lambda tx: blobs.release(tx, digest))
    with pytest.raises(Corrupt):
        blobs.store.transact(lambda tx: blobs.release(tx, digest))
    with pytest.raises(Corrupt):
        blobs.store.transact(lambda tx: blobs.release(tx, sha(b"never")))


def test_content_stays_for_the_grace_period_after_its_last_reference(blobs: Blobs, clock: FixedClock) -> None:
    digest = store_one(blobs, LARGE)
    clock.advance(ms=10 * GRACE)
    blobs.store.transact(lambda tx: blobs.release(tx, digest))
    clock.advance(ms=GRACE)
    assert purge(blobs, clock()).contents == 0
    assert content_of(blobs, digest) == LARGE
    store_one(blobs, LARGE)
    clock.advance(ms=10 * GRACE)
    assert purge(blobs, clock()).contents == 0
    blobs.store.transact(lambda tx: blobs.release(tx, digest))
    clock.advance(ms=GRACE + 1)
    assert purge(blobs, clock()).contents == 1


def test_prepared_content_that_was_purged_is_a_conflict_and_transact_prepares_again(
    blobs: Blobs, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = blobs.prepare(LARGE)
    clock.advance(ms=GRACE + 1)
    purge_all(blobs, clock())
    with pytest.raises(Conflict) as caught:
        blobs.store.transact(lambda tx: blobs.hold(tx, prepared))
    assert caught.value.code == "blob.gone"

    prepare, times = blobs.prepare, []

    def slow_then_fast(source: Any) -> Any:
        ready = prepare(source)
        times.append(clock())
        if len(times) == 1:
            clock.advance(ms=GRACE + 1)
            purge_all(blobs, clock())
        return ready

    monkeypatch.setattr(blobs, "prepare", slow_then_fast)
    assert content_of(blobs, store_one(blobs, LARGE)) == LARGE
    assert len(times) == 2


def test_small_content_prepared_long_ago_still_stores(blobs: Blobs, clock: FixedClock) -> None:
    prepared = blobs.prepare(SMALL)
    for _ in range(2):
        blobs.store.transact(lambda tx: blobs.hold(tx, prepared))
        assert content_of(blobs, prepared.digest) == SMALL
        blobs.store.transact(lambda tx: blobs.release(tx, prepared.digest))
        clock.advance(ms=GRACE + 1)
        assert purge(blobs, clock()).contents == 1


def test_a_failed_naming_transaction_leaves_only_unreferenced_content(blobs: Blobs, clock: FixedClock) -> None:
    def fails(tx: Tx, ready: Any) -> None:
        for prepared in ready:
            blobs.hold(tx, prepared)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        blobs.transact([SMALL, LARGE], fails)
    with blobs.store.snapshot() as tx:
        assert content(tx, sha(SMALL)) is None
        row = content(tx, sha(LARGE))
        assert row is not None
        assert row.count == 0
    clock.advance(ms=GRACE + 1)
    assert purge(blobs, clock()).files == 1


def test_a_purge_works_in_steps(blobs: Blobs, clock: FixedClock) -> None:
    for number in range(10):
        blobs.prepare(LARGE + bytes((number,)))
    clock.advance(ms=GRACE + 1)
    steps = [purge(blobs, clock(), limit=4) for _ in range(3)]
    assert [step.contents for step in steps] == [4, 4, 2]
    assert [step.files for step in steps] == [4, 4, 2]
    assert [step.more for step in steps] == [True, True, False]
    assert list(blobs.files.list()) == []


def test_two_writers_of_one_large_content_keep_one_file(blobs: Blobs) -> None:
    barrier = threading.Barrier(4)

    def write() -> None:
        barrier.wait()
        store_one(blobs, LARGE)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(blobs.files.list())) == 1
    assert len(rows(blobs.store, BLOB_FILES)) == 1
    assert content_of(blobs, sha(LARGE)) == LARGE


def test_a_sleeping_purger_cannot_hit_what_was_stored_since(blobs: Blobs, clock: FixedClock) -> None:
    """The purger is stopped between its decision and its delete; meanwhile another one finishes, a writer returns."""
    blobs.prepare(LARGE)
    clock.advance(ms=GRACE + 1)

    class Sleeps:
        def delete(self, name: bytes) -> None:
            purge_all(blobs, clock())
            store_one(blobs, LARGE)
            blobs.files.delete(name)

        def clean(self, before: int) -> int:
            return 0

    sleeper = Blobs(blobs.store, Sleeps(), clock=clock)  # type: ignore[arg-type]
    purge(sleeper, clock())
    assert content_of(blobs, sha(LARGE)) == LARGE


def test_a_writer_that_slept_through_a_purge_writes_again(blobs: Blobs, clock: FixedClock) -> None:
    real, slept = blobs.files.put, []

    class Slow:
        def put(self, name: bytes, chunks: Iterable[bytes]) -> int:
            if not slept:
                slept.append(name)
                clock.advance(ms=GRACE + 1)
                purge_all(blobs, clock())
            return real(name, chunks)

        def __getattr__(self, name: str) -> Any:
            return getattr(blobs.files, name)

    slow = Blobs(blobs.store, Slow(), inline_max=MAX, clock=clock)  # type: ignore[arg-type]
    digest = store_one(slow, LARGE)
    assert content_of(blobs, digest) == LARGE
    assert slept[0] not in set(blobs.files.list())


def test_a_sweep_gives_strays_a_row_and_the_purge_removes_them_after_the_grace_period(
    blobs: Blobs, clock: FixedClock
) -> None:
    kept = store_one(blobs, LARGE)
    for number in range(7):
        data = b"stray %d" % number
        blobs.files.put(sha(data), [data])
    assert sweep_all(blobs, clock()) == 7
    assert sweep_all(blobs, clock()) == 0
    purge_all(blobs, clock())
    assert len(list(blobs.files.list())) == 8
    clock.advance(ms=GRACE + 1)
    assert purge(blobs, clock()).files == 7
    assert len(list(blobs.files.list())) == 1
    assert content_of(blobs, kept) == LARGE


def test_a_purge_does_not_take_the_word_of_a_wrong_entry(blobs: Blobs, clock: FixedClock) -> None:
    digest = store_one(blobs, SMALL)
    blobs.store.transact(lambda tx: tx.put(BLOB_LOOSE.key(0, 1, digest), b""))
    assert purge(blobs, clock()).contents == 0
    assert content_of(blobs, digest) == SMALL


def test_lost_or_damaged_bytes_are_reported(blobs: Blobs) -> None:
    small, large = store_one(blobs, SMALL), store_one(blobs, LARGE)
    with blobs.store.snapshot() as tx:
        small_row, large_row = content(tx, small), content(tx, large)
    assert small_row is not None
    assert large_row is not None
    blobs.files.delete(large_row.at)
    blobs.store.transact(lambda tx: tx.put(BLOB_BYTES.key(small_row.at), b"(\xb5/\xfdgarbage"))
    for digest in (small, large):
        with pytest.raises(Corrupt):
            content_of(blobs, digest)
    blobs.store.transact(lambda tx: tx.delete(BLOB_BYTES.key(small_row.at)))
    with pytest.raises(Corrupt):
        content_of(blobs, small)


def test_every_piece_is_missed_and_one_too_many_is_seen(blobs: Blobs) -> None:
    digest = store_one(blobs, SMALL)
    keys = rows(blobs.store, BLOB_BYTES)
    with blobs.store.snapshot() as tx:
        pieces = [tx.get(key) or b"" for key in keys]

    def findings() -> list[str]:
        return [finding.message for finding in verify(blobs, Counter({digest: 1}))]

    assert findings() == []
    for key, piece in zip(keys, pieces, strict=True):
        blobs.store.transact(lambda tx, key=key: tx.delete(key))  # type: ignore[misc]
        assert findings() == [f"{digest.hex()}: 3 of its 4 pieces are there"]
        with pytest.raises(Corrupt):
            content_of(blobs, digest)
        blobs.store.transact(lambda tx, key=key, piece=piece: tx.put(key, piece))  # type: ignore[misc]
    blobs.store.transact(lambda tx: tx.put(keys[0] + b"\x09", b"more"))
    assert findings() == [f"{digest.hex()}: 5 of its 4 pieces are there"]
    with pytest.raises(Corrupt):
        content_of(blobs, digest)


def test_packing_is_undone_exactly_and_only_done_when_it_pays() -> None:
    for data in (b"", b"x" * 511, b"x" * 512, os.urandom(5000), b"mail " * 5000):
        packed, stored = pack(data)
        assert len(stored) <= len(data)
        assert unpack(packed, stored, len(data)) == data
    assert pack(b"mail " * 5000)[0] == "zstd"
    assert pack(os.urandom(5000))[0] == ""
    with pytest.raises(Corrupt):
        unpack("zstd", pack(b"x" * 5000)[1], 4999)
    with pytest.raises(Corrupt):
        unpack("", b"x", 2)
    damaged = bytearray(pack(b"mail " * 5000)[1])
    damaged[-1] ^= 1
    with pytest.raises(Corrupt):
        unpack("zstd", bytes(damaged), 25_000)


# --- a model -------------------------------------------------------------------------------------------------------


class CountedContent(RuleBasedStateMachine):
    """References by digest, held against what the layer keeps."""

    @initialize()
    def start(self) -> None:
        self.clock = FixedClock()
        self.store = MemoryStore()
        self.blobs = Blobs(self.store, StoreBlobs(MemoryStore()), inline_max=MAX, clock=self.clock)
        self.references: list[bytes] = []
        self.known: dict[bytes, bytes] = {}
        self.purged_at = 0
        self.touched: dict[bytes, int] = {}

    @rule(number=st.integers(0, 3), size=st.sampled_from([5, 2400, 2500, 2501]), times=st.integers(0, 3))
    def write(self, number: int, size: int, times: int) -> None:
        data = random.Random(number).randbytes(size)
        prepared = self.blobs.prepare(data)
        self.store.transact(lambda tx: [self.blobs.hold(tx, prepared) for _ in range(times)])
        self.references += [prepared.digest] * times
        self.known[prepared.digest] = data
        self.touched[prepared.digest] = self.clock()

    @precondition(lambda self: self.references)
    @rule(choice=st.randoms(use_true_random=False))
    def release(self, choice: random.Random) -> None:
        digest = self.references.pop(choice.randrange(len(self.references)))
        self.store.transact(lambda tx: self.blobs.release(tx, digest))
        self.touched[digest] = self.clock()

    @rule(ms=st.sampled_from([1, GRACE // 2, GRACE, 2 * GRACE]))
    def time_passes(self, ms: int) -> None:
        self.clock.advance(ms=ms)

    @rule()
    def purged(self) -> None:
        purge_all(self.blobs, self.clock())
        kept = set(self.references) | {d for d, at in self.touched.items() if at >= self.clock() - GRACE}
        for digest in self.known:
            with self.store.snapshot() as tx:
                if digest not in kept:
                    assert content(tx, digest) is None
        assert len(list(self.blobs.files.list())) == len(rows(self.store, BLOB_FILES))

    @rule()
    def swept(self) -> None:
        assert sweep_all(self.blobs, self.clock()) == 0

    @invariant()
    def every_reference_is_counted_and_has_its_bytes(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.snapshot() as tx:
            for digest, data in self.known.items():
                row = content(tx, digest)
                assert (row.count if row else 0) == self.references.count(digest)
                if row:
                    assert self.blobs.read(tx, digest) == data


TestCountedContent = CountedContent.TestCase
TestCountedContent.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


# --- a crash at any step -------------------------------------------------------------------------------------------


class Killed(BaseException):
    """As sudden as a killed process: nobody catches it."""


class Steps:
    """Counts down the points at which the process may die; once dead it stays dead, so nothing tidies up."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


class DyingStore:
    """Dies before or after a commit."""

    def __init__(self, store: Store, step: Steps) -> None:
        self._store, self._step = store, step

    def transact(self, fn: Callable[[Tx], Any]) -> Any:
        self._step()
        result = self._store.transact(fn)
        self._step()
        return result

    def snapshot(self) -> Any:
        self._step()
        return self._store.snapshot()


class DyingFiles:
    """Dies before, in the middle of, or after a write or delete."""

    def __init__(self, files: BlobStore, step: Steps) -> None:
        self._files, self._step = files, step

    def put(self, digest: bytes, chunks: Iterable[bytes]) -> int:
        def interrupted() -> Iterator[bytes]:
            for chunk in chunks:
                self._step()
                yield chunk

        size = self._files.put(digest, interrupted())
        self._step()
        return size

    def delete(self, digest: bytes) -> None:
        self._step()
        self._files.delete(digest)
        self._step()

    def open(self, digest: bytes, start: int = 0) -> BinaryIO:
        return self._files.open(digest, start)


def test_a_crash_at_any_step_leaves_at_most_unreferenced_content(tmp_path: Path) -> None:
    """A life of writes, copies, releases and purges, killed at its 1st, 2nd, ... step; then the remains are judged."""
    for steps in range(1000):
        store, clock = MemoryStore(), FixedClock()
        files = FileBlobs(tmp_path / str(steps), sync=False)
        step = Steps(steps)
        mortal = Blobs(DyingStore(store, step), DyingFiles(files, step), inline_max=MAX, clock=clock)  # type: ignore[arg-type]
        with suppress(Killed):
            live(mortal, clock)
        blobs = Blobs(store, files, inline_max=MAX, clock=clock)
        check_references(blobs)
        # and after a restart the leftovers go, and only they
        clock.advance(ms=2 * GRACE)
        sweep_all(blobs, clock())
        purge_all(blobs, clock())
        clock.advance(ms=2 * GRACE)
        purge_all(blobs, clock())
        check_references(blobs)
        with store.snapshot() as tx:
            left = contents(tx)
        named = {row.at for row in left.values() if row.where == "file"}
        assert all(row.count for row in left.values())
        assert set(files.list()) == named
        assert {key[1:] for key in rows(store, BLOB_FILES)} == named
        assert rows(store, BLOB_LOOSE) == []
        if step.left >= 0:
            assert steps > 40
            return
    pytest.fail("the life has no end")


REFERENCE = b"\x7freference"


def live(blobs: Blobs, clock: FixedClock) -> None:
    def name(tx: Tx, prepared: Any) -> None:
        for number, ready in enumerate(prepared):
            if (held := tx.get(REFERENCE + bytes((number,)))) is not None:
                blobs.release(tx, held)
            tx.put(REFERENCE + bytes((number,)), blobs.hold(tx, ready))

    def unname(tx: Tx) -> None:
        for key, held in list(tx.scan(REFERENCE, REFERENCE + b"\xff")):
            blobs.release(tx, held)
            tx.delete(key)

    for sources in ([LARGE, SMALL], [LARGE + b"2", SMALL + b"2"], [LARGE]):
        blobs.transact(sources, name)
        clock.advance(ms=2 * GRACE)
        purge(blobs, clock())
    blobs.store.transact(unname)
    clock.advance(ms=2 * GRACE)
    purge(blobs, clock())
    blobs.transact([LARGE], name)


def contents(tx: ReadTx) -> dict[bytes, Any]:
    return {key[1:]: content(tx, key[1:]) for key, _ in tx.scan(*BLOBS.range())}


def check_references(blobs: Blobs) -> None:
    with blobs.store.snapshot() as tx:
        held = [value for _, value in tx.scan(REFERENCE, REFERENCE + b"\xff")]
        for digest in held:
            assert sha(blobs.read(tx, digest)) == digest
        for digest, row in contents(tx).items():
            assert row.count == held.count(digest)
            assert sha(blobs.read(tx, digest)) == digest


LIFE = """
import random, sys
from mailkit.clock import now_ms
from mailkit.storage.backends.files import FileBlobs
from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.blobs import Blobs, purge

folder, reference = sys.argv[1], bytes.fromhex(sys.argv[2])
blobs = Blobs(LmdbStore(folder + "/store"), FileBlobs(folder + "/blobs"), inline_max=1000)

def name(tx, prepared):
    for number, ready in enumerate(prepared):
        key = reference + bytes((random.randrange(5),))
        if (held := tx.get(key)) is not None:
            blobs.release(tx, held)
        tx.put(key, blobs.hold(tx, ready))

while True:
    blobs.transact([bytes((random.randrange(9),)) * size for size in (500, 300_000)], name)
    purge(blobs, now_ms() + 60_000, grace=0)
    print("done", flush=True)
"""


def test_a_killed_process_leaves_no_reference_without_bytes(tmp_path: Path) -> None:
    for kill in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", LIFE, str(tmp_path), REFERENCE.hex()],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        with child.stdout:
            for _ in range(5):
                assert child.stdout.readline() == b"done\n"
            time.sleep(kill * 0.003)
            child.kill()
        assert child.wait() == -9
        store = LmdbStore(tmp_path / "store")
        blobs = Blobs(store, FileBlobs(tmp_path / "blobs"), inline_max=1000)
        check_references(blobs)
        later = now_ms() + 10 * GRACE
        sweep_all(blobs, later)
        purge_all(blobs, later + 2 * GRACE)
        check_references(blobs)
        with store.snapshot() as tx:
            named = {row.at for row in contents(tx).values() if row.where == "file"}
        assert set(blobs.files.list()) == named
        assert list((tmp_path / "blobs" / "tmp").iterdir()) == []
        store.close()


# --- writers against a purge ---------------------------------------------------------------------------------------


def race(store: Store, files: BlobStore, rounds: int, writers: int = 4) -> None:
    """Writers come and go to a few contents while two purges take everything that is loose for an instant."""
    blobs = Blobs(store, files, inline_max=MAX)
    pool = [random.Random(number).randbytes(size) for number in range(3) for size in (2400, 3000)]
    failures: list[BaseException] = []
    counts: Counter[str] = Counter()
    done = threading.Event()

    def write(seed: int) -> None:
        choice = random.Random(seed)
        for _ in range(rounds // writers):
            if failures:
                return
            data = choice.choice(pool)
            try:
                digest = store_one(blobs, data)
            except Conflict:
                counts["beaten"] += 1
                continue
            counts["stored"] += 1
            # from here until the release, nothing may take the bytes
            assert blobs.store.transact(lambda tx, d=digest: blobs.read(tx, d)) == data  # type: ignore[misc]
            blobs.store.transact(lambda tx, d=digest: blobs.release(tx, d))  # type: ignore[misc]

    def purge_on() -> None:
        while not done.is_set():
            counts["purged"] += purge(blobs, now_ms() + 60_000, grace=0).contents
            time.sleep(random.random() * 0.002)

    def watched(work: Callable[..., None], *args: int) -> threading.Thread:
        def run() -> None:
            try:
                work(*args)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    purgers = [watched(purge_on) for _ in range(2)]
    for thread in [watched(write, number) for number in range(writers)]:
        thread.join()
    done.set()
    for thread in purgers:
        thread.join()
    if failures:
        raise failures[0]
    assert counts["stored"] > rounds // 2, counts
    assert counts["purged"] > rounds // 100, counts
    purge_all(blobs, now_ms() + 60_000 + GRACE)
    for space in (BLOBS, BLOB_BYTES, BLOB_FILES, BLOB_LOOSE):
        assert rows(store, space) == []
    assert list(files.list()) == []


def test_a_purge_never_takes_bytes_from_under_a_writer(any_store: Store) -> None:
    race(any_store, StoreBlobs(MemoryStore()), 2000)


@pytest.mark.soak
def test_a_purge_never_takes_bytes_from_under_a_writer_in_100000_rounds(any_store: Store, tmp_path: Path) -> None:
    race(any_store, FileBlobs(tmp_path, sync=False), 100_000)
