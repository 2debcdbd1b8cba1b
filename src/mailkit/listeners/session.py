"""What is known about a client and its message: the facts of a Received field (RFC 5321 4.4)."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import field, frozen

from mailkit.listeners.parameters import MailParameters, Parameters
from mailkit.listeners.paths import Mailbox

__all__ = ["Envelope", "Recipient", "Session"]


@frozen
class Session:
    """One connection. A new value after each LHLO, so what a sink was given never changes under it."""

    id: str
    """Names the connection in logs and Received fields."""
    peer: str = ""
    """The client's IP address; empty on a local socket."""
    peer_port: int = 0
    local: str = ""
    """The address the client reached, or the path of a local socket."""
    local_port: int = 0
    server: str = ""
    """This host's name, as greeted."""
    connected: int = 0
    """UTC milliseconds."""
    hello: str = ""
    """The name of LHLO, as the client gave it; it proves nothing. Empty before LHLO."""
    protocol: str = "LMTP"
    """The keyword after `with` (RFC 3848); see `Envelope.protocol` for the one of a message."""


@frozen
class Recipient:
    """A recipient that was accepted, in the order of the RCPT commands."""

    mailbox: Mailbox
    parameters: Parameters = field(factory=lambda: MappingProxyType({}))


@frozen
class Envelope:
    """Who sent a message and who gets it (RFC 5321 2.3.1)."""

    mail_from: Mailbox | None
    """None is the null reverse-path `<>`: no bounce may answer this message (RFC 5321 4.5.5)."""
    parameters: MailParameters
    recipients: tuple[Recipient, ...] = ()

    def protocol(self, session: Session) -> str:
        """The `with` keyword of the message: RFC 6531 4.3 names UTF8LMTP for one sent under SMTPUTF8."""
        return f"UTF8{session.protocol}" if self.parameters.smtputf8 else session.protocol

    @property
    def mail_options(self) -> Mapping[str, str | None]:
        """The parameters of MAIL in the form they are sent on."""
        given: dict[str, str | None] = {"BODY": self.parameters.body}
        if self.parameters.size is not None:
            given["SIZE"] = str(self.parameters.size)
        if self.parameters.smtputf8:
            given["SMTPUTF8"] = None
        return given
