"""Telemetry: what the platform observes about itself. Lossy, and never in anybody's way.

    emit("delivery.accepted", account=7, size=2048, ms=12)
    with span("delivery.accept", queue="local"): ...

Without a sink an event costs less than a microsecond; with one it is put on a bounded queue, and what finds the queue
full is counted and dropped. `emit` never raises. Values whose names say that they are secret never reach a sink.
Changes of state belong into the journal instead. Log lines are one kind of sink (`telemetry.sinks`).
"""

from mailkit.telemetry.events import Event, Level, Sink
from mailkit.telemetry.hub import attach, detach, emit, figures, flush, span

__all__ = ["Event", "Level", "Sink", "attach", "detach", "emit", "figures", "flush", "span"]
