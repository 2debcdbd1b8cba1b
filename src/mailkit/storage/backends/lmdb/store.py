"""`LmdbStore`: the store itself."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import lmdb

from mailkit.errors import AlreadyExists, Unavailable
from mailkit.storage.api import ReadTx, Tx
from mailkit.storage.backends.lmdb.environment import Snapshot
from mailkit.storage.backends.lmdb.failures import meaning
from mailkit.storage.backends.lmdb.folders import sync_folder
from mailkit.storage.backends.lmdb.sharing import Shared, opened, released
from mailkit.storage.backends.lmdb.writer import AsyncCall, Call, SlowHook
from mailkit.storage.overlay import Overlay

__all__ = ["LmdbStore"]

T = TypeVar("T")

_POLL_SECONDS = 0.05


class LmdbStore:
    """A store in a folder (`data.mdb`, `lock.mdb`), for any number of threads and processes of one machine.

    `map_size` is the address range the file may fill before the map has to be exchanged for a larger one (no room is
    taken), `max_map_size` the end of its growth: then writes raise Unavailable. `slow` hears of functions that held up
    the writers for over 20 ms. `sync=False` gives up durability, for tests and imports that can be run again.

    Stores on one folder share one environment within a process. After a fork, the child has to open its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        map_size: int = 64 << 30,
        max_map_size: int = 16 << 40,
        slow: SlowHook | None = None,
        sync: bool = True,
    ) -> None:
        self._shared: Shared | None = opened(Path(path), map_size=map_size, max_map_size=max_map_size, sync=sync)
        self._slow = slow
        self._closing = threading.Lock()

    @property
    def reads_block(self) -> bool:
        return False

    def transact(self, fn: Callable[[Tx], T]) -> T:
        call = Call(fn, self._slow)
        self._usable().writer.submit(call)
        result: T = call.wait()
        return result

    async def atransact(self, fn: Callable[[Tx], T]) -> T:
        call = AsyncCall(fn, self._slow)
        self._usable().writer.submit(call)
        result: T = await call.future
        return result

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        with self.snapshot() as below:
            overlay = Overlay(below, remember=True)
            yield overlay
        # the snapshot is over by now: it must not hold up the writer that this waits for
        if overlay.writes or overlay.entries or overlay.trims:
            self.transact(overlay.replay)

    def snapshot(self) -> AbstractContextManager[ReadTx]:
        return Snapshot(self._usable().environment)

    def wait(self, space: bytes, after: int, timeout: float) -> bool:
        """See `storage.api.Waits`. Commits of other processes are noticed within 50 ms."""
        environment = self._usable().environment
        deadline = time.monotonic() + timeout
        seen = -1
        while True:
            with environment.grown:
                commit = environment.last_commit()
                if commit == seen:
                    environment.grown.wait(max(0.0, min(_POLL_SECONDS, deadline - time.monotonic())))
                    commit = environment.last_commit()
            if commit != seen:
                seen = commit
                with self.snapshot() as snapshot:
                    if any(snapshot.appended(space, after, limit=1)):
                        return True
            if time.monotonic() >= deadline:
                return False
            self._usable()

    def copy_to(self, target: Path) -> None:
        """See `storage.api.Copies`. The copy holds no free pages. AlreadyExists when the folder has a store in it."""
        environment = self._usable().environment
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = target / "data.mdb"
        if data.exists():
            raise AlreadyExists("store.exists", f"There is a store in {target} already")
        partial = target / "data.mdb.partial"
        with environment.copying():
            for compact in (True, False):
                descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                try:
                    environment.engine.copyfd(descriptor, compact=compact)
                    os.fsync(descriptor)
                except lmdb.IncompatibleError:
                    continue  # pages that a crash left behind: the engine refuses to leave them out
                except lmdb.Error as error:
                    raise meaning(error) from error
                finally:
                    os.close(descriptor)
                break
        partial.rename(data)
        sync_folder(target)

    def figures(self) -> dict[str, int]:
        return self._usable().environment.figures()

    def close(self) -> None:
        if self._shared is not None:
            self._shared.writer.refuse_inside("a close")
        with self._closing:
            shared, self._shared = self._shared, None
        if shared is not None:
            released(shared)

    def _usable(self) -> Shared:
        shared = self._shared
        if shared is None:
            raise Unavailable("store.closed", "The store is closed")
        if shared.environment.forked:
            raise Unavailable("store.forked", "The store was opened before a fork: open it again in the child process")
        return shared

    def __enter__(self) -> "LmdbStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
