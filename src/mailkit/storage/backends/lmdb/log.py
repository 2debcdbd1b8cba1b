"""`commit.log`: what makes a commit durable.

The engine, left to itself, makes each commit durable by writing every page that it touched to its place in the file and
waiting for the disk: some twenty scattered pages for a message, and then the page that makes them count. Here a commit
is one record at the end of a log, which a disk takes in a fraction of the time, and the engine writes its pages without
waiting. They are waited for once per 2 MiB of log, at a checkpoint.

What a power failure may not undo, and why it doesn't:

1. The last checkpoint's state stays whole in `data.mdb`. Each process that commits holds a reader, its pin, on that
   state or an earlier one, and the engine does not reuse pages that a reader may still ask for. Of the first two pages,
   which the engine overwrites in turn, the log has a copy.
2. The log accounts for every transaction since, in order, and a record is durable before its commit can be seen.
   A process that finds a gap (it has no pin, it is new here, somebody wrote without the log) makes a checkpoint first.
3. Whoever opens the folder alone and finds a live log puts the two heads back, does the records over again, and makes a
   checkpoint. So it is after a kill, too, when the system still had all pages: one way, often walked.

A process at rest makes a last checkpoint, says that the log is empty, and lets go of its pin.
"""

import fcntl
import mmap
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import lmdb

from mailkit.errors import Corrupt, Unavailable
from mailkit.storage.backends.lmdb.failures import NO_ROOM
from mailkit.storage.backends.lmdb.folders import sync_folder
from mailkit.storage.backends.lmdb.log_format import (
    HEAD,
    RECORDS,
    SECTOR,
    SLOT,
    Checkpoint,
    Work,
    encode_checkpoint,
    encode_record,
    newest,
    record_at,
    records,
    transaction_number,
)

__all__ = ["NAME", "REST_SECONDS", "CommitLog", "possible"]

NAME = "commit.log"

REST_SECONDS = 1.0
"""After so long without a commit, a process makes its last checkpoint."""

_LONG = 2 << 20
"""Bytes of records at which the next commit begins with a checkpoint."""

_PIN_SECONDS = 1.0
"""Age at which a pin is renewed, by a checkpoint: what it holds back are free pages."""

_LINEAGE_AT = 2048
"""Where `data.mdb` bears its lineage: in its first page, of which the engine uses the first 152 bytes."""

_LINEAGE = 16

_ROOM = RECORDS + _LONG + SLOT
"""Length of the log, unless a record is larger. What is written over is what a disk syncs fastest."""


def possible() -> bool:
    """Whether this system has what a log needs."""
    return sys.platform == "linux"


