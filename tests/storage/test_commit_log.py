"""What a power failure leaves of a store: the last checkpoint, any mixture of the pages written since, and the log."""

import errno
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailkit.errors import Corrupt, Unavailable
from mailkit.storage.api import Tx
from mailkit.storage.backends.lmdb import LmdbStore, log
from mailkit.storage.backends.lmdb.log_format import (
    HEAD,
    RECORDS,
    SECTOR,
    SLOT,
    Checkpoint,
    Work,
    decode_checkpoint,
    encode_checkpoint,
    encode_record,
    newest,
    records,
)

# The format


def checkpoint(sequence: int = 1, last: int = 10, generation: bytes = b"g" * 16) -> Checkpoint:
    return Checkpoint(sequence, generation, b"l" * 16, True, last, 4096, (bytes(HEAD), b"\1" * HEAD))


works = st.lists(
    st.tuples(
        st.lists(st.tuples(st.binary(max_size=9), st.none() | st.binary(max_size=2000))).map(
            lambda pairs: [part for pair in pairs for part in pair]
        ),
        st.dictionaries(st.binary(max_size=5), st.integers(0, 2**40)),
        st.lists(st.tuples(st.binary(max_size=5), st.binary(max_size=50))),
    ),
    min_size=1,
    max_size=3,
)


def written(parts: list[bytes]) -> Callable[[int, int], bytes]:
    whole = bytes(RECORDS) + b"".join(parts)
    return lambda count, offset: whole[offset : offset + count]


@given(st.lists(works, max_size=4))
def test_records_are_read_as_they_were_written(all_work: list[list[Work]]) -> None:
    parts = [encode_record(b"g" * 16, 11 + at, work) for at, work in enumerate(all_work)]
    assert all(len(part) % SECTOR == 0 for part in parts)
    assert list(records(written(parts), checkpoint())) == all_work


@given(st.lists(works, min_size=1, max_size=3), st.data())
def test_a_torn_record_ends_the_log_before_it(all_work: list[list[Work]], data: st.DataObject) -> None:
    parts = [encode_record(b"g" * 16, 11 + at, work) for at, work in enumerate(all_work)]
    last = bytearray(parts[-1])
    length = len(last.rstrip(b"\0"))
    at = data.draw(st.integers(0, length - 1))
    last[at] ^= data.draw(st.integers(1, 255))
    assert list(records(written([*parts[:-1], bytes(last)]), checkpoint())) == all_work[:-1]
    assert list(records(written([*parts[:-1], parts[-1][:at]]), checkpoint())) == all_work[:-1]


def test_records_of_another_generation_or_out_of_order_do_not_count() -> None:
    work: list[Work] = [([b"k", b"v"], {}, [])]
    assert not list(records(written([encode_record(b"h" * 16, 11, work)]), checkpoint()))
    assert not list(records(written([encode_record(b"g" * 16, 12, work)]), checkpoint()))
    parts = [encode_record(b"g" * 16, 11, work), encode_record(b"g" * 16, 11, work)]
    assert len(list(records(written(parts), checkpoint()))) == 1


@given(st.integers(0, SLOT - 1), st.integers(1, 255))
@example(8, 1)
def test_a_torn_slot_leaves_the_other(at: int, change: int) -> None:
    older, newer = checkpoint(4), checkpoint(5)
    torn = bytearray(encode_checkpoint(newer))
    torn[at] ^= change
    decoded = decode_checkpoint(bytes(torn))
    assert decoded in (None, newer)  # what is changed behind the checksum changes nothing
    assert newest(encode_checkpoint(older) + bytes(torn)) == (decoded or older)
    assert newest(encode_checkpoint(older) + encode_checkpoint(newer)) == newer
    assert newest(bytes(RECORDS)) is None


# Recovery

Model = tuple[dict[bytes, bytes], list[bytes]]


def content(store: LmdbStore) -> Model:
    with store.snapshot() as tx:
        return dict(tx.scan(b"", b"\xff")), [value for _, value in tx.appended(b"s")]


