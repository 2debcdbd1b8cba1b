"""The one thread that writes: group commit.

1. A call waits in the queue until the commit before it is through; then all that wait (256 at most) become one
   transaction of the engine. No timer: a lone call goes at once.
2. Each function writes to an overlay of its own, which is carried over when it returns. One that raises leaves nothing,
   and the others of its group stand. (A child transaction of the engine would do as well and cost as much, but py-lmdb
   cannot abort one while other threads are busy reading: it waits for a moment in which none of them is at it.)
3. A commit is durable when its record is in the log (`log.py`); then the engine commits without waiting for the disk.
   Callers are answered after that, never before. While more calls wait, their functions run first: the
   threads that wake up would fight the writer for the interpreter, and both would be slower. So answers are given when
   the next group is about to sync, and no later than a millisecond after their commit, give or take a function.
4. A group that the map has no room for runs again in a larger one. One that fails for good runs again one by one, so
   that only the guilty hear of it.
"""

import asyncio
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import lmdb

from mailkit.errors import Unavailable
from mailkit.storage.api import Tx
from mailkit.storage.backends.lmdb.environment import Environment
from mailkit.storage.backends.lmdb.failures import meaning
from mailkit.storage.backends.lmdb.log import REST_SECONDS
from mailkit.storage.backends.lmdb.log_format import Work
from mailkit.storage.backends.lmdb.reading import Reading
from mailkit.storage.backends.lmdb.writing import carry_over, work_of
from mailkit.storage.overlay import Overlay

__all__ = ["AsyncCall", "Call", "SlowHook", "Writer"]

SlowHook = Callable[[Callable[[Tx], Any], float], None]
"""Called, in the writer's thread, with a function that took long and its seconds."""

SLOW_SECONDS = 0.020
"""A function that runs longer holds up every writer, and is reported."""

_GROUP = 256
_ANSWER_WITHIN = 0.001
_WAITED = 0.0005


class Call:
    """A function to run, and its outcome. The caller sleeps in `wait`."""

    __slots__ = ("_done", "error", "fn", "result", "seconds", "slow")

    def __init__(self, fn: Callable[[Tx], Any], slow: SlowHook | None) -> None:
        self.fn = fn
        self.slow = slow
        self.seconds = 0.0
        self.result: Any = None
        self.error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def answer(self) -> None:
        self._done.release()

    def wait(self) -> Any:
        self._done.acquire()
        if self.error is not None:
            try:
                raise self.error
            finally:
                self.error = None  # or the traceback and this call hold each other
        return self.result


