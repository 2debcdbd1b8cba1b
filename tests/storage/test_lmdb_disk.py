"""LMDB and the disk: what is acknowledged was synced, and a full disk ends in an error and nothing else."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailkit.storage.backends.lmdb import LmdbStore
from mailkit.storage.backends.lmdb.log_format import RECORDS

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

WRITES = """
    import os, sys
    from mailkit.storage.backends.lmdb import LmdbStore
    with LmdbStore(sys.argv[1], sync=sys.argv[2] == "sync") as store:
        for number in range(20):
            os.write(1, b"begin\\n")
            store.transact(lambda tx: tx.put(b"%d" % number, b"x" * 3000))
            os.write(1, b"acknowledged\\n")
"""

FILLS_THE_DISK = """
    import resource, sys
    from mailkit.errors import Unavailable
    from mailkit.storage.backends.lmdb import LmdbStore

    def rows(store):
        with store.snapshot() as tx:
            return [(key, len(value)) for key, value in tx.scan(b"", b"\\xff")], list(tx.appended(b"s"))

    def fill(tx):
        tx.put(b"before", b"changed")
        tx.append(b"s", b"2")
        for number in range(200):
            tx.put(b"large-%d" % number, b"x" * 30_000)
        tx.put(b"after", b"1")

    with LmdbStore(sys.argv[1]) as store:
        store.transact(lambda tx: (tx.put(b"before", b"1"), tx.append(b"s", b"1")))
        was = rows(store)
        if len(sys.argv) > 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
        for _ in range(3):
            try:
                store.transact(fill)
            except Unavailable as refusal:
                # a limit of the process is told from a failing disk only if nothing of a write fitted
                assert refusal.code == "store.full" or len(sys.argv) > 2, refusal
            else:
                raise SystemExit("the disk was not full")
            assert rows(store) == was
        # what fits goes on
        store.transact(lambda tx: tx.put(b"small", b"1"))
        if len(sys.argv) > 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            store.transact(fill)
            store.transact(lambda tx: [tx.delete(key) for key, _ in tx.scan(b"large", b"largf")])
            store.transact(lambda tx: (tx.delete(b"after"), tx.put(b"before", b"1")))
    with LmdbStore(sys.argv[1]) as store:
        print(rows(store)[0])
"""


def run(script: str, *arguments: object, under: tuple[str, ...] = ()) -> str:
    command = [*under, sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def unsynced(trace: str) -> tuple[int, int]:
    """How many transactions a trace has, and how many were acknowledged before they were durable.

    Durable is a record in the log that came after a checkpoint for which all of data.mdb had been synced.
    """
    data: set[str] = set()
    log = ""
    dirty = durable = sound = False
    count = bad = 0
    for line in trace.splitlines():
        if opened := re.search(r'openat\(.*/(commit\.log|data\.mdb)", .*\) = (\d+)$', line):
            if opened[1] == "data.mdb":
                data.add(opened[2])
            else:
                log = opened[2]
        elif 'write(1, "begin' in line:
            durable = False
        elif 'write(1, "acknowledged' in line:
            count += 1
            bad += not (durable and sound)
        elif written := re.search(r"pwritev2\((\d+), .*, (\d+), RWF_DSYNC\) += [1-9]", line):
            if written[1] == log and int(written[2]) < RECORDS:
                sound = not dirty
            else:
                durable = durable or written[1] == log
        elif written := re.search(r"p?writev?(?:64)?\((\d+),", line):
            dirty = dirty or written[1] in data
        elif synced := re.search(r"fdatasync\((\d+)\) += 0$", line):
            dirty = dirty and synced[1] not in data
    return count, bad


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize(("how", "expected"), [("sync", 0), ("unsafe", 20)])
def test_between_write_and_acknowledgement_a_sync_is_completed(tmp_path: Path, how: str, expected: int) -> None:
    calls = "trace=openat,write,writev,pwrite64,pwritev,pwritev2,fdatasync"
    run(WRITES, tmp_path / "store", how, under=("strace", "-f", "-e", calls, "-o", str(tmp_path / "trace")))
    assert unsynced((tmp_path / "trace").read_text()) == (20, expected)


def test_a_file_that_may_not_grow_ends_in_an_error_and_nothing_half_written(tmp_path: Path) -> None:
    assert run(FILLS_THE_DISK, tmp_path / "store", 300_000) == "[(b'before', 1), (b'small', 1)]\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True)
    if mount.returncode:
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.interop
def test_a_full_disk_ends_in_an_error_and_nothing_half_written(small_disk: Path) -> None:
    assert run(FILLS_THE_DISK, small_disk / "store") == "[(b'before', 1), (b'small', 1)]\n"


@pytest.mark.interop
def test_a_disk_that_others_filled_lets_the_store_be_read_and_opened(small_disk: Path) -> None:
    with LmdbStore(small_disk / "store") as store:
        store.transact(lambda tx: tx.put(b"a", b"1"))
    with (small_disk / "other").open("wb", buffering=0) as other:
        try:
            while True:
                other.write(bytes(4096))
        except OSError:
            pass
    with LmdbStore(small_disk / "store") as store:
        with store.snapshot() as tx:
            assert tx.get(b"a") == b"1"
        (small_disk / "other").unlink()
        store.transact(lambda tx: tx.put(b"b", b"1"))
