"""The TLSRPT record (RFC 8460 section 3): where to send reports about failed TLS."""

import re

from attrs import frozen

from mailkit.mailauth.domain import normal
from mailkit.mailauth.lookup import Lookup, Query

__all__ = ["TlsRptRecord", "discover", "parse_record"]

_VERSION = re.compile(r"v=TLSRPTv1[ \t]*;(.*)", re.DOTALL)
_URI = re.compile(r"(?:mailto:[^@\s,;!]+@[^@\s,;!]+|https://[^\s,;!]+)", re.IGNORECASE)


@frozen
class TlsRptRecord:
    """`rua` holds the usable `mailto:` and `https:` addresses."""

    rua: tuple[str, ...]


def parse_record(text: str) -> TlsRptRecord | None:
    """Read a TXT record; None when it is no TLSRPT record or names no usable address."""
    version = _VERSION.match(text)
    if version is None:
        return None
    for part in version[1].split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip() == "rua":
            found = tuple(uri for item in value.split(",") if _URI.fullmatch(uri := item.strip()))
            return TlsRptRecord(found) if found else None
    return None


def discover(domain: str) -> Lookup[tuple[TlsRptRecord | None, str]]:
    """The record of `domain`, or None and why; more than one record counts as none."""
    (answer,) = yield (Query(f"_smtp._tls.{normal(domain)}", "TXT"),)
    if answer.status == "temporary":
        return None, answer.reason
    claims = [text for text in answer.records if _VERSION.match(text)]
    if len(claims) != 1:
        return None, f"{len(claims)} TLSRPT records"
    record = parse_record(claims[0])
    return record, "" if record else "the TLSRPT record has no usable rua"
