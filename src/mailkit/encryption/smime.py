"""S/MIME: enveloped-data (RFC 8551 3.3) for X.509 certificates in PEM (RFC 7468 5).

Content is encrypted with AES in CBC mode, the key of each message with RSA PKCS #1 v1.5: what every client can read.
Nothing of it proves that the content was not changed; whoever can write to the store can.
"""

from typing import TYPE_CHECKING, Final

from mailkit.encryption.keys import AES128, Cipher
from mailkit.encryption.pem import blocks
from mailkit.encryption.wrap import Entity
from mailkit.errors import Invalid, Unavailable
from mailkit.mime.write_body import encode_file

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["LABEL", "certificates", "encrypt", "entity"]

LABEL: Final = "CERTIFICATE"

_SMALLEST: Final = 2048
"""Bits of RSA below which RFC 8551 4.4 tells agents not to encrypt."""


def certificates(text: str) -> "list[Certificate]":
    """The certificates in a text; Invalid `certificates.invalid` when there is none, or one that nothing can be
    encrypted for. When they are valid is not looked at: what is encrypted is the owner's own mail."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    found = []
    for block in blocks(text):
        if LABEL not in block.label:
            continue
        try:
            certificate = x509.load_pem_x509_certificate(block.text.encode())
            reason = unusable(certificate)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _invalid(f"A certificate cannot be read: {error}") from None
        if reason:
            raise _invalid(reason)
        found.append(certificate)
    if not found:
        raise _invalid("The text has no X.509 certificate")
    return found


def unusable(certificate: "Certificate") -> str:
    """Why nothing can be encrypted for a certificate; empty: it can. ValueError for one that is damaged."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        return "Only certificates with an RSA key can be encrypted for"
    if key.key_size < _SMALLEST:
        return f"The certificate's RSA key has {key.key_size} bits, {_SMALLEST} are needed"
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    # RFC 8550 4.4.2: with the extension, keyEncipherment must be set.
    return "" if usage.key_encipherment else "The certificate's key is not meant for encryption (keyUsage)"


def encrypt(data: bytes, certs: "list[Certificate]", cipher: Cipher) -> bytes:
    """EnvelopedData in DER (RFC 5652 6.1), readable with each certificate's key; Unavailable `encryption.failed`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import algorithms
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options

    builder = PKCS7EnvelopeBuilder().set_data(data)
    for certificate in certs:
        builder = builder.add_recipient(certificate)
    algorithm = algorithms.AES128 if cipher == AES128 else algorithms.AES256
    builder = builder.set_content_encryption_algorithm(algorithm)
    try:
        return builder.encrypt(Encoding.DER, [PKCS7Options.Binary])  # Binary: the bytes as they are
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unavailable("encryption.failed", f"S/MIME: {error}") from error


def entity(data: bytes, text: str, cipher: Cipher) -> Entity:
    """`data`, a MIME entity, as application/pkcs7-mime (RFC 8551 3.3). Unavailable `encryption.failed`."""
    try:
        certs = certificates(text)
    except Invalid as error:
        raise Unavailable("encryption.failed", f"S/MIME: {error.message}") from error
    header = (
        b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n name="smime.p7m"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7m"\r\n'
    )
    _, body = encode_file(encrypt(data, certs, cipher))
    return Entity(header, body + b"\r\n")


def _invalid(reason: str) -> Invalid:
    return Invalid("certificates.invalid", reason)
