"""The two encodings inside DKIM tags: base64 with folding, and dkim-quoted-printable."""

import binascii
import re

from mailkit.mailauth.taglist import TagSyntaxError

__all__ = ["decode_base64", "decode_quoted_printable"]

_FWS = re.compile(r"[ \t\r\n]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_ESCAPE = re.compile(r"=([0-9A-F]{2})?")


def decode_base64(text: str, tag: str) -> bytes:
    """base64string of RFC 6376 section 2.10: white space anywhere, padding may be missing."""
    text = _FWS.sub("", text)
    if not _BASE64.fullmatch(text):
        raise TagSyntaxError(f"{tag}= is empty" if not text else f"{tag}= is not base64")
    bare = text.rstrip("=")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        raise TagSyntaxError(f"{tag}= is not base64") from None


def decode_quoted_printable(text: str, tag: str) -> str:
    """RFC 6376 section 2.11: `=XX` for an octet, white space is not part of the value."""
    text = _FWS.sub("", text)
    if "=" not in text:
        return text
    if any(match[1] is None for match in _ESCAPE.finditer(text)):
        raise TagSyntaxError(f"{tag}= holds a malformed quoted-printable escape")
    octets = re.sub(rb"=([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("utf-8", "surrogateescape"))
    return octets.decode("utf-8", "surrogateescape")