def random_work(random: random.Random) -> tuple[Callable[[Tx], None], Callable[[Model], Model]]:
    """Something to do, and what it makes of a model."""
    puts = {b"%03d" % random.randrange(150): random.randbytes(random.choice((5, 200, 3000, 9000))) for _ in range(4)}
    deletes = [b"%03d" % random.randrange(150) for _ in range(2)]
    entry = random.randbytes(30) if random.random() < 0.5 else None
    clears = random.random() < 0.05

    def fn(tx: Tx) -> None:
        for key, value in puts.items():
            tx.put(key, value)
        for key in deletes:
            tx.delete(key)
        if clears:
            tx.trim(b"s", tx.head(b"s"))
        if entry is not None:
            tx.append(b"s", entry)

    def expected(model: Model) -> Model:
        rows, entries = model
        rows = {key: value for key, value in {**rows, **puts}.items() if key not in deletes}
        return rows, ([] if clears else entries) + ([entry] if entry is not None else [])

    return fn, expected


def mixed(random: random.Random, versions: list[bytes]) -> bytes:
    """A file of which each sector is as it was in any of the versions; the first is the least that is there."""
    size = random.choice([len(version) for version in versions])
    size = max(size, len(versions[0]))
    image = bytearray()
    for start in range(0, size, SECTOR):
        there = [version[start : start + SECTOR] for version in versions if len(version) > start]
        image += random.choice(there) if there else bytes(SECTOR)
    return bytes(image)


