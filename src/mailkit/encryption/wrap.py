"""A message taken apart into what stays outside and what is encrypted, and put together again.

The law, of any bytes:

outside  the header fields, in their order, without those that say what the body is (Content-*, RFC 2045 9)
inside   the Content-* fields, in their order, the empty line, the body: a MIME entity, byte for byte

Nothing is lost and nothing is in both. Added is only what is missing: a line end to a last line, and the empty line
before the body. Outside, the line ends of a message that knows CR alone become CRLF, or its fields could not stand
beside others.
"""

from attrs import field, frozen

from mailkit.mime.scan import Scan

__all__ = ["Entity", "Split", "assemble", "split"]


@frozen
class Split:
    """A message taken apart. `versioned`: MIME-Version is among the fields outside.

    `first` is the part of what stays outside that must stay first: odd lines at the very beginning, and a field. Behind
    other fields such a line would be a continuation, or the beginning of the body.
    """

    first: bytes = field(repr=False)
    outside: bytes = field(repr=False)
    inside: bytes = field(repr=False)
    versioned: bool


@frozen
class Entity:
    """A MIME entity: its header fields with CRLF, and its body."""

    header: bytes
    body: bytes = field(repr=False)


def split(scan: Scan) -> Split:
    """Takes a message apart."""
    raw, root = scan.raw, scan.root
    only_cr = b"\n" not in raw and b"\r" in raw[:1000]  # as the scan decides it
    end = b"\r" if only_cr else b"\r\n"
    first = b""
    outside: list[bytes] = []
    inside: list[bytes] = []
    at, versioned = 0, False
    for one in root.headers:
        # An odd line goes where the field behind it goes: nowhere else would it be passed over.
        piece = raw[at : one.end]
        if one.name.startswith(b"content-"):
            inside.append(piece)
        elif at == 0 < one.start:
            first = piece
        else:
            outside.append(piece)
        versioned = versioned or one.name == b"mime-version"
        at = one.end
    inside.append(raw[at : root.header_end])  # beyond the fields that anybody looks up
    gap = raw[root.header_end : root.body_start] or end
    if not gap.endswith(end[-1:]):  # CRs at the very end
        gap += end[-1:]
    entity = b"".join((_ended(b"".join(inside), end), gap, memoryview(raw)[root.body_start :]))
    return Split(_outside(first, only_cr), _outside(b"".join(outside), only_cr), entity, versioned)


def _outside(lines: bytes, only_cr: bool) -> bytes:
    return _ended(lines.replace(b"\r", b"\r\n") if only_cr else lines, b"\r\n")


def _ended(lines: bytes, end: bytes) -> bytes:
    return lines if not lines or lines.endswith((b"\n", end)) else lines + end


def assemble(parts: Split, entity: Entity) -> bytes:
    """The message with `entity` as its content. Its MIME fields come before others, where no odd line can hide them."""
    version = b"" if parts.versioned else b"MIME-Version: 1.0\r\n"
    return b"".join((parts.first, version, entity.header, parts.outside, b"\r\n", entity.body))
