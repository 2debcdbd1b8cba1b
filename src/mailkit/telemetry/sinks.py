"""Sinks: the standard library's logging, JSON lines, and a list for tests."""

import json
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from mailkit.telemetry.events import LEVELS, Event, Level

__all__ = ["JsonLines", "ListSink", "LoggingSink"]

_NUMBERS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_PLAIN = re.compile(r"[A-Za-z0-9_.:@/+<>-]+")


def _wanted(least: Level) -> frozenset[Level]:
    return frozenset(LEVELS[LEVELS.index(least) :])


def _jsonable(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


class LoggingSink:
    """Log lines, `delivery.accepted account=7 size=2048`, through loggers named after the event's first word
    (`mailkit.delivery`). Values that could be taken for something else are quoted, so no line holds two."""

    def __init__(self, *, least: Level = "info", root: str = "mailkit") -> None:
        self._wanted = _wanted(least)
        self._root = root

    def write(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.level in self._wanted:
                logger = logging.getLogger(f"{self._root}.{event.name.partition('.')[0]}")
                logger.log(_NUMBERS[event.level], "%s", self.line(event))

    @staticmethod
    def line(event: Event) -> str:
        """The line without time and level, which logging adds."""
        words = [event.name]
        for name, value in event.fields.items():
            text = _jsonable(value) if isinstance(value, bytes) else str(value)
            words.append(f"{name}={text if _PLAIN.fullmatch(text) else json.dumps(text)}")
        return " ".join(words)


class JsonLines:
    """One JSON object a line: `at` (ISO 8601), `event`, `level`, `span`, then the fields."""

    def __init__(self, stream: TextIO, *, least: Level = "info") -> None:
        self._stream = stream
        self._wanted = _wanted(least)

    def write(self, events: Sequence[Event]) -> None:
        lines = [self.line(event) + "\n" for event in events if event.level in self._wanted]
        self._stream.write("".join(lines))
        self._stream.flush()

    @staticmethod
    def line(event: Event) -> str:
        """The object as text; a field named like one of ours is put under `fields.`"""
        at = datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds")
        head: dict[str, Any] = {"at": at, "event": event.name, "level": event.level}
        if event.span is not None:
            head["span"] = event.span
        fields = {f"fields.{name}" if name in head else name: value for name, value in event.fields.items()}
        return json.dumps(head | fields, default=_jsonable, separators=(",", ":"))


class ListSink:
    """Keeps events in a list; for tests, after `flush()`."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def write(self, events: Sequence[Event]) -> None:
        self.events.extend(events)
