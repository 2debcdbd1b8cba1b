"""A configuration profile that sets up mail on Apple devices (Apple, "Configuration Profile Reference": Mail payload).

A property list, signed as CMS (RFC 5652) where there is a certificate: an unsigned one works and is shown as such.
Pure: the identifiers are arguments.
"""

import plistlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from mailkit.errors import Invalid

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["Profile", "Server", "Signer", "profile_plist", "signed"]


@frozen
class Server:
    """A mail server as clients reach it. Its connections are encrypted: from the start, or by STARTTLS."""

    host: str
    port: int


@frozen
class Profile:
    """What a profile sets up. `protocol` is imap or pop3; `username` and `password` are for both servers."""

    protocol: str
    incoming: Server
    outgoing: Server
    username: str
    password: str = field(repr=False)
    name: str
    """The person's name, for From."""
    address: str
    title: str
    """What the account and the profile are called on the device."""
    identifier: str
    """A name in reverse-DNS form; a later profile of the same name replaces this one."""


_TYPES: Final = {"imap": "EmailTypeIMAP", "pop3": "EmailTypePOP"}


def profile_plist(profile: Profile, *, uuids: tuple[str, str]) -> bytes:
    """The profile as an XML property list; `uuids` name it and its one payload."""
    payload: dict[str, Any] = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{profile.identifier}.mail",
        "PayloadUUID": uuids[1],
        "PayloadDisplayName": profile.title,
        "EmailAccountType": _TYPES[profile.protocol],
        "EmailAccountName": profile.name,
        "EmailAccountDescription": profile.title,
        "EmailAddress": profile.address,
        **_server("Incoming", profile.incoming, profile.username),
        **_server("Outgoing", profile.outgoing, profile.username),
        "IncomingPassword": profile.password,
        "OutgoingPassword": profile.password,
        "OutgoingPasswordSameAsIncomingPassword": True,
        "SMIMEEnabled": False,
    }
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": profile.identifier,
            "PayloadUUID": uuids[0],
            "PayloadDisplayName": profile.title,
            "PayloadDescription": f"Sets up mail for {profile.address}",
            "PayloadRemovalDisallowed": False,
            "PayloadContent": [payload],
        },
        fmt=plistlib.FMT_XML,
        sort_keys=False,
    )


def _server(direction: str, server: Server, username: str) -> dict[str, Any]:
    head = f"{direction}MailServer"
    return {
        f"{head}HostName": server.host,
        f"{head}PortNumber": server.port,
        f"{head}UseSSL": True,
        f"{head}Username": username,
        f"{head}Authentication": "EmailAuthPassword",
    }


@frozen
class Signer:
    """Who signs: a certificate, its key, and the certificates between it and a root."""

    certificate: "Certificate"
    key: Any = field(repr=False)
    chain: "Sequence[Certificate]" = ()

    @classmethod
    def parse(cls, certificates: bytes, key: bytes) -> "Signer":
        """From PEM: the certificate, then its chain; and the key, without a passphrase. Invalid `profile.signer`."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            first, *rest = x509.load_pem_x509_certificates(certificates)
            private = load_pem_private_key(key, password=None)
        except (ValueError, TypeError) as error:
            raise Invalid("profile.signer", f"profile.certificate and profile.key cannot be read: {error}") from error
        if not isinstance(private, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            raise Invalid("profile.signer", "profile.key is neither an RSA nor an EC key")
        if private.public_key() != first.public_key():
            raise Invalid("profile.signer", "profile.key does not belong to profile.certificate")
        return cls(first, private, rest)


def signed(plist: bytes, signer: Signer) -> bytes:
    """The profile within its signature (CMS SignedData, DER)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    builder = pkcs7.PKCS7SignatureBuilder().set_data(plist).add_signer(signer.certificate, signer.key, hashes.SHA256())
    for certificate in signer.chain:
        builder = builder.add_certificate(certificate)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
