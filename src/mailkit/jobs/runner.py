"""The threads that run jobs in the background of a process: `with Runner(jobs): ...`."""

import threading
from types import TracebackType
from typing import Self

from mailkit.errors import MailKitError
from mailkit.jobs.service import Jobs

__all__ = ["Runner"]


class Runner:
    """Runs due jobs until it is stopped.

    It sleeps until the next one is due, but `poll` seconds at most, for any process may schedule one. A store that
    fails is asked again after `poll` seconds. Start it after a fork, not before.
    """

    def __init__(self, jobs: Jobs, *, threads: int = 1, poll: float = 1.0) -> None:
        self._jobs = jobs
        self._poll = poll
        self._stop = threading.Event()
        self._wake = threading.Condition()
        self._threads = [
            threading.Thread(target=self._loop, name=f"mailkit-jobs-{n}", daemon=True) for n in range(threads)
        ]

    def start(self) -> Self:
        """Starts the threads; returns itself."""
        for thread in self._threads:
            thread.start()
        return self

    def wake(self) -> None:
        """Makes the threads look now: called by who has just scheduled something that cannot wait."""
        with self._wake:
            self._wake.notify_all()

    def stop(self, timeout: float = 30.0) -> bool:
        """Lets running handlers come to their next save (they see `step.stopping`), and waits for them. False when one
        is still running after `timeout` seconds; it is left alone, and its lease ends by itself."""
        self._stop.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self._jobs.run_due(stopping=self._stop.is_set)
                pause = self._pause()
            except MailKitError:
                pause = self._poll
            with self._wake:
                if not self._stop.is_set() and pause > 0:
                    self._wake.wait(pause)

    def _pause(self) -> float:
        with self._jobs.store.snapshot() as tx:
            due = self._jobs.next_due(tx)
        return self._poll if due is None else min(self._poll, max(0, due - self._jobs.clock()) / 1000)
