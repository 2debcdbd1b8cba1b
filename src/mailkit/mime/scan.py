"""The lazy first stage: where the header fields and the parts of a message are. It decodes nothing.

The law of the part tree (RFC 2046 5.1):

- One pass over the lines that begin with "--", with a stack of the boundaries that are open. A delimiter of an outer
  multipart ends all inner ones. Time is linear in the source, however the boundaries nest.
- `parts` is the tree in source order, depth first; `parts[0]` is the message. A multipart's children are its body
  parts; a message/rfc822 part has the message it carries as its one child.
- A part's body ends before the line break that belongs to the delimiter (RFC 2046 5.1.1).
- At most `MAX_DEPTH` levels and `MAX_PARTS` parts. What lies deeper is one opaque leaf; the last part allowed takes the
  rest of the source. Both leave a defect.
"""

import re

from attrs import define, field

from mailkit.mime.defects import Defect, Kind
from mailkit.mime.header_index import HeaderIndex, header_end
from mailkit.mime.parameters import parse_parameters
from mailkit.mime.transfer import UUENCODE, decode_transfer

__all__ = ["MAX_DEPTH", "MAX_PARTS", "Part", "Scan", "scan"]

MAX_DEPTH = 100
MAX_PARTS = 1_000

# Searched in "\n" + the lower-cased header, so that the literal prefix makes the search fast.
_CONTENT = re.compile(
    rb"\ncontent-(type|transfer-encoding)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)",
)
_TYPE = re.compile(rb"\s*+([^\s;/\"(),:<>@\[\]\\?=]++/[^\s;/\"(),:<>@\[\]\\?=]++)\s*+(?:;|\Z)")
# The plain forms of the parameter; all others (comments, RFC 2231, escapes) go the long way.
_BOUNDARY = re.compile(
    rb"[^;\"(]*+(?:;\s*+(?!boundary\s*+=)[^\s=;\"()*]++\s*+=\s*+(?:\"[^\"\\]*+\"|[^\s;\"()\\]++)\s*+)*+"
    rb";\s*+boundary\s*+=\s*+(?:\"([^\"\\\n]*+)\"|([^\s;\"()*\\]++))\s*+(?:;|\Z)",
    re.IGNORECASE,
)
_TOKEN = re.compile(rb"[^\s;(\"]++")
_IDENTITY = frozenset((b"", b"7bit", b"8bit", b"binary"))
_KNOWN = _IDENTITY | UUENCODE | {b"base64", b"quoted-printable"}
_GUESS = re.compile(rb"(?:^|\n)--([^\s-][^\r\n]{0,69})\r?\n")


@define(eq=False)
class Part:
    """One entity: a message, a body part, or a leaf. All offsets are into the source.

    `raw[header_start:header_end]` are its header fields, `raw[body_start:body_end]` its body as it was sent.
    """

    _lines: bytes = field(repr=False)
    index: int  #: position in `Scan.parts`
    parent: int  #: -1 for the message itself
    depth: int
    header_start: int
    header_end: int
    body_start: int
    body_end: int
    content_type: bytes = b"text/plain"  #: lower case, without parameters
    encoding: bytes = b""  #: Content-Transfer-Encoding in lower case; empty if there is none
    boundary: bytes | None = None
    children: "list[Part]" = field(factory=list, repr=False)
    _headers: HeaderIndex | None = field(default=None, init=False, repr=False)

    @property
    def headers(self) -> HeaderIndex:
        """The header fields, read on first access."""
        if self._headers is None:
            self._headers = HeaderIndex(self._lines, self.header_start, self.header_end)
        return self._headers

    @property
    def is_leaf(self) -> bool:
        """Whether it has no parts of its own."""
        return not self.children

    @property
    def raw_body(self) -> bytes:
        """The body as it was sent."""
        return self._lines[self.body_start : self.body_end]

    def decoded(self) -> bytes:
        """The body with its transfer encoding undone, damage tolerated. Computed anew at every call."""
        return decode_transfer(self._lines[self.body_start : self.body_end], self.encoding)[0]


