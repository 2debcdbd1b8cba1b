"""A bounded queue and a thread in front of a sink, so that a slow one holds up nobody."""

import threading
import time
from collections import deque

from mailkit.telemetry.events import Event, Sink

__all__ = ["Queued"]

_BATCH = 256


class Queued:
    """Hands events to `sink` from a thread of its own, which starts with the first event (so, after a fork).

    `dropped` counts events that found the queue full, `failed` those that the sink raised for.
    """

    def __init__(self, sink: Sink, size: int) -> None:
        self.sink = sink
        self.size = size
        self.dropped = 0
        self.failed = 0
        self.reset()

    def reset(self) -> None:
        """As new: in a forked child the thread is gone, and what is queued is the parent's to write."""
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, event: Event) -> None:
        """Queues an event or drops it; never waits for the sink."""
        with self._changed:
            if len(self._events) >= self.size or self._closed:
                self.dropped += 1
                return
            self._events.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mailkit-telemetry", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until all that was queued is written; False when that took longer."""
        deadline = time.monotonic() + timeout
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._events and not self._busy, max(0, deadline - time.monotonic())
            )

    def close(self, timeout: float) -> bool:
        """Writes what is queued, takes no more, and ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        return self.flush(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._events or self._closed)
                batch = [self._events.popleft() for _ in range(min(_BATCH, len(self._events)))]
                if not batch:
                    return
                self._busy = True
            try:
                self.sink.write(batch)
            except Exception:
                self.failed += len(batch)
