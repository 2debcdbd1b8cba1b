"""DANE for SMTP (RFC 7672 over RFC 6698 and 7671): is TLS demanded by TLSA records, and does this chain satisfy them?

Only DANE-TA(2) and DANE-EE(3) count for SMTP (section 3.1.3). Everything depends on DNSSEC: an answer that is not
`secure` is as good as none.
"""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import frozen

from mailkit.mailauth.domain import normal
from mailkit.mailauth.lookup import TLSA, Lookup, Query

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["DaneResult", "TlsaLookup", "discover", "verify"]

Demand: TypeAlias = Literal["authenticate", "encrypt", "none", "temporary"]


@frozen
class TlsaLookup:
    """What the TLSA records of a host demand (section 2.2).

    `authenticate`: the chain must match one of `records`; `encrypt`: there are records, none usable, so TLS is
    mandatory but not checked; `none`: no DANE here; `temporary`: try again later, do not deliver to this host now.
    """

    demand: Demand
    reason: str
    records: tuple[TLSA, ...] = ()


@frozen
class DaneResult:
    """Whether the chain matched, by which record."""

    result: Literal["pass", "fail"]
    reason: str
    matched: TLSA | None = None


def discover(host: str, port: int = 25) -> Lookup[TlsaLookup]:
    """Ask for the addresses (TLSA counts only where they are signed, section 2.2.2) and the TLSA records of a host."""
    name = normal(host)
    v4, v6, tlsa = yield (Query(name, "A"), Query(name, "AAAA"), Query(f"_{port}._tcp.{name}", "TLSA"))
    found = [answer for answer in (v4, v6) if answer.records]
    if not found and "temporary" in (v4.status, v6.status):
        return TlsaLookup("temporary", f"the addresses of {name} could not be fetched")
    if not found or not all(answer.secure for answer in found):
        return TlsaLookup("none", f"the addresses of {name} are not signed")
    if tlsa.status == "temporary":
        return TlsaLookup("temporary", tlsa.reason)
    if not tlsa.records or not tlsa.secure:
        return TlsaLookup(
            "none", "there are no TLSA records" if not tlsa.records else "the TLSA records are not signed"
        )
    usable = tuple(record for record in tlsa.records if _usable(record))
    if not usable:
        return TlsaLookup("encrypt", "no TLSA record is usable")
    return TlsaLookup("authenticate", f"{len(usable)} usable TLSA record(s)", usable)


def verify(records: Sequence[TLSA], chain: Sequence[bytes], names: Sequence[str], *, now: int) -> DaneResult:
    """Hold a server's chain (DER, leaf first) against TLSA records.

    `names` are the acceptable reference names (section 3.2.2: the MX host, and the domain it serves); `now` is UTC
    milliseconds. DANE-EE needs neither name nor validity (section 3.1.1), DANE-TA needs both.
    """
    if not chain:
        return DaneResult("fail", "the server sent no certificate")
    from cryptography import x509

    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain]
    except ValueError as error:
        return DaneResult("fail", f"the chain cannot be read: {error}")
    for record in records:
        if record.usage == 3 and _matches(record, certificates[0], chain[0]):
            return DaneResult("pass", "the certificate matches a DANE-EE record", record)
    reason = "no certificate matches a TLSA record"
    for record in records:
        if record.usage != 2:
            continue
        for depth, (certificate, der) in enumerate(zip(certificates, chain, strict=True)):
            if _matches(record, certificate, der):
                if problem := _path_problem(certificates[: depth + 1], names, now):
                    reason = problem
                else:
                    return DaneResult("pass", "the chain leads to a DANE-TA record", record)
    return DaneResult("fail", reason)


def _usable(record: TLSA) -> bool:
    size = {0: None, 1: 32, 2: 64}
    return (
        record.usage in (2, 3)
        and record.selector in (0, 1)
        and record.matching in size
        and bool(record.data)
        and size[record.matching] in (None, len(record.data))
    )


def _matches(record: TLSA, certificate: "Certificate", der: bytes) -> bool:
    if record.selector == 1:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if record.matching:
        der = hashlib.new("sha256" if record.matching == 1 else "sha512", der).digest()
    return der == record.data


def _path_problem(path: "Sequence[Certificate]", names: Sequence[str], now: int) -> str | None:
    """Why the path from the leaf to the trust anchor does not hold; None when it does."""
    from cryptography.exceptions import InvalidSignature

    for certificate in path:
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not start.timestamp() * 1000 <= now <= end.timestamp() * 1000:
            return "a certificate of the chain has expired or is not valid yet"
    for child, parent in pairwise(path):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature):
            return "the chain does not lead to the trust anchor"
        if not _may_sign(parent):
            return "an issuer in the chain is no certification authority"
    if not set(_dns_names(path[0])) & _acceptable(names):
        return f"the certificate is not for {', '.join(names)}"
    return None


def _may_sign(certificate: "Certificate") -> bool:
    from cryptography import x509

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _dns_names(certificate: "Certificate") -> list[str]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [normal(name) for name in names.get_values_for_type(x509.DNSName)]


def _acceptable(names: Sequence[str]) -> set[str]:
    """The names and, for each, the wildcard that covers it."""
    exact = {normal(name) for name in names}
    return exact | {f"*.{name.partition('.')[2]}" for name in exact if "." in name}
