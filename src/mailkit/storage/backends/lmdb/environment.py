"""An open LMDB environment: its map, and who reads from it.

The map (the address range that the file may fill) is large from the start and grows by doubling. To exchange it, no
transaction of this process may be open: the writer is between two commits, new snapshots wait, and old ones get a
second to end, after which their reads raise Unavailable (law 6 of `storage.api`).
"""

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import lmdb

from mailkit.errors import MailKitError, Unavailable
from mailkit.storage.backends.lmdb.failures import meaning
from mailkit.storage.backends.lmdb.folders import sync_folder
from mailkit.storage.backends.lmdb.log import CommitLog, possible
from mailkit.storage.backends.lmdb.reading import Reading, Trees
from mailkit.storage.backends.lmdb.writing import carry_over

__all__ = ["Environment", "Snapshot"]

SNAPSHOT_SECONDS = 1.0
"""How long a snapshot may hold up a new map."""

_READERS = 2048
_STALE_SECONDS = 5.0


class Snapshot(Reading):
    """One state for reading, from `with` to the end of its block."""

    __slots__ = ("_environment",)

    def __init__(self, environment: "Environment") -> None:
        self._environment = environment
        self._trees = trees = environment.trees
        self._txn = trees.ended

    def __enter__(self) -> "Snapshot":
        # opened for every request: the usual case is done here, whatever stands in its way by `begin_reading`
        environment = self._environment
        environment.readers.add(self)
        if not environment.holding:
            try:
                self._txn = environment.engine.begin(self._trees.rows)
                return self
            except lmdb.Error:
                pass
        self._txn = environment.begin_reading(self)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._environment.forked:  # else the slot to be freed would be the parent's
            self._txn.abort()
            self._environment.readers.discard(self)


