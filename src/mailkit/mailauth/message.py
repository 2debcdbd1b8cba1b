"""A message as signatures see it: header fields byte for byte, and the body.

MIME parsers repair; a signature may not. This splitter keeps every octet of a field (RFC 5322 section 2.2, folding
included) and makes one repair only: line ends become CRLF, because that is what travelled (RFC 6376 section 5.3) while
files and pipes on Unix hold bare LF. A body may be bytes, or chunks of it when it is too large to hold.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from attrs import frozen

__all__ = ["Body", "Field", "Message", "crlf"]

Body: TypeAlias = bytes | Iterable[bytes]

# A field: a line that does not begin with white space, and the folded lines after it.
_FIELD = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*")
_HEADER_MAX = 1 << 20


class Field(NamedTuple):
    """One header field: its lower-case name (`b""` for a line without a colon) and its octets up to the final CRLF."""

    name: bytes
    raw: bytes

    @property
    def value(self) -> bytes:
        """What stands after the colon, as it came, without the final CRLF."""
        return self.raw[self.raw.index(b":") + 1 : -2] if self.name else b""

    @property
    def text(self) -> str:
        """The value unfolded and stripped; bytes beyond UTF-8 become surrogates."""
        return self.value.replace(b"\r\n", b"").decode("utf-8", "surrogateescape").strip()


@frozen
class Message:
    """Header fields in order of appearance, and the body with CRLF line ends."""

    fields: tuple[Field, ...]
    body: Body

    @classmethod
    def parse(cls, raw: bytes) -> "Message":
        """Split `raw`, whose lines end in CRLF or LF. Never fails: what is no field gets an empty name."""
        raw = crlf(raw)
        end = _header_end(raw)
        return cls(_fields(raw[:end]), raw[end + 2 :])

    @classmethod
    def stream(cls, chunks: Iterable[bytes]) -> "Message":
        """Read the header from `chunks` (1 MiB at most) and leave the rest of them to be read once as the body."""
        source = crlf_chunks(chunks)
        head = b""
        for chunk in source:
            head += chunk
            if head.startswith(b"\r\n") or b"\r\n\r\n" in head or len(head) > _HEADER_MAX:
                break
        end = _header_end(head)
        return cls(_fields(head[:end]), _chain(head[end + 2 :], source))

    def named(self, name: bytes) -> tuple[Field, ...]:
        """The fields of this lower-case name, top to bottom."""
        return tuple([field for field in self.fields if field.name == name])


def crlf(raw: bytes) -> bytes:
    """`raw` with every bare LF as CRLF; a bare CR is data and stays."""
    if raw.count(b"\n") == raw.count(b"\r\n"):
        return raw
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def crlf_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """`crlf` for a stream: a CR at the end of a chunk waits for what follows."""
    held = b""
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""
        if data := data[: len(data) - len(held)]:
            yield crlf(data)
    if held:
        yield held


def _chain(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _header_end(raw: bytes) -> int:
    """Where the empty line begins, that is the length of the header; the whole when there is no empty line."""
    if raw.startswith(b"\r\n"):
        return 0
    end = raw.find(b"\r\n\r\n")
    return len(raw) if end < 0 else end + 2


def _fields(header: bytes) -> tuple[Field, ...]:
    if header and not header.endswith(b"\r\n"):
        header += b"\r\n"
    found = []
    for match in _FIELD.finditer(header):
        raw = match[0]
        name, colon, _ = raw.partition(b":")
        name = name.rstrip(b" \t").lower() if colon else b""
        # A name holds no white space; "From me Fri Jan 1 00:00:00" of an mbox is no field (RFC 5322 section 3.6.8).
        found.append(Field(name if name and not _NOT_A_NAME.search(name) else b"", raw))
    return tuple(found)


_NOT_A_NAME = re.compile(rb"[\x00-\x20\x7f]")
