"""Real keys, made for the run, and their owners."""

import datetime as dt
from collections.abc import Callable
from functools import cache

import pysequoia
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import pkcs7_decrypt_der
from cryptography.x509.oid import NameOID

from mailkit.encryption.keys import AES256, Cipher, Keys
from mailkit.mime.parse import Message, parse

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@frozen
class Owner:
    """Somebody who can read what is encrypted for `text`."""

    text: str
    decrypt: Callable[[bytes], bytes]

    def opened(self, raw: bytes) -> bytes:
        """The MIME entity inside a message, decrypted."""
        return self.decrypt(ciphertext(parse(raw)))


def ciphertext(message: Message) -> bytes:
    """What is encrypted in a message: the second part of PGP/MIME (RFC 3156 4), or the body of S/MIME."""
    root = message.scan.root
    if root.content_type == b"multipart/encrypted":
        first, second = root.children
        assert (first.content_type, first.raw_body) == (b"application/pgp-encrypted", b"Version: 1\r\n")
        assert second.content_type == b"application/octet-stream"
        return second.decoded()
    assert root.content_type == b"application/pkcs7-mime"
    return root.decoded()


@cache
def openpgp(name: str = "Jane Doe <jane@example.org>") -> Owner:
    key = pysequoia.Tsk.generate(user_id=name)
    decryptor = key.decryptor()
    return Owner(str(key.extract_certificate()), lambda data: pysequoia.decrypt(bytes=data, decryptor=decryptor).bytes)


@cache
def smime(name: str = "Jane Doe") -> Owner:
    key = rsa.generate_private_key(65537, 2048)
    made = certificate(key, name)
    return Owner(pem(made), lambda data: pkcs7_decrypt_der(data, made, key, []))


def certificate(key: PrivateKey, name: str = "Jane Doe", usage: x509.KeyUsage | None = None) -> x509.Certificate:
    """A certificate that its owner has signed."""
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(dt.datetime(2020, 1, 1)).not_valid_after(dt.datetime(2021, 1, 1))
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256())


def pem(made: x509.Certificate) -> str:
    return made.public_bytes(Encoding.PEM).decode()


def secret_block() -> str:
    """An OpenPGP key with its secret part."""
    return str(pysequoia.Tsk.generate(user_id="Jane <jane@example.org>"))


def _packets(data: object) -> list[pysequoia.packet.Packet]:
    return list(pysequoia.packet.PacketPile.from_bytes(bytes(data)))  # type: ignore[call-overload]


def signing_key() -> str:
    """An OpenPGP key that nothing can be encrypted for: it has no subkeys."""
    key = pysequoia.Tsk.generate(user_id="Jane <jane@example.org>")
    return str(pysequoia.Cert.from_packets(_packets(key.extract_certificate())[:4]))


def expired_key() -> str:
    """An OpenPGP key that is good for a second."""
    return str(pysequoia.Tsk.generate(user_id="Jane <jane@example.org>", validity_seconds=1).extract_certificate())


def revoked_key() -> str:
    """An OpenPGP key that its owner has revoked."""
    key = pysequoia.Tsk.generate(user_id="Jane <jane@example.org>")
    cert = key.extract_certificate()
    first, *rest = _packets(cert)
    return str(pysequoia.Cert.from_packets([first, *_packets(cert.revoke(certifier=key.certifier())), *rest]))


def keys_of(owner: Owner, cipher: Cipher = AES256) -> Keys:
    """What the platform is told of an owner."""
    return Keys("openpgp" if "PGP" in owner.text else "smime", owner.text, cipher)
