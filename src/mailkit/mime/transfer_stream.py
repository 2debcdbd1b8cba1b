"""Content-Transfer-Encoding undone piece by piece, with the result of `transfer` (RFC 2045 6), in flat memory."""

import binascii
from collections.abc import Iterable, Iterator

from mailkit.mime.transfer import UUENCODE, decode_base64, decode_quoted_printable, decode_transfer

__all__ = ["decode_chunks"]

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FOREIGN = bytes(range(256)).translate(None, _ALPHABET)


def decode_chunks(chunks: Iterable[bytes], encoding: bytes) -> Iterator[bytes]:
    """The decoded content of a body that comes in chunks; `encoding` in lower case, an unknown one is none."""
    if encoding == b"base64":
        return _base64(iter(chunks))
    if encoding == b"quoted-printable":
        return _quoted_printable(iter(chunks))
    if encoding in UUENCODE:
        return iter((decode_transfer(b"".join(chunks), encoding)[0],))
    return iter(chunks)


def _base64(chunks: Iterator[bytes]) -> Iterator[bytes]:
    digits = b""
    for chunk in chunks:
        pad = chunk.find(b"=")
        if pad >= 0:  # the end, or something odd: what the whole decoder makes of the rest
            yield decode_base64(digits + chunk + b"".join(chunks))[0]
            return
        digits += chunk.translate(None, _FOREIGN)
        whole = len(digits) & ~3
        if whole:
            yield binascii.a2b_base64(digits[:whole])
            digits = digits[whole:]
    if digits:
        yield decode_base64(digits)[0]


def _quoted_printable(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1  # no escape and no white space at a line's end reaches beyond it
        if end:
            yield decode_quoted_printable(b"".join(rest) + chunk[:end])[0]
            rest = [chunk[end:]]
        else:
            rest.append(chunk)
    yield decode_quoted_printable(b"".join(rest))[0]