class AsyncCall(Call):
    """A call from an event loop; the writer answers all of a loop's calls at once."""

    __slots__ = ("future", "loop")

    def __init__(self, fn: Callable[[Tx], Any], slow: SlowHook | None) -> None:
        super().__init__(fn, slow)
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    def settle(self) -> None:
        """Runs on the loop. The caller may have gone: a client hung up."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        elif isinstance(self.error, StopIteration):  # which a future refuses to carry
            self.future.set_exception(RuntimeError("the transaction's function raised StopIteration"))
        else:
            self.future.set_exception(self.error)


class Writer:
    """The queue and its thread, which starts with the first call."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._log = environment.log if environment.sync else None
        self._queue: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        # of the writer's thread alone:
        self._unanswered: list[Call] = []
        self._answer_by = 0.0
        self._waited = False  # did another process hold the engine's lock the last time?

    def submit(self, call: Call) -> None:
        """Queues a call; Unavailable once the writer was stopped, RuntimeError from inside a function it runs."""
        self.refuse_inside("a transact")
        with self._lock:
            if self._stopped:
                raise Unavailable("store.closed", "The store is closed")
            if self._thread is None:
                # a daemon, so that a program may end without closing; what is committed is safe at any moment
                self._thread = threading.Thread(target=self._run, name="mailkit-lmdb-writer", daemon=True)
                self._thread.start()
            self._queue.put(call)

    def refuse_inside(self, what: str) -> None:
        """Raises RuntimeError in a function that the writer runs."""
        if self._thread is threading.current_thread():
            raise RuntimeError(f"{what} inside a transact's function would wait for itself: use the tx it was given")

    def stop(self) -> None:
        """Takes no more calls, finishes those that wait, and ends the thread."""
        with self._lock:
            self._stopped = True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            group = [call]
            while len(group) < _GROUP and self._queue.qsize():
                more = self._queue.get()
                if more is None:
                    self._queue.put(None)  # nothing comes after it: `stop` said so
                    break
                group.append(more)
            appended = self._commit(group)
            self._answer()
            self._unanswered = group
            self._answer_by = time.perf_counter() + _ANSWER_WITHIN
            if appended:
                with self._environment.grown:
                    self._environment.grown.notify_all()
            if not self._queue.qsize():
                self._answer()
            del call, group
        self._answer()
        self._rest()

    def _next(self) -> Call | None:
        if self._log is not None and not self._log.resting:
            try:
                return self._queue.get(timeout=REST_SECONDS)
            except queue.Empty:
                self._rest()
        return self._queue.get()

    def _rest(self) -> None:
        """Brings the log to rest; if that fails, the next who opens the store recovers from it."""
        if self._log is None or self._log.resting:
            return
        environment = self._environment
        with environment.writing, suppress(lmdb.Error, OSError):
            txn = environment.engine.begin(write=True)
            try:
                self._log.rest(txn.id())
            finally:
                environment.abandon(txn)

    def _commit(self, group: list[Call]) -> bool:
        """Runs and commits a group and fills in the outcomes; True when something was appended."""
        while True:
            try:
                with self._environment.writing:
                    return self._attempt(group)
            except BaseException as error:
                self._answer()  # one of them may have the snapshot open that a larger map has to wait for
                try:
                    if self._mended(error):
                        continue
                except BaseException as worse:
                    error = worse
                if len(group) > 1:
                    appended = [self._commit([call]) for call in group]
                    return any(appended)
                folder = self._environment.folder
                group[0].error = meaning(error, folder) if isinstance(error, lmdb.Error | OSError) else error
                return False

    def _mended(self, error: BaseException) -> bool:
        """Makes room, or keeps up with another process that did; True when the group may run again."""
        if isinstance(error, lmdb.MapResizedError):
            self._environment.adopt_map()
            return True
        return isinstance(error, lmdb.MapFullError) and self._environment.grow()

    def _attempt(self, group: list[Call]) -> bool:
        environment = self._environment
        environment.clear_stale_readers()
        if self._waited:
            self._answer()
        started = time.perf_counter()
        parent = environment.engine.begin(db=environment.trees.rows, write=True)
        self._waited = time.perf_counter() - started > _WAITED
        log, number = self._log, parent.id()
        done: list[Work] = []
        try:
            if log is not None:
                log.ready(number)
            for call in group:
                work = self._run_one(call, parent)
                if work is not None:
                    carry_over(parent, environment.trees, work)
                    done.append(work)
                if self._unanswered and time.perf_counter() > self._answer_by:
                    self._answer()
            self._answer()
            if log is not None and done:
                log.append(number, done)
            parent.commit()  # does nothing when all raised or only read
        except BaseException:
            if log is not None:
                log.withdraw(number)
            environment.abandon(parent)
            raise
        return any(entries for _, _, entries in done)

    def _run_one(self, call: Call, parent: "lmdb.Transaction[bytes]") -> Work | None:
        view = Reading(parent, self._environment.trees)
        overlay = Overlay(view)
        call.result = call.error = None
        started = time.perf_counter()
        try:
            call.result = call.fn(overlay)
        except BaseException as error:
            call.error = error
            return None
        finally:
            call.seconds = time.perf_counter() - started
            view.end()
        return work_of(overlay)

    def _answer(self) -> None:
        group, self._unanswered = self._unanswered, []
        loops: dict[asyncio.AbstractEventLoop, list[AsyncCall]] = {}
        for call in group:
            if isinstance(call, AsyncCall):
                loops.setdefault(call.loop, []).append(call)
            else:
                call.answer()
        for loop, calls in loops.items():
            try:
                loop.call_soon_threadsafe(_settle, calls)
            except RuntimeError:  # the loop was closed, and nobody waits any more
                pass
        for call in group:
            if call.slow is not None and call.seconds > SLOW_SECONDS:
                try:
                    call.slow(call.fn, call.seconds)
                except Exception:
                    sys.excepthook(*sys.exc_info())


def _settle(calls: list[AsyncCall]) -> None:
    for call in calls:
        call.settle()
