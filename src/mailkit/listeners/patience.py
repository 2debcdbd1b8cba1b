"""How long a client may take. Pure: times are seconds of one monotonic clock, passed in.

Four clocks run, each on the client alone: while the server works or has stopped reading, they stand still.
1. idle_timeout: nothing came, between commands or within content.
2. command_timeout: a command line was begun and has not ended; one octet a minute does not keep a connection.
3. content_rate: less content than that, on average, within a content_window.
4. content_timeout: content that keeps the rate and never ends.
"""

from datetime import timedelta

from attrs import define

from mailkit.listeners.dialogue import State
from mailkit.listeners.limits import Limits
from mailkit.listeners.reply import Reply

__all__ = ["Patience", "timeout"]


def timeout(what: str) -> Reply:
    """What a client is told before it is cut off. RFC 3463 3.5: 4.4.2 is a bad connection."""
    return Reply(421, "4.4.2", f"{what}; closing")


@define
class Patience:
    """The clocks of one connection."""

    heard: float
    """When octets last came, or waiting for them began again."""
    line_since: float | None = None
    """When the first octet of an unfinished command line came."""
    content_since: float | None = None
    """When 354 was said; None outside of content."""
    commands: int = 0
    """How many command lines had been read when `line_since` was set."""
    window_since: float = 0.0
    window_octets: int = 0
    """Octets of content since `window_since`."""

    def hear(self, now: float, octets: int) -> None:
        """Octets came."""
        self.heard = now
        self.window_octets += octets

    def move(self, now: float, state: State, buffered: int, commands: int) -> None:
        """The dialogue has read `commands` lines so far, and `buffered` octets of something unfinished are left."""
        if state is State.CONTENT:
            self.line_since = None
            if self.content_since is None:
                self.content_since = self.window_since = now
                self.window_octets = 0
            return
        self.content_since = None
        if not buffered:
            self.line_since = None
        elif self.line_since is None or self.commands != commands:
            self.line_since, self.commands = now, commands

    def resume(self, now: float, paused: float) -> None:
        """The server reads again after `paused` seconds; they are not the client's."""
        self.heard = now
        self.window_since += paused
        if self.line_since is not None:
            self.line_since += paused
        if self.content_since is not None:
            self.content_since += paused

    def exhausted(self, now: float, limits: Limits) -> Reply | None:
        """The last reply to a client that took too long, None while it may go on. Starts the next window when due."""
        if self.content_since is not None:
            if now - self.content_since >= _seconds(limits.content_timeout):
                return timeout("the message took too long")
            elapsed = now - self.window_since
            if elapsed >= _seconds(limits.content_window):
                if self.window_octets < limits.content_rate * elapsed:
                    return timeout("the message comes too slowly")
                self.window_since, self.window_octets = now, 0
        elif self.line_since is not None and now - self.line_since >= _seconds(limits.command_timeout):
            return timeout("the command took too long")
        if now - self.heard >= _seconds(limits.idle_timeout):
            return timeout("idle for too long")
        return None


def _seconds(duration: timedelta) -> float:
    return duration.total_seconds()
