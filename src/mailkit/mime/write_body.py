"""Part bodies as bytes: the Content-Transfer-Encoding that fits, line ends CRLF, no line over 998 bytes."""

import binascii
import re

__all__ = ["encode_file", "encode_text"]

_LINE = 998
_SHORT = 78
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_BASE64_LINE = 76


def encode_text(text: str) -> tuple[str, bytes]:
    """(encoding, body) for text, which is UTF-8: 7bit if it is short-lined ASCII, else the shorter of the other two."""
    data = _LINE_ENDS.sub("\r\n", text.replace("\x00", "")).encode("utf-8", "replace")
    lines = data.split(b"\r\n")
    if data.isascii() and max(map(len, lines)) <= _SHORT and not any(line[-1:] in (b" ", b"\t") for line in lines):
        return "7bit", data
    quoted = _quoted_printable(data)
    return ("quoted-printable", quoted) if len(quoted) <= len(data) * 4 // 3 + 8 else ("base64", _base64(data))


def encode_file(content: bytes, encoding: str = "base64") -> tuple[str, bytes]:
    """(encoding, body) for a file. 7bit and 8bit are taken at their word only if the content allows them."""
    if encoding in ("7bit", "8bit") and _has_plain_lines(content) and (encoding == "8bit" or content.isascii()):
        return encoding, content
    if encoding == "quoted-printable" and _has_plain_lines(content, limit=None):
        return encoding, _quoted_printable(content)
    return "base64", _base64(content)


def _has_plain_lines(content: bytes, limit: int | None = _LINE) -> bool:
    """Whether lines end in CRLF only and hold no NUL: else an encoding that knows lines would change them."""
    bare = content.replace(b"\r\n", b"")
    if b"\r" in bare or b"\n" in bare or b"\x00" in bare:
        return False
    return limit is None or max(map(len, content.split(b"\r\n"))) <= limit


def _quoted_printable(data: bytes) -> bytes:
    # b2a_qp takes over the first line end it sees; without one its soft breaks would be LF alone.
    encoded = binascii.b2a_qp(data, istext=True)
    return encoded if b"\r\n" in data else encoded.replace(b"\n", b"\r\n")


def _base64(data: bytes) -> bytes:
    digits = binascii.b2a_base64(data, newline=False)
    return b"\r\n".join(digits[at : at + _BASE64_LINE] for at in range(0, len(digits), _BASE64_LINE))
