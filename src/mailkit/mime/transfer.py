"""Content-Transfer-Encoding undone, damage tolerated (RFC 2045 6).

Each decoder gives the bytes it could save and whether something was wrong.
"""

import binascii
import re

from mailkit.mime.uuencode import decode_uuencoded

__all__ = ["UUENCODE", "decode_base64", "decode_quoted_printable", "decode_transfer"]

#: Never registered, yet used.
UUENCODE = frozenset((b"x-uuencode", b"uuencode", b"x-uue", b"uue"))

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FOREIGN = bytes(range(256)).translate(None, _ALPHABET)
_TEXT = _ALPHABET + b"= \t\r\n"
_PADDING = b"= \t\r\n\x00"
_ONLY_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]*+")
# The look-behind lets a run of blanks be tried once, from its first byte: linear.
_TRAILING_BLANKS = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_BAD_ESCAPE = re.compile(rb"=(?!\r?\n|\Z|[0-9A-Fa-f]{2})")


def decode_base64(data: bytes) -> tuple[bytes, bool]:
    """RFC 2045 6.8. Foreign bytes are skipped, missing padding is supplied, pieces padded one by one are joined.

    What follows the padding and is not base64 (a footer that a mailing list has put there) is left out.
    """
    if b"=" not in data.rstrip(_PADDING):
        try:
            return binascii.a2b_base64(data), data.translate(None, _TEXT) != b""
        except binascii.Error:
            return _quads(data), True
    first, _, rest = data.partition(b"=")
    pieces = [first]
    if _ONLY_BASE64.fullmatch(rest):
        pieces += rest.split(b"=")
    return b"".join(map(_quads, pieces)), True


def _quads(piece: bytes) -> bytes:
    """Decode base64 digits of any number: a last lone digit has too few bits for a byte and is dropped."""
    digits = piece.translate(None, _FOREIGN)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def decode_quoted_printable(data: bytes) -> tuple[bytes, bool]:
    """RFC 2045 6.7. An "=" that begins no escape stays; white space at line ends, the last one too, is padding."""
    if data.endswith((b" ", b"\t")) or b" \n" in data or b" \r" in data or b"\t\n" in data or b"\t\r" in data:
        data = _TRAILING_BLANKS.sub(b"", data)
    if b"=" not in data:
        return data, False
    return binascii.a2b_qp(data), _BAD_ESCAPE.search(data) is not None


def decode_transfer(data: bytes, encoding: bytes) -> tuple[bytes, bool]:
    """Undo the lower-case `encoding`; an unknown one is taken for 8bit (RFC 2049 2)."""
    if encoding == b"base64":
        return decode_base64(data)
    if encoding == b"quoted-printable":
        return decode_quoted_printable(data)
    if encoding in UUENCODE:
        return decode_uuencoded(data), False
    return data, False
