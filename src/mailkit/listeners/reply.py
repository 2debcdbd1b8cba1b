"""A reply: the code of RFC 5321 4.2, the enhanced status code of RFC 3463, and words for people."""

import re
from collections.abc import Iterable

from attrs import Attribute, field, frozen

__all__ = ["Reply", "check_final"]

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e]")
_LONGEST = 480  # RFC 5321 4.5.3.1.5: 512 octets a line, with code, status and CRLF


@frozen
class Reply:
    """What the server says to one command, or to one recipient of a message.

    `status` is the enhanced status code (`5.1.1`) and has the class of `code`; the greeting, the answer to LHLO and 354
    have none (RFC 2034 4). A newline in `text` starts another line of a multiline reply. `text` may hold anything: what
    isn't printable ASCII is escaped on the wire, so a sink can quote the client without splitting the reply.
    """

    code: int = field()
    status: str | None = field()
    text: str
    wire: bytes = field(init=False, eq=False, repr=False)
    """The octets that are sent, CRLF included."""

    @wire.default
    def _encode(self) -> bytes:
        status = f"{self.status} " if self.status else ""
        if "\n" not in self.text and len(self.text) <= _LONGEST and self.text.isascii() and self.text.isprintable():
            return f"{self.code} {status}{self.text}\r\n".encode("ascii")
        *more, last = [piece for line in self.text.split("\n") for piece in _pieces(line)]
        lines = [f"{self.code}-{status}{line}\r\n" for line in more]
        lines.append(f"{self.code} {status}{last}\r\n")
        return "".join(lines).encode("ascii")

    @code.validator
    def _check_code(self, _: "Attribute[int]", value: int) -> None:
        if not 200 <= value <= 599:
            raise ValueError(f"a reply code is 200 to 599, not {value}")

    @status.validator
    def _check_status(self, _: "Attribute[str | None]", value: str | None) -> None:
        # RFC 2034 4: the first digits of both codes agree.
        if value is not None and (_STATUS.fullmatch(value) is None or value[0] != str(self.code)[0]):
            raise ValueError(f"{value!r} is no enhanced status code for a {self.code} reply")

    @property
    def is_positive(self) -> bool:
        """2xx: the command, or the recipient, was accepted."""
        return self.code < 300

    @property
    def is_permanent(self) -> bool:
        """5xx: the client is not to try this again."""
        return self.code >= 500

    def __str__(self) -> str:
        return " ".join(filter(None, [str(self.code), self.status, self.text]))


def check_final(replies: Iterable[Reply]) -> None:
    """Raises ValueError for a reply that neither accepts (2xx) nor refuses (4xx, 5xx): a sink has no other answer."""
    for reply in replies:
        if reply.code // 100 not in (2, 4, 5):
            raise ValueError(f"{reply.code} neither accepts nor refuses")


def _pieces(line: str) -> list[str]:
    line = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), line)
    return [line[at : at + _LONGEST] for at in range(0, len(line), _LONGEST)] or [""]
