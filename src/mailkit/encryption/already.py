"""Whether a message was encrypted by somebody else: then it is stored as it came."""

import re
from typing import Final

from attrs import frozen

from mailkit.mime.scan import Part, Scan
from mailkit.mime.transfer import decode_transfer

__all__ = ["NOT_ENCRYPTED", "Already", "already"]

_PKCS7: Final = (b"application/pkcs7-mime", b"application/x-pkcs7-mime")

_ENCRYPTED: Final = {
    bytes.fromhex("2a864886f70d010703"): "enveloped-data",  # 1.2.840.113549.1.7.3
    bytes.fromhex("2a864886f70d0109100117"): "authEnveloped-data",  # 1.2.840.113549.1.9.16.1.23
}
"""The CMS content types that hide what they contain (RFC 5652 6.1, RFC 5083 2)."""

# ContentInfo (RFC 5652 3): a SEQUENCE of definite or indefinite length that begins with an OID.
_CONTENT_INFO: Final = re.compile(rb"\x30(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...|\x84....)\x06(.)", re.DOTALL)

_BEGIN, _END = b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"


@frozen
class Already:
    """How a message is encrypted, in the words of its media type; empty: it isn't."""

    how: str = ""

    def __bool__(self) -> bool:
        return bool(self.how)


NOT_ENCRYPTED: Final = Already()


def already(scan: Scan) -> Already:
    """PGP/MIME, S/MIME, or one armored OpenPGP message that is all of the body.

    S/MIME that only signs or compresses is clear to every reader: what counts is the object itself, not what the header
    says of it.
    """
    root = scan.root
    beginning = scan.raw[root.body_start : root.body_start + 400]
    if root.content_type == b"multipart/encrypted":  # RFC 1847 2.2
        return Already("multipart/encrypted")
    if root.content_type in _PKCS7:
        kind = _cms_type(root, beginning)
        return Already(f"application/pkcs7-mime, {kind}") if kind else NOT_ENCRYPTED
    if root.content_type == b"text/plain" and _is_armored(root, beginning):
        return Already("inline OpenPGP")
    return NOT_ENCRYPTED


def _cms_type(part: Part, beginning: bytes) -> str:
    beginning = decode_transfer(beginning, part.encoding)[0]
    found = _CONTENT_INFO.match(beginning)
    if found is None:
        return ""
    return _ENCRYPTED.get(beginning[found.end() : found.end() + found[1][0]], "")


def _is_armored(part: Part, beginning: bytes) -> bool:
    # One look at the beginning settles it for nearly every message.
    if part.encoding == b"base64":
        beginning = decode_transfer(beginning, part.encoding)[0]
    if not beginning.lstrip().startswith(_BEGIN):
        return False
    text = part.decoded().strip()
    return text.endswith(_END) and text.count(_BEGIN) == text.count(_END) == 1
