"""`emit`, spans, and which sinks a process has."""

import itertools
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mailkit.telemetry.events import Event, Level, Sink
from mailkit.telemetry.queued import Queued
from mailkit.telemetry.redact import redact

__all__ = ["attach", "detach", "emit", "figures", "flush", "span"]

_lock = threading.Lock()
_sinks: tuple[Queued, ...] = ()
_span: ContextVar[int | None] = ContextVar("mailkit_span", default=None)
_numbers = itertools.count(secrets.randbits(52))
_MASK = (1 << 53) - 1


def emit(event: str, /, *, level: Level = "info", **fields: Any) -> None:
    """Observes something. `event` is a dotted name, noun first (`delivery.accepted`)."""
    if _sinks:
        _deliver(event, level, fields)


def _deliver(event: str, level: Level, fields: dict[str, Any]) -> None:
    try:
        made = Event(event, time.time_ns() // 1_000_000, level, redact(fields), _span.get())
        for sink in _sinks:
            sink.put(made)
    except Exception:  # lossy by promise: nobody's work fails for being watched
        return


@contextmanager
def span(event: str, /, **fields: Any) -> Iterator[dict[str, Any]]:
    """Emits `event` when the block ends, with `ms`, the `error`'s class if one escaped, `parent` if it lies in another
    span, and whatever the block adds to the yielded dict. Events emitted in the block carry the span's number."""
    if not _sinks:
        yield fields
        return
    parent, number, started = _span.get(), next(_numbers) & _MASK, time.perf_counter()
    mark = _span.set(number)
    level: Level = "info"
    try:
        yield fields
    except BaseException as error:
        fields["error"], level = type(error).__name__, "warning"
        raise
    finally:
        fields["ms"] = round((time.perf_counter() - started) * 1000, 3)
        if parent is not None:
            fields["parent"] = parent
        _deliver(event, level, fields)
        _span.reset(mark)


def attach(sink: Sink, *, queue: int = 10_000) -> None:
    """Sends events to a sink too, through a queue of at most `queue` of them."""
    global _sinks
    with _lock:
        _sinks = (*_sinks, Queued(sink, queue))


def detach(sink: Sink, *, timeout: float = 5.0) -> None:
    """Stops sending, and lets the sink write what is queued. No error when it isn't attached."""
    global _sinks
    with _lock:
        gone = [queued for queued in _sinks if queued.sink is sink]
        _sinks = tuple(queued for queued in _sinks if queued.sink is not sink)
    for queued in gone:
        queued.close(timeout)


def flush(timeout: float = 5.0) -> bool:
    """Waits until all sinks have written what was emitted so far; False when one took longer."""
    return all(queued.flush(timeout) for queued in _sinks)


def figures() -> dict[str, int]:
    """How many events were `dropped` (queue full) and `failed` (the sink raised), over all sinks."""
    return {"dropped": sum(each.dropped for each in _sinks), "failed": sum(each.failed for each in _sinks)}


def _after_fork() -> None:
    global _lock, _numbers
    _lock = threading.Lock()
    _numbers = itertools.count(secrets.randbits(52))
    for queued in _sinks:
        queued.reset()


os.register_at_fork(after_in_child=_after_fork)