class Disk:
    """Keeps what `data.mdb` was at the last checkpoint, and all that it has been since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions: list[bytes] = []

    def synced(self) -> None:
        self.versions = [(self.folder / "data.mdb").read_bytes()]

    def written(self) -> None:
        self.versions.append((self.folder / "data.mdb").read_bytes())

    def after_power_failure(self, random: random.Random, target: Path) -> None:
        target.mkdir()
        (target / "data.mdb").write_bytes(mixed(random, self.versions))
        shutil.copy(self.folder / log.NAME, target)


@pytest.fixture
def short_log(monkeypatch: pytest.MonkeyPatch) -> Callable[[Disk], None]:
    """Checkpoints after every 100 kB; a disk hears of each, before it counts."""
    monkeypatch.setattr(log, "_LONG", 100_000)
    heads = log.CommitLog._heads
    disks: list[Disk] = []

    def hears(self: log.CommitLog) -> Any:
        for disk in disks:
            disk.synced()
        return heads(self)

    monkeypatch.setattr(log.CommitLog, "_heads", hears)
    return disks.append


@pytest.mark.parametrize("seed", range(6))
def test_after_a_power_failure_all_that_was_acknowledged_is_there_and_nothing_else(
    seed: int, tmp_path: Path, short_log: Callable[[Disk], None]
) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "store"
    disk = Disk(folder)
    short_log(disk)
    model: Model = {}, []
    store = LmdbStore(folder)
    checkpoints = set()
    for step in range(150):
        fn, expected = random_work(chance)
        store.transact(fn)
        disk.written()
        model = expected(model)
        checkpoints.add(store._usable().environment.log._checkpoint.sequence)  # type: ignore[union-attr]
        if step % 10 == chance.randrange(10):
            image = tmp_path / f"image{step}"
            disk.after_power_failure(chance, image)
            disks, disk.folder = disk.folder, image  # recovery makes checkpoints of its own
            before = disk.versions
            with LmdbStore(image) as recovered:
                assert content(recovered) == model
                fn, expected = random_work(chance)
                recovered.transact(fn)
                assert content(recovered) == expected(model)
            with LmdbStore(image) as again:
                assert content(again) == expected(model)
            disk.folder, disk.versions = disks, before
            shutil.rmtree(image)
    assert len(checkpoints) > 5
    store.close()


def _serve(folder: str, there: Connection) -> None:
    """Does random work by seed, one after the other; tells of every checkpoint."""
    log._LONG = 100_000
    heads = log.CommitLog._heads

    def hears(self: log.CommitLog) -> tuple[bytes, bytes]:
        if self._engine is not None:
            shutil.copy(Path(folder) / "data.mdb", Path(folder) / "synced")
        return heads(self)

    log.CommitLog._heads = hears  # type: ignore[method-assign]
    with LmdbStore(folder) as store:
        while (seed := there.recv()) is not None:
            store.transact(random_work(random.Random(seed))[0])
            there.send(None)


def test_two_processes_that_write_in_turn_share_one_log(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    context = multiprocessing.get_context("spawn")
    chance = random.Random(1)

    def start() -> tuple[Any, Connection]:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(str(folder), there))
        process.start()
        return process, here

    model: Model = {}, []
    workers = [start(), start()]
    versions: list[bytes] = []
    try:
        for step in range(120):
            who = chance.randrange(2)
            process, pipe = workers[who]
            seed = chance.randrange(1 << 30)
            (folder / "synced").unlink(missing_ok=True)
            pipe.send(seed)
            pipe.recv()
            model = random_work(random.Random(seed))[1](model)
            if (folder / "synced").exists():
                versions = [(folder / "synced").read_bytes()]
            versions.append((folder / "data.mdb").read_bytes())
            if step % 20 == 19:
                image = tmp_path / f"image{step}"
                image.mkdir()
                (image / "data.mdb").write_bytes(mixed(chance, versions))
                shutil.copy(folder / log.NAME, image)
                with LmdbStore(image) as recovered:
                    assert content(recovered) == model
            if step % 30 == 29:  # the other one goes on
                process.kill()
                process.join()
                workers[who] = start()
    finally:
        for process, _ in workers:
            process.kill()
            process.join()
    with LmdbStore(folder) as store:
        assert content(store) == model


def killed(
    folder: Path,
    *works: Callable[[Tx], object],
    then: Callable[[LmdbStore], object] = lambda store: None,
    map_size: int = 1 << 30,
) -> None:
    """Does the work in a child, which does not live to close the store."""
    child = os.fork()
    if not child:
        status = 1
        try:
            store = LmdbStore(folder, map_size=map_size)
            for work in works:
                store.transact(work)
            then(store)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def put(key: bytes) -> Callable[[Tx], None]:
    return lambda tx: tx.put(key, b"1")


def test_a_log_is_not_done_over_again_on_another_file(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with LmdbStore(folder) as store:
        store.transact(put(b"early"))
    early = (folder / "data.mdb").read_bytes()
    killed(folder, put(b"a"), put(b"b"))
    late = (folder / "data.mdb").read_bytes()

    with LmdbStore(tmp_path / "other") as other:
        other.transact(put(b"other"))
    for foreign in (None, (tmp_path / "other" / "data.mdb").read_bytes()):
        (folder / "data.mdb").unlink(missing_ok=True)
        if foreign is not None:
            (folder / "data.mdb").write_bytes(foreign)
        with pytest.raises(Corrupt, match=r"commit\.log has commits that belong to another data\.mdb") as refusal:
            LmdbStore(folder)
        assert refusal.value.code == "store.foreign_log"
        if foreign is not None:
            assert (folder / "data.mdb").read_bytes() == foreign
    (folder / "data.mdb").write_bytes(late)
    with LmdbStore(folder) as store:
        assert content(store)[0].keys() == {b"early", b"a", b"b"}
    # at rest, the log has no say: a file may be replaced by an earlier one
    (folder / "data.mdb").write_bytes(early)
    with LmdbStore(folder) as store:
        assert content(store)[0].keys() == {b"early"}


def test_what_somebody_writes_without_the_log_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "store"

    script = (
        "import lmdb, sys\n"
        "engine = lmdb.open(sys.argv[1], max_dbs=2)\n"
        "with engine.begin(write=True) as txn: txn.put(b'foreign', b'1', db=engine.open_db(b'rows', txn=txn))\n"
    )

    def elsewhere(store: LmdbStore) -> None:
        subprocess.run([sys.executable, "-c", script, str(folder)], check=True)
        store.transact(put(b"after"))

    killed(folder, put(b"before"), then=elsewhere)
    with LmdbStore(folder) as store:
        assert content(store)[0].keys() == {b"before", b"foreign", b"after"}


def test_a_record_whose_commit_failed_is_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "store"

    def fails(store: LmdbStore) -> None:
        commit_log = store._usable().environment.log
        assert commit_log is not None
        append = commit_log.append

        def then_no_room(number: int, work: list[Work]) -> None:
            append(number, work)
            raise OSError(errno.ENOSPC, "no room")

        commit_log.append = then_no_room  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            store.transact(put(b"refused"))
        commit_log.append = append  # type: ignore[method-assign]
        store.transact(put(b"after"))

    killed(folder, put(b"before"), then=fails)
    with LmdbStore(folder) as store:
        assert content(store)[0].keys() == {b"before", b"after"}


def test_a_store_without_durability_recovers_the_log_of_one_with_it(tmp_path: Path) -> None:
    killed(tmp_path, put(b"a"))
    with LmdbStore(tmp_path, sync=False) as store:
        assert content(store)[0].keys() == {b"a"}
        store.transact(put(b"b"))
    killed(tmp_path, put(b"c"))
    with LmdbStore(tmp_path) as store:
        assert content(store)[0].keys() == {b"a", b"b", b"c"}


def test_a_log_larger_than_its_room_is_recovered_and_shrinks_again(tmp_path: Path) -> None:
    large = os.urandom(500_000)
    killed(tmp_path, lambda tx: [tx.put(b"%d" % at, large) for at in range(20)])
    assert (tmp_path / log.NAME).stat().st_size > 10_000_000
    with LmdbStore(tmp_path) as store:
        rows, _ = content(store)
        assert len(rows) == 20
        assert rows[b"7"] == large
        store.transact(put(b"y"))
    assert (tmp_path / log.NAME).stat().st_size < 3_000_000


def test_recovery_lets_the_map_grow(tmp_path: Path) -> None:
    def fill(store: LmdbStore) -> None:
        for at in range(30):
            store.transact(lambda tx, at=at: tx.put(b"%d" % at, bytes(10_000)))  # type: ignore[misc]

    killed(tmp_path, then=fill, map_size=1 << 16)
    with LmdbStore(tmp_path, map_size=1 << 16) as store:
        assert len(content(store)[0]) == 30


def test_a_closed_store_leaves_nothing_to_recover(tmp_path: Path) -> None:
    with LmdbStore(tmp_path) as store:
        store.transact(put(b"a"))
    found = newest((tmp_path / log.NAME).read_bytes())
    assert found is not None
    assert not found.live
    (tmp_path / log.NAME).unlink()  # data.mdb stands for itself
    with LmdbStore(tmp_path) as store:
        assert content(store)[0].keys() == {b"a"}


def test_a_store_at_rest_lets_go_of_its_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkit.storage.backends.lmdb.writer.REST_SECONDS", 0.01)
    with LmdbStore(tmp_path) as store:
        commit_log = store._usable().environment.log
        assert commit_log is not None
        for key in (b"a", b"b"):
            store.transact(put(key))
            while not commit_log.resting:
                pass
            with store.snapshot():
                found = newest((tmp_path / log.NAME).read_bytes())
                assert found is not None
                assert not found.live


@settings(max_examples=30)
@given(st.lists(st.sampled_from("aAbBk"), max_size=12))
def test_any_order_of_stores_with_and_without_durability_keeps_what_was_committed(steps: list[str]) -> None:
    """Capitals are stores with `sync=False`; `k` kills instead of closing."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        expected = set()
        for at, step in enumerate(steps):
            key = b"%d" % at
            if step == "k":
                killed(Path(name), put(key))
            else:
                with LmdbStore(name, sync=step.islower()) as store:
                    store.transact(put(key))
            expected.add(key)
        with LmdbStore(name) as store:
            assert content(store)[0].keys() == expected
