"""On whose behalf something is done to an account: what the login log says of it."""

from typing import Protocol

from attrs import field, frozen

from mailkit.credentials.authlog import Event
from mailkit.storage.api import Tx

__all__ = ["By", "Log"]


class Log(Protocol):
    """Where events of an account are written down: `Authlog.add`."""

    def __call__(self, owner: int, event: Event, *, now: int, tx: Tx) -> object: ...


@frozen
class By:
    """The address and session that the request names, and the token it came with (to be kept alive where the others
    end)."""

    ip: str | None = None
    session: str | None = None
    protocol: str = "API"
    token: str | None = field(default=None, repr=False)

    def event(self, action: str, result: str | None = "success", **details: str) -> Event:
        """A line of the log about what was done (W3.5)."""
        return Event(action, result, self.protocol, self.ip, self.session, details)
