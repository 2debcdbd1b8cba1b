"""Files in the body of a text, as they were sent before MIME: uuencode (POSIX.1, `uuencode`)."""

import binascii
import re

from attrs import frozen

__all__ = ["UuFile", "decode_uuencoded", "find_uuencoded"]

_BEGIN = re.compile(rb"^begin[ \t]+([0-7]{3,4})[ \t]+([^\r\n]++)", re.MULTILINE)
_LIMIT = 1_000


@frozen
class UuFile:
    """One file: its name, content, and where its lines stand in the bytes searched."""

    name: str
    data: bytes
    start: int
    end: int


def find_uuencoded(body: bytes) -> tuple[UuFile, ...]:
    """The uuencoded files in `body`. Linear; a file whose "end" is missing goes to its last good line."""
    found: list[UuFile] = []
    position = 0
    while len(found) < _LIMIT:
        begin = _BEGIN.search(body, position)
        if begin is None:
            break
        data, position = _lines(body, min(begin.end() + 1, len(body)))
        if data:
            found.append(UuFile(begin[2][:255].decode("utf-8", "replace").strip(), data, begin.start(), position))
    return tuple(found)


def decode_uuencoded(body: bytes) -> bytes:
    """The first file of a body whose Content-Transfer-Encoding is x-uuencode; the body itself if there is none."""
    begin = _BEGIN.search(body)
    return _lines(body, min(begin.end() + 1, len(body)))[0] if begin else body


def _lines(body: bytes, position: int) -> tuple[bytes, int]:
    out: list[bytes] = []
    while position < len(body):
        stop = body.find(b"\n", position)
        stop = len(body) if stop < 0 else stop + 1
        line = body[position : min(stop, position + 200)].rstrip(b"\r\n")
        if line == b"end":
            return b"".join(out), stop
        if line.strip() and line.strip() != b"`":
            decoded = _line(line)
            if decoded is None:
                break
            out.append(decoded)
        position = stop
    return b"".join(out), position


def _line(line: bytes) -> bytes | None:
    length = (line[0] - 32) & 63
    needed = (length + 2) // 3 * 4
    # Trailing blanks (which mean zero bits) are lost on the way; a checksum character may follow.
    if not 32 <= line[0] <= 96 or len(line) - 1 > needed + 4:
        return None
    try:
        return binascii.a2b_uu(line[: 1 + needed])
    except binascii.Error:
        return None
