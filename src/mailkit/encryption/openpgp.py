"""OpenPGP: PGP/MIME messages (RFC 3156) for keys in their armor (RFC 9580 6.2). Needs the extra `openpgp`."""

import hashlib
from typing import TYPE_CHECKING, Final

from mailkit.encryption.pem import blocks
from mailkit.encryption.wrap import Entity
from mailkit.errors import Invalid, NotSupported, Unavailable

if TYPE_CHECKING:
    from types import ModuleType

    from pysequoia import Cert

__all__ = ["LABEL", "certificates", "encrypt", "entity", "library"]

LABEL: Final = "PGP PUBLIC KEY BLOCK"

_ERRORS: Final = (RuntimeError, ValueError, TypeError)
"""What the library raises for keys that it cannot read or use."""


def library() -> "ModuleType":
    """The OpenPGP library; NotSupported `openpgp.missing` without the extra."""
    try:
        import pysequoia
    except ImportError:
        said = 'OpenPGP needs the extra "openpgp": pip install mailkit-platform[openpgp]'
        raise NotSupported("openpgp.missing", said) from None
    return pysequoia


def certificates(text: str) -> "list[Cert]":
    """The keys in a text; Invalid `certificates.invalid` when there is none, one that is secret, or one that cannot be
    read."""
    read = library().Cert.split_bytes
    found: list[Cert] = []
    for block in blocks(text):
        if "PGP" not in block.label:
            continue
        if block.label != LABEL:
            raise _invalid(f"A {block.label} is no public key")
        try:
            some = read(block.text.encode())
        except _ERRORS as error:
            raise _invalid(first_line(error)) from None
        found += some
    if not found:
        raise _invalid("The text has no OpenPGP key")
    return found


def encrypt(data: bytes, certs: "list[Cert]") -> bytes:
    """An armored message (RFC 9580 6.2) with CRLF, readable with each key; Unavailable `encryption.failed`."""
    try:
        made: bytes = library().encrypt(bytes=data, recipients=certs)
    except _ERRORS as error:
        raise Unavailable("encryption.failed", f"OpenPGP: {first_line(error)}") from None
    return made.replace(b"\n", b"\r\n")


def entity(data: bytes, text: str) -> Entity:
    """`data`, a MIME entity, as multipart/encrypted (RFC 3156 4). Unavailable `encryption.failed` when a key cannot be
    used any more, NotSupported `openpgp.missing`."""
    try:
        armored = encrypt(data, certificates(text))
    except Invalid as error:
        raise Unavailable("encryption.failed", f"OpenPGP: {error.message}") from error
    # No line of armor begins with this; that it differs from message to message keeps them apart when they are nested.
    boundary = b"openpgp-" + hashlib.sha256(armored).hexdigest()[:32].encode()
    header = (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";\r\n boundary="%b"\r\n' % boundary
    )
    body = b"".join(
        (
            b"This is an OpenPGP/MIME encrypted message (RFC 3156).\r\n",
            b"--" + boundary + b"\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n",
            b"--" + boundary + b'\r\nContent-Type: application/octet-stream; name="encrypted.asc"\r\n',
            b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n',
            armored,
            b"\r\n--" + boundary + b"--\r\n",
        )
    )
    return Entity(header, body)


def first_line(error: Exception) -> str:
    """What the library says; a stack trace follows it."""
    return str(error).partition("\n")[0]


def _invalid(reason: str) -> Invalid:
    return Invalid("certificates.invalid", reason)
