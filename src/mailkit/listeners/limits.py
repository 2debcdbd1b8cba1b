"""What a listener grants a client. Sizes in octets, durations as timedelta."""

from datetime import timedelta
from typing import Any

from attrs import Attribute, field, frozen

from mailkit.errors import Invalid

__all__ = ["Limits"]


def _positive(_: Any, attribute: "Attribute[Any]", value: Any) -> None:
    if value <= type(value)(0):
        raise Invalid.field(attribute.name, f"{attribute.name} has to be above zero, not {value}")


@frozen(kw_only=True)
class Limits:
    """Raises Invalid, naming the field, for a value that could not work."""

    hostname: str = field(default="localhost")
    """This host's name, in the greeting and in Received fields."""
    max_size: int = field(default=25 << 20, validator=_positive)
    """Octets of one message, line ends counted as CRLF, without dot-stuffing (RFC 1870 5)."""
    max_recipients: int = field(default=1000, validator=_positive)
    """Accepted recipients of one message; RFC 5321 4.5.3.1.8 asks for 100 at least, the rest is told 452 4.5.3."""
    max_line: int = field(default=2048, validator=_positive)
    """Octets of a command line with its CRLF: the 512 of RFC 5321 4.5.3.1.4 and what the extensions add."""
    max_errors: int = field(default=20, validator=_positive)
    """Commands a client may get wrong before it is cut off."""
    max_wasted: int = field(default=200, validator=_positive)
    """Commands since the last message that brought none nearer (NOOP, RSET, VRFY, refused recipients ...)."""
    max_connections: int = field(default=256, validator=_positive)
    """Open connections; the next one is told 421 4.3.2."""
    max_inflight: int = field(default=64 << 20, validator=_positive)
    """Octets of messages in memory over all connections before reading stops; `inflight` has the law."""
    idle_timeout: timedelta = field(default=timedelta(minutes=5), validator=_positive)
    """Silence of the client between commands or within content (RFC 5321 4.5.3.2.7: five minutes)."""
    command_timeout: timedelta = field(default=timedelta(minutes=1), validator=_positive)
    """From the first octet of a command line to its end."""
    content_timeout: timedelta = field(default=timedelta(hours=1), validator=_positive)
    """From 354 to the end of the content."""
    content_rate: int = field(default=512, validator=_positive)
    """Octets a second that content has to make on average in each `content_window`."""
    content_window: timedelta = field(default=timedelta(seconds=30), validator=_positive)
    linger: timedelta = field(default=timedelta(seconds=10), validator=_positive)
    """How long a client may take to fetch the last reply before the connection is reset."""

    @hostname.validator
    def _check_hostname(self, _: "Attribute[str]", value: str) -> None:
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise Invalid.field("hostname", "the host name is ASCII without spaces (A-labels)")

    def __attrs_post_init__(self) -> None:
        if self.max_line < 512:
            raise Invalid.field("max_line", "RFC 5321 4.5.3.1.4 asks for command lines of 512 octets")