class Environment:
    """The engine's handle, and who is using its map."""

    def __init__(self, folder: Path, *, map_size: int, max_map_size: int, sync: bool, forked: bool = False) -> None:
        self.folder = folder
        self.max_map_size = max_map_size
        self.sync = sync
        self.forked = False
        self.closed = False
        self.readers: set[object] = set()
        self.writing = threading.RLock()
        """Held while a write transaction is open, and while the map is exchanged."""
        self.grown = threading.Condition()
        """Told after a commit of this process that appended something."""
        self.holding = False
        """True while no snapshot may begin."""
        self._let_go = threading.Condition()
        self._checked = time.monotonic()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not (folder / "data.mdb").exists()
        try:
            # kept with `sync=False` too, for the folder's lock in it, but not written to
            self.log = CommitLog(folder) if possible() else None
        except OSError as error:
            raise meaning(error, folder) from error
        try:
            self._start(min(map_size, max_map_size), forked)
        except BaseException as error:
            if self.log is not None:
                self.log.close()
            if isinstance(error, lmdb.Error | OSError):
                raise meaning(error, folder) from error
            raise
        if new and sync:  # the engine syncs its file, but not the names that lead to it
            sync_folder(folder)
            sync_folder(folder.parent)
        data = (folder / "data.mdb").stat()
        self.identity = (data.st_dev, data.st_ino)

    def _start(self, map_size: int, forked: bool) -> None:
        if self.log is not None:
            self.log.restore()
        self.engine = _open(self.folder, map_size, self.sync and self.log is None, forked)
        self.engine.reader_check()
        self.trees = _trees(self.engine)
        if self.log is None:
            return
        try:
            known = self.log.begin(self.engine, lambda txn, work: carry_over(txn, self.trees, work))
        except BaseException:
            self.engine.close()
            raise
        if not known:
            self.log.close()
            self.log = None
            self.engine.close()
            self.engine = _open(self.folder, map_size, self.sync, forked)
            self.trees = _trees(self.engine)

    def begin_reading(self, reader: object) -> "lmdb.Transaction[bytes]":
        """A read transaction, entered in `readers` under `reader`, who takes it out again."""
        self.readers.add(reader)
        try:
            while True:
                # in this order: who holds readers back sets the mark first and looks at the readers then
                if self.holding:
                    self._wait_until_let_go(reader)
                try:
                    return self.engine.begin(db=self.trees.rows)
                except lmdb.MapResizedError:  # another process let the file grow
                    self.readers.discard(reader)
                    self.adopt_map()
                    self.readers.add(reader)
                except lmdb.ReadersFullError:
                    if not self.engine.reader_check():
                        raise
        except lmdb.Error as error:
            self.readers.discard(reader)
            raise self._refusal(error) from error
        except BaseException:
            self.readers.discard(reader)
            raise

    def _wait_until_let_go(self, reader: object) -> None:
        while self.holding:
            self.readers.discard(reader)
            with self._let_go:
                self._let_go.wait_for(lambda: not self.holding)
            self.readers.add(reader)

    def grow(self) -> bool:
        """Doubles the map; False when it is as large as it may be."""
        self.clear_stale_readers(now=True)  # pages pinned by a dead process are the cheapest room
        size = self._info("map_size")
        if size >= self.max_map_size:
            return False
        self._exchange_map(min(size * 2, self.max_map_size))
        return True

    def adopt_map(self) -> None:
        """Takes over the size that another process gave the map."""
        size = self._info("map_size")
        with self.writing:
            if size == self._info("map_size"):  # else another thread has just done it
                self._exchange_map(0)

    def close(self) -> None:
        """Ends what is still open and closes the file."""
        with self.writing:
            self.closed = True
            if self.log is not None:
                self.log.unpin()
            self.engine.close()
            if self.log is not None:
                self.log.close()

    def _refusal(self, error: lmdb.Error) -> MailKitError:
        return Unavailable("store.closed", "The store is closed") if self.closed else meaning(error)

    def _exchange_map(self, size: int) -> None:
        with self.writing, self._readers_held(SNAPSHOT_SECONDS):
            if self.log is not None:
                self.log.unpin()
            try:
                self.engine.set_mapsize(size)  # ends whatever is still open
            except lmdb.Error as error:
                raise meaning(error) from error

    def abandon(self, txn: "lmdb.Transaction[bytes]") -> None:
        """Aborts a write transaction. Readers are held back, or py-lmdb might wait long for a moment without any."""
        with self._readers_held(0.05):
            txn.abort()

    @contextmanager
    def _readers_held(self, seconds: float) -> Iterator[None]:
        """Lets no snapshot begin, and gives those that are open some time to end; a copy gets all that it needs."""
        self.holding = True
        try:
            deadline = time.monotonic() + seconds
            while self.readers and (time.monotonic() < deadline or any(map(_is_copy, tuple(self.readers)))):
                time.sleep(0.0005)
            yield
        finally:
            with self._let_go:
                self.holding = False
                self._let_go.notify_all()

    def clear_stale_readers(self, *, now: bool = False) -> None:
        """Frees the slots of processes that died while reading; at most every few seconds unless `now`."""
        if now or time.monotonic() - self._checked > _STALE_SECONDS:
            self._checked = time.monotonic()
            self.engine.reader_check()

    def last_commit(self) -> int:
        """The number of the last transaction that any process committed."""
        return self._info("last_txnid")

    def _info(self, name: Literal["last_txnid", "map_size"]) -> int:
        while True:
            try:
                return self.engine.info()[name]
            except lmdb.Error as error:
                if not self.holding:
                    raise self._refusal(error) from error
                # another thread exchanges the map at this moment
                with self._let_go:
                    self._let_go.wait_for(lambda: not self.holding)

    @contextmanager
    def copying(self) -> Iterator[None]:
        """Keeps the map in place, for as long as it takes."""
        copy = _Copy()
        self.readers.add(copy)
        self._wait_until_let_go(copy)
        try:
            yield
        finally:
            self.readers.discard(copy)

    def _states_read(self) -> list[int]:
        """Of each slot in use its state, but for the pin of this process."""
        slots = [line.split() for line in self.engine.readers().splitlines()[1:]]  # process, thread, state or '-'
        found = [(int(process), int(state)) for process, _, state in slots if state.isdigit()]
        pinned = self.log.pinned if self.log is not None else None
        if pinned is not None and (os.getpid(), pinned) in found:
            found.remove((os.getpid(), pinned))
        return [state for _, state in found]

    def figures(self) -> dict[str, int]:
        """See `storage.api.Keeps`."""
        with Snapshot(self) as snapshot:
            txn = snapshot._txn
            info, rows = self.engine.info(), txn.stat(self.trees.rows)
            journal = txn.stat(self.trees.journal)
            oldest = min(self._states_read(), default=info["last_txnid"])
        return {
            "map_size": info["map_size"],
            "max_map_size": self.max_map_size,
            "file_size": (self.folder / "data.mdb").stat().st_size,
            "used_size": (info["last_pgno"] + 1) * rows["psize"],
            "last_transaction": info["last_txnid"],
            "rows": rows["entries"],
            "rows_depth": rows["depth"],
            "journal_entries": journal["entries"],
            "readers": len(self.readers),
            "oldest_reader_lag": info["last_txnid"] - oldest,
        }


class _Copy:
    """Stands among the readers for a running copy."""


def _is_copy(reader: object) -> bool:
    return isinstance(reader, _Copy)


def _open(folder: Path, map_size: int, sync: bool, forked: bool) -> lmdb.Environment:
    options: dict[str, Any] = {"mode": 0o700, "max_dbs": 2, "max_readers": _READERS, "max_spare_txns": 1}
    while True:
        try:
            with _unguarded() if forked else nullcontext():
                return lmdb.open(os.fspath(folder), map_size=map_size, sync=sync, metasync=sync, **options)
        except lmdb.Error as error:
            # an address-space limit: start smaller, grow later
            if error.code != errno.ENOMEM or map_size <= 1 << 20:
                raise
            map_size //= 2


@contextmanager
def _unguarded() -> Iterator[None]:
    """Opens a file although py-lmdb holds it for open: it still counts what the parent of a fork had opened."""
    from lmdb import _envid

    guard = _envid.env_keys
    _envid.env_keys = lambda path, subdir: ()
    try:
        yield
    finally:
        _envid.env_keys = guard


def _trees(engine: lmdb.Environment) -> Trees:
    # not in a read transaction: py-lmdb keeps that one as a spare instead of ending it, and the handles are lost
    with engine.begin(write=True) as txn:
        rows, journal = (engine.open_db(name, txn=txn) for name in (b"rows", b"journal"))
    ended = engine.begin()
    ended.abort()
    return Trees(engine.open_db(None), rows, journal, ended)