@define(eq=False)
class Scan:
    """What the first stage found in `raw`."""

    raw: bytes = field(repr=False)
    parts: list[Part]
    defects: list[Defect]

    @property
    def root(self) -> Part:
        """The message itself."""
        return self.parts[0]

    @property
    def headers(self) -> HeaderIndex:
        """The header fields of the message itself."""
        return self.parts[0].headers

    @property
    def leaves(self) -> list[Part]:
        """The parts without parts of their own, in source order."""
        return [part for part in self.parts if not part.children]


@define(eq=False)
class _Open:
    """A multipart whose closing delimiter has not come."""

    part: Part
    boundary: bytes
    shadowed: int | None  #: level of an outer multipart with the same boundary
    seen: bool = False


def scan(raw: bytes) -> Scan:
    """Find the header fields and parts of a message. Never raises; linear in `len(raw)`."""
    lines = raw
    defects: list[Defect] = []
    if 0x0D in raw[:1000] and 0x0A not in raw:
        # Ancient Macintosh line ends. One byte for one byte: the offsets stay those of the source.
        lines = raw.replace(b"\r", b"\n")
        defects.append(Defect(Kind.BARE_CR, raw.find(b"\r")))
    walk = _Walk(lines, defects)
    walk.enter(0, None, b"text/plain")
    if walk.stack:
        walk.delimiters()
    for part in walk.parts:
        if part.body_end < 0:
            part.body_end = len(lines)
    return Scan(raw, walk.parts, defects)


