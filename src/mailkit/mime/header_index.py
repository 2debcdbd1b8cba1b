"""The header fields of one message or part, found in one pass and read on demand (RFC 5322 2.2).

A field is `name ":" value`, continued by lines that begin with a space or tab. Values are kept as they came; `unfold`
takes the line breaks out (RFC 5322 2.2.3).
"""

import re
from collections.abc import Iterator
from itertools import islice

from attrs import define, field, frozen

__all__ = ["FIELD_LIMIT", "Field", "HeaderIndex", "header_end", "unfold"]

#: Fields of one header that are indexed; the rest counts as header but cannot be looked up.
FIELD_LIMIT = 10_000

# A name is any run of bytes but controls, space, colon and DEL: RFC 5322's ftext and, tolerated, 8-bit bytes. It does
# not begin with "--": a boundary may hold a colon, and a delimiter line must never be taken for a field.
# Possessive throughout: no backtracking, hence linear.
_NAME = rb"(?!--)[^\x00-\x20:\x7f]++"
_VALUE = rb"[^\n]*+(?:\n(?:[ \t][^\n]*+\n)*+(?:[ \t][^\n]*+\Z)?|\Z)"
_FIELDS = re.compile(rb"(?:" + _NAME + rb"[ \t]*+:" + _VALUE + rb")*+")
_SPLIT = re.compile(rb"(" + _NAME + rb")([ \t]*+:)(" + _VALUE + rb")|([^\n]++\n?|\n)")
_JUNK = re.compile(rb"(?!--)[^\n]*+\n(?:[ \t][^\n]*+\n)*+(?=" + _NAME + rb"[ \t]*+:)")
# "\r\r\n" is what a CRLF file becomes when it is converted once more.
_BLANK = re.compile(rb"\r*+\n|\r*+\Z")
_MBOX_FROM = re.compile(rb">?From [^\n]*+\n")
_FOLD = re.compile(rb"\r*\n")


def header_end(raw: bytes, start: int) -> tuple[int, int, int]:
    """Where the header that begins at `start` ends, where its body begins, and its first junk line (-1: none).

    A line that is no field is junk if a field follows it, else the body has begun without an empty line (then both
    offsets are equal, as they are when the source ends within the header).
    """
    junk = -1
    position = start
    if raw.startswith((b"From ", b">From "), start):  # the mbox separator line, RFC 4155
        mbox = _MBOX_FROM.match(raw, start)
        position = mbox.end() if mbox else start
    while True:
        position = _FIELDS.match(raw, position).end()  # type: ignore[union-attr]  # matches the empty string
        if raw.startswith(b"\n", position):
            return position, position + 1, junk
        blank = _BLANK.match(raw, position)
        if blank:
            return position, blank.end(), junk
        # A part whose very first line is no field has no header at all: its sender forgot the empty line.
        stray = _JUNK.match(raw, position) if position > start or start == 0 else None
        if not stray:
            return position, position, junk
        junk = position if junk < 0 else junk
        position = stray.end()


def unfold(value: bytes) -> bytes:
    """A field value without its line breaks and without white space around it (RFC 5322 2.2.3)."""
    value = value.strip()
    return _FOLD.sub(b"", value) if b"\n" in value else value


@frozen
class Field:
    """One header field. Offsets are into the source: `raw[start:end]` is the field with its line end."""

    name: bytes  #: lower case
    start: int
    value_start: int  #: just behind the colon
    end: int
    raw_value: bytes  #: as it came, folded, with its line end

    @property
    def value(self) -> bytes:
        """The value, unfolded and stripped."""
        return unfold(self.raw_value)


@define(eq=False, repr=False)
class HeaderIndex:
    """The fields between two offsets of a source; nothing is read before it is asked for."""

    _raw: bytes
    start: int
    end: int
    _found: list[tuple[bytes, bytes, bytes, bytes]] | None = field(default=None, init=False)
    _names: list[bytes] = field(factory=list, init=False)
    _values: dict[bytes, list[bytes]] = field(factory=dict, init=False)  # by lower-case name, as they came

    def _index(self) -> list[tuple[bytes, bytes, bytes, bytes]]:
        found = self._found
        if found is None:
            block = self._raw[self.start : self.end]
            if block.count(b"\n") <= FIELD_LIMIT:
                found = _SPLIT.findall(block)
            else:
                limited = islice(_SPLIT.finditer(block), FIELD_LIMIT)
                found = [(m[1] or b"", m[2] or b"", m[3] or b"", m[4] or b"") for m in limited]
            self._found = found
            self._names = names = [name.lower() for name, _, _, _ in found]
            values = self._values
            for name, entry in zip(names, found, strict=True):
                if name in values:
                    values[name].append(entry[2])
                else:
                    values[name] = [entry[2]]
        return found

    @property
    def names(self) -> list[bytes]:
        """The lower-case names of all fields, in order, repetitions included. Don't change the list."""
        self._index()
        return self._names if b"" not in self._names else [name for name in self._names if name]

    def items(self) -> list[tuple[bytes, bytes]]:
        """(lower-case name, raw value) of all fields, in order: the cheapest way to read them all."""
        found = self._index()
        return [(name, entry[2]) for name, entry in zip(self._names, found, strict=True) if name]

    def get(self, name: bytes) -> bytes | None:
        """The unfolded value of the first field of this lower-case name; None if there is none."""
        if self._found is None:
            self._index()
        values = self._values.get(name)
        return None if values is None else unfold(values[0])

    def all(self, name: bytes) -> list[bytes]:
        """The unfolded values of all fields of this lower-case name, topmost first."""
        if self._found is None:
            self._index()
        return [unfold(value) for value in self._values.get(name, ())]

    def __contains__(self, name: object) -> bool:
        self._index()
        return name in self._values

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Field]:
        found = self._index()
        offset = self.start
        for lower, (name, colon, value, junk) in zip(self._names, found, strict=True):
            value_start = offset + len(name) + len(colon)
            end = value_start + len(value) + len(junk)
            if name:
                yield Field(lower, offset, value_start, end, value)
            offset = end
