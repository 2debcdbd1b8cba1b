"""What is handed to sinks."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from attrs import frozen

__all__ = ["LEVELS", "Event", "Level", "Sink"]

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")


@frozen
class Event:
    """One observation: a dotted name, noun first; UTC milliseconds; its fields, secrets taken out. `span` is the number
    of the span it was made in, None outside of one."""

    name: str
    at: int
    level: Level
    fields: Mapping[str, Any]
    span: int | None = None


class Sink(Protocol):
    """Where events go. Called from one thread at a time; what it raises is counted and otherwise ignored."""

    def write(self, events: Sequence[Event]) -> None:
        """Takes events, oldest first."""
        ...