class CommitLog:
    """The log of one environment, and the lock that tells whether another process has it open.

    All but opening and closing happens while the engine's write transaction is open, whose number the methods take.
    """

    def __init__(self, folder: Path) -> None:
        """Waits while another process recovers. Raises OSError."""
        self._path = folder / NAME
        self._data_path = folder / "data.mdb"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._map: mmap.mmap | None = None
        self._engine: lmdb.Environment | None = None
        self._failed = False
        self._pin: lmdb.Transaction[bytes] | None = None
        self._pinned = -1
        self._pinned_at = 0.0
        # what this process knows of the log: the slots that it read last, the checkpoint in them, and the records since
        self._slots = b""
        self._checkpoint: Checkpoint | None = None
        self._start = self._end = RECORDS  # of the last record
        self._last = -1  # its transaction's number
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.alone = True
        except BlockingIOError:
            fcntl.flock(self._file, fcntl.LOCK_SH)
            self.alone = False

    def restore(self) -> None:
        """Before the engine opens the file: puts the checkpoint's heads back. Corrupt when the log is not its."""
        self._look()
        checkpoint = self._checkpoint
        if not self.alone or checkpoint is None or not checkpoint.live:
            return
        try:
            data = os.open(self._data_path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._foreign() from None
        try:
            written = [transaction_number(os.pread(data, HEAD, at * checkpoint.page)) for at in (0, 1)]
            lineage = os.pread(data, _LINEAGE, _LINEAGE_AT)
            if lineage != checkpoint.lineage or max(number or 0 for number in written) < checkpoint.last:
                raise self._foreign()
            for at, head in enumerate(checkpoint.heads):
                os.pwrite(data, head, at * checkpoint.page)
            os.fdatasync(data)
        finally:
            os.close(data)

    def _foreign(self) -> Corrupt:
        return Corrupt(
            "store.foreign_log",
            f"{self._path} has commits that belong to another data.mdb than the one beside it. Bring that one back; "
            f"or, if data.mdb is a backup that is to replace all there was, remove {NAME}",
        )

    def begin(self, engine: lmdb.Environment, redo: Callable[["lmdb.Transaction[bytes]", Work], object]) -> bool:
        """Once the engine is open: does the records over again. False when the file's format is not known here."""
        self._engine = engine
        if None in map(transaction_number, self._heads()):
            return False
        if self.alone:
            if self._checkpoint is not None and self._checkpoint.live:
                if engine.info()["last_txnid"] != self._checkpoint.last:
                    raise Unavailable("store.busy", f"Another program has {self._data_path} open")
                for work in records(self._read, self._checkpoint):
                    _redo(engine, work, redo)
                with engine.begin(write=True) as txn:
                    self._make(txn.id(), live=False)
            self.alone = False
            fcntl.flock(self._file, fcntl.LOCK_SH)
        return True

    def close(self) -> None:
        """Lets go of the file. What was not brought to rest is recovered by the next who opens it."""
        if self._map is not None:
            self._map.close()
        os.close(self._file)

    @property
    def pinned(self) -> int | None:
        """The state on which this process holds its pin."""
        return None if self._pin is None else self._pinned

    @property
    def resting(self) -> bool:
        """True when nothing is left to do before this process sleeps or ends."""
        return self._pin is None

    def ready(self, number: int) -> None:
        """Before transaction `number` changes anything: sees to it that the log can go on with it."""
        if self._failed:
            raise Unavailable("store.failed", "The disk failed: restart, to recover from the log")
        if (
            self._pin is None
            or not self._accounts_for(number)
            or self._end - RECORDS >= _LONG
            or time.monotonic() - self._pinned_at >= _PIN_SECONDS
        ):
            self._make(number, live=True)

    def append(self, number: int, work: list[Work]) -> None:
        """Makes transaction `number` durable; its commit is to follow."""
        assert self._checkpoint is not None
        record = encode_record(self._checkpoint.generation, number, work)
        try:
            self._write(record, self._end)
        except OSError as error:
            # without room it is torn, and counts for nothing; else nobody knows
            self._failed = error.errno not in NO_ROOM
            with suppress(OSError):
                os.ftruncate(self._file, max(self._end, self._room))
            raise
        self._start, self._end, self._last = self._end, self._end + len(record), number

    def withdraw(self, number: int) -> None:
        """Takes the record of a commit that failed back, if there is one."""
        if self._last == number:
            self._write(bytes(SECTOR), self._start)
            self._end, self._last = self._start, number - 1

    def rest(self, number: int) -> None:
        """Makes the file stand for itself."""
        if not self._failed and not self.resting:
            self._make(number, live=False)

    def unpin(self) -> None:
        """Ends the reader; the next commit begins with a checkpoint."""
        pin, self._pin = self._pin, None
        if pin is not None:
            pin.abort()

    def _accounts_for(self, number: int) -> bool:
        """Whether the records lead from the checkpoint to the state before transaction `number`.

        The checkpoint is the one that this process pinned, or a later one.
        """
        self._look()
        checkpoint = self._checkpoint
        if checkpoint is None or not checkpoint.live:
            return False
        while self._last < number - 1:  # other processes have committed
            found = record_at(self._read(SECTOR, self._end), checkpoint.generation)
            if found is None or found[0] != self._last + 1:
                return False
            self._start, self._last, self._end = self._end, found[0], self._end + found[1]
        return self._last == number - 1

    def _look(self) -> None:
        """Reads the slots, in which another process may have made a checkpoint."""
        slots = self._read(RECORDS, 0)
        if slots != self._slots:
            self._slots = slots
            self._checkpoint = newest(slots)
            self._end = RECORDS
            self._last = self._checkpoint.last if self._checkpoint is not None else -1

    def _make(self, number: int, *, live: bool) -> None:
        """A checkpoint of the state before transaction `number`, which this process pins if it goes on from there."""
        assert self._engine is not None
        self._look()
        before = self._checkpoint
        lineage = before.lineage if before is not None else secrets.token_bytes(_LINEAGE)
        self._mark(lineage)
        try:
            self._engine.sync(True)
        except lmdb.Error:
            self._failed = True  # the system may believe from now on that the pages are where they are not
            raise
        pin = self._engine.begin() if live else None
        heads = self._heads()
        checkpoint = Checkpoint(
            sequence=before.sequence + 1 if before is not None else 0,
            generation=secrets.token_bytes(16),
            lineage=lineage,
            live=live,
            last=number - 1,
            page=self._page(),
            heads=heads,
        )
        try:
            if before is None:
                sync_folder(self._path.parent)
            if live and self._map is None:
                self._take_room()
            self._write(encode_checkpoint(checkpoint), checkpoint.sequence % 2 * SLOT)
            if os.fstat(self._file).st_size > 2 * _ROOM:
                os.ftruncate(self._file, self._room)
        except BaseException:
            if pin is not None:
                pin.abort()
            raise
        self.unpin()
        self._pin, self._pinned, self._pinned_at = pin, number - 1, time.monotonic()
        self._look()

    def _mark(self, lineage: bytes) -> None:
        data = os.open(self._data_path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.pread(data, _LINEAGE, _LINEAGE_AT) != lineage:
                os.pwrite(data, lineage, _LINEAGE_AT)
        finally:
            os.close(data)

    def _heads(self) -> tuple[bytes, bytes]:
        data = os.open(self._data_path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(data, HEAD, 0), os.pread(data, HEAD, self._page())
        finally:
            os.close(data)

    def _page(self) -> int:
        assert self._engine is not None
        return self._engine.stat()["psize"]

    def _take_room(self) -> None:
        """Makes the file as long as it mostly gets; its blocks are taken by the records that come first to them."""
        try:
            if os.fstat(self._file).st_size < _ROOM:
                os.ftruncate(self._file, _ROOM)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            return  # the process may have no file as long: it grows by the record
        self._map = mmap.mmap(self._file, _ROOM, prot=mmap.PROT_READ)

    @property
    def _room(self) -> int:
        return _ROOM if self._map is not None else RECORDS

    def _read(self, count: int, offset: int) -> bytes:
        if self._map is not None and offset + count <= _ROOM:
            return self._map[offset : offset + count]  # no system call, and the interpreter is not let go
        return os.pread(self._file, count, offset)

    def _write(self, data: bytes, offset: int) -> None:
        """Durable when it returns."""
        view = memoryview(data)
        while view:
            done = os.pwritev(self._file, [view], offset, os.RWF_DSYNC)
            view, offset = view[done:], offset + done


def _redo(
    engine: lmdb.Environment, work: list[Work], redo: Callable[["lmdb.Transaction[bytes]", Work], object]
) -> None:
    while True:
        try:
            with engine.begin(write=True) as txn:
                for one in work:
                    redo(txn, one)
            return
        except lmdb.MapFullError:
            engine.set_mapsize(2 * engine.info()["map_size"])
