"""Where a listener's messages go, and how the domain's errors are told to a client."""

from collections.abc import Sequence
from typing import Protocol

from mailkit.errors import Denied, Invalid, MailKitError, NotFound, OverQuota, RateLimited
from mailkit.listeners.parameters import Parameters
from mailkit.listeners.paths import Mailbox
from mailkit.listeners.reply import Reply
from mailkit.listeners.session import Envelope, Session

__all__ = ["Sink", "reply_for"]


class Sink(Protocol):
    """Takes what a listener receives. Called on the listener's event loop, one call at a time per connection.

    A MailKitError raised here is answered as `reply_for` says; any other exception as 451 4.3.0, and goes to the event
    loop's exception handler. A client that leaves does not cancel a call.
    """

    async def check_recipient(self, session: Session, address: Mailbox, parameters: Parameters) -> Reply:
        """The answer to one RCPT: 2xx accepts, 4xx and 5xx refuse."""
        ...

    async def deliver(self, session: Session, envelope: Envelope, raw: bytes) -> Sequence[Reply]:
        """Takes responsibility for a message, or refuses it: one reply per recipient of `envelope`, in order.

        A 2xx means that the message is safe (RFC 5321 6.1); nothing is answered before this returns. `raw` is the exact
        content, lines ended by CRLF, dot-stuffing removed.
        """
        ...


_TABLE: tuple[tuple[type[MailKitError], int, str], ...] = (
    (OverQuota, 452, "4.2.2"),  # temporary: the owner may make room, and the sender's MTA keeps trying
    (NotFound, 550, "5.1.1"),
    (Denied, 550, "5.7.1"),
    (Invalid, 554, "5.6.0"),
    (RateLimited, 451, "4.7.1"),
)


def reply_for(error: MailKitError) -> Reply:
    """The reply to a recipient whose acceptance or delivery failed with `error`; what isn't listed is temporary."""
    for kind, code, status in _TABLE:
        if isinstance(error, kind):
            return Reply(code, status, error.message)
    return Reply(451, "4.3.0", error.message)