class _Walk:
    def __init__(self, lines: bytes, defects: list[Defect]) -> None:
        self.lines = lines
        self.defects = defects
        self.parts: list[Part] = []
        self.stack: list[_Open] = []
        self.levels: dict[bytes, int] = {}  # boundary -> innermost level of the stack that has it

    def enter(self, start: int, parent: Part | None, default_type: bytes) -> None:
        """Begin the part at `start`, and the messages it carries: a loop, for message/rfc822 nests too."""
        lines, parts = self.lines, self.parts
        while True:
            head_end, body, junk = header_end(lines, start)
            index = len(parts)
            part = Part(
                lines,
                index,
                parent.index if parent else -1,
                parent.depth + 1 if parent else 0,
                start,
                head_end,
                body,
                -1,
                default_type,
            )
            parts.append(part)
            if parent:
                parent.children.append(part)
            if junk >= 0:
                self.defects.append(Defect(Kind.HEADER_JUNK, junk, index))
            if body == head_end and body < len(lines) and head_end > start:
                self.defects.append(Defect(Kind.HEADER_UNSEPARATED, body, index))
            self.describe(part)
            kind = part.content_type
            if kind[:10] == b"multipart/":
                self.open(part)
                return
            if kind != b"message/rfc822" and kind != b"message/global":
                return
            if part.encoding not in _IDENTITY:
                self.defects.append(Defect(Kind.ENCODED_CONTAINER, part.header_start, index))
                return
            if not self.has_room(part):
                return
            parent, start, default_type = part, body, b"text/plain"

    def describe(self, part: Part) -> None:
        """Read Content-Type and Content-Transfer-Encoding; the first field of each counts."""
        if part.header_end == part.header_start:
            return
        start = part.header_start
        head = b"\n" + self.lines[start : part.header_end]
        has_type = False
        for match in _CONTENT.finditer(head.lower()):
            value = match[2]
            if match[1] == b"type":
                if has_type:
                    continue
                has_type = True
                found = _TYPE.match(value)
                if found:
                    part.content_type = found[1]
                    if found[1][:10] == b"multipart/":
                        part.boundary = _boundary(head[match.start(2) : match.end(2)])
                else:
                    self.vague_type(part, head[match.start(2) : match.end(2)], start + match.start(2) - 1)
            elif not part.encoding:
                token = _TOKEN.search(value)
                part.encoding = token[0] if token else b""
                if part.encoding not in _KNOWN:
                    self.defects.append(
                        Defect(
                            Kind.ENCODING_UNKNOWN,
                            start + match.start(),
                            part.index,
                            part.encoding[:64].decode("latin-1"),
                        )
                    )

    def vague_type(self, part: Part, value: bytes, offset: int) -> None:
        """A Content-Type with comments or faults in it. Without a subtype it is text/plain (RFC 2045 5.2)."""
        parsed = parse_parameters(value.decode("utf-8", "surrogateescape"), words=False)
        kind, slash, subtype = parsed.value.lower().partition("/")
        if kind and slash and subtype:
            part.content_type = f"{kind}/{subtype}".encode("utf-8", "surrogateescape")
            if kind == "multipart":
                part.boundary = parsed.get("boundary").encode("utf-8", "surrogateescape").rstrip() or None
        else:
            self.defects.append(Defect(Kind.CONTENT_TYPE_INVALID, offset, part.index, parsed.value[:64]))

    def open(self, part: Part) -> None:
        """Push a multipart on the stack."""
        if part.encoding not in _IDENTITY:
            # RFC 2045 6.4 forbids it; what comes is almost always not encoded at all.
            self.defects.append(Defect(Kind.ENCODED_CONTAINER, part.header_start, part.index))
        boundary = part.boundary
        if not boundary:
            guess = _GUESS.search(self.lines, max(part.body_start - 1, 0), part.body_start + 10_000)
            boundary = part.boundary = guess[1].rstrip() if guess else None
            self.defects.append(Defect(Kind.BOUNDARY_MISSING, part.header_start, part.index))
        if boundary and self.has_room(part):
            self.stack.append(_Open(part, boundary, self.levels.get(boundary)))
            self.levels[boundary] = len(self.stack) - 1

    def has_room(self, part: Part) -> bool:
        """Whether the caps allow this part to have parts."""
        if part.depth >= MAX_DEPTH:
            self.defects.append(Defect(Kind.TOO_DEEP, part.body_start, part.index))
            return False
        if len(self.parts) >= MAX_PARTS:
            self.defects.append(Defect(Kind.TOO_MANY_PARTS, part.body_start, part.index))
            return False
        return True

    def delimiters(self) -> None:
        """Walk the delimiter lines up to the end of the source or of the last open multipart."""
        lines, levels, stack = self.lines, self.levels, self.stack
        position = stack[0].part.body_start - 1
        while stack:
            position = lines.find(b"\n--", position)
            if position < 0:
                break
            stop = lines.find(b"\n", position + 1)
            stop = len(lines) if stop < 0 else stop
            text = lines[position + 3 : stop].rstrip()
            level, closing = levels.get(text), False
            if level is None and text[-2:] == b"--":
                level, closing = levels.get(text[:-2]), True
            if level is None:
                position = stop
                continue
            while len(stack) > level + 1:
                self.close(closed=False)
            top = stack[-1]
            top.seen = True
            if not closing and len(self.parts) >= MAX_PARTS:
                self.defects.append(Defect(Kind.TOO_MANY_PARTS, position + 1, self.parts[-1].index))
                return
            self.end_parts(top.part.index, position)
            position = stop
            if closing:
                self.close(closed=True)
                continue
            digest = top.part.content_type == b"multipart/digest"  # RFC 2046 5.1.5
            self.enter(min(stop + 1, len(lines)), top.part, b"message/rfc822" if digest else b"text/plain")
            position = max(self.parts[-1].body_start - 1, position)
        while stack:
            self.close(closed=False)

    def end_parts(self, container: int, position: int) -> None:
        """A delimiter that begins with the line break at `position`: end the open parts inside `container`."""
        end = position - 1 if self.lines[position - 1 : position] == b"\r" else position
        index = self.parts[-1].index
        while index > container:
            part = self.parts[index]
            if part.body_end < 0:
                # An empty part's header line end is the delimiter's line break too: the container then has it all.
                end = part.body_end = max(part.body_start, end)
            index = part.parent

    def close(self, *, closed: bool) -> None:
        """Pop the innermost multipart."""
        top = self.stack.pop()
        if top.shadowed is None:
            del self.levels[top.boundary]
        else:
            self.levels[top.boundary] = top.shadowed
        if not closed:
            kind = Kind.BOUNDARY_UNCLOSED if top.seen else Kind.BOUNDARY_UNSEEN
            self.defects.append(Defect(kind, top.part.body_start, top.part.index))


def _boundary(value: bytes) -> bytes | None:
    plain = _BOUNDARY.match(value)
    if plain:
        return (plain[1] or plain[2] or b"").rstrip() or None
    if b"boundary" not in value.lower():
        return None
    parsed = parse_parameters(value.decode("utf-8", "surrogateescape"), words=False)
    return parsed.get("boundary").encode("utf-8", "surrogateescape").rstrip() or None
