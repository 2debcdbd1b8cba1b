"""The DKIM-Signature field (RFC 6376 section 3.5), and its twin ARC-Message-Signature (RFC 8617 section 4.1.2).

`parse_signature` takes every syntactic decision, before any DNS query: the order of RFC 6376 section 6.1.1.
"""

import re
from typing import Literal

from attrs import frozen

from mailkit.mailauth.dkim.canonical import Canonicalization
from mailkit.mailauth.dkim.encoding import decode_base64, decode_quoted_printable
from mailkit.mailauth.domain import is_domain, is_under, normal
from mailkit.mailauth.message import Field
from mailkit.mailauth.taglist import TagSyntaxError, parse_tags, words

__all__ = ["ALGORITHMS", "Signature", "parse_signature", "tags_of", "without_b"]

ALGORITHMS = {"rsa-sha256": ("rsa", "sha256"), "ed25519-sha256": ("ed25519", "sha256"), "rsa-sha1": ("rsa", "sha1")}

_DIGITS = re.compile(r"[0-9]+")
_INSTANCE = re.compile(r"[0-9]{1,2}")
_NAME = re.compile(r"[!-9<-~]+")
# The b tag: at the start of the list or after a semicolon; its value and all white space around it (section 3.7).
_B = re.compile(rb"((?:^[^:]*:|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


@frozen
class Signature:
    """A syntactically valid signature. `names` are the lower-case field names of h=; times are seconds since 1970."""

    kind: Literal["dkim", "arc"]
    algorithm: str
    domain: str
    selector: str
    identity: str
    names: tuple[bytes, ...]
    signature: bytes
    body_hash: bytes
    header_canonicalization: Canonicalization
    body_canonicalization: Canonicalization
    length: int | None
    signed_at: int | None
    expires_at: int | None
    instance: int | None = None

    @property
    def key_name(self) -> str:
        """Where the key record is (RFC 6376 section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def tags_of(field: Field) -> dict[str, str]:
    """The tag list of a signature field."""
    return parse_tags(field.value.decode("utf-8", "surrogateescape"))


def without_b(raw: bytes) -> bytes:
    """The field with an empty b= and without its final CRLF: the last thing that is signed (section 3.7)."""
    return _B.sub(rb"\1", raw, count=1).removesuffix(b"\r\n")


def parse_signature(field: Field, kind: Literal["dkim", "arc"] = "dkim") -> Signature:
    """Read and check a signature field; raises `TagSyntaxError` with the reason."""
    tags = tags_of(field)
    for name in ("a", "b", "bh", "d", "h", "s") if kind == "arc" else ("v", "a", "b", "bh", "d", "h", "s"):
        if name not in tags:
            raise TagSyntaxError(f"{name}= is missing")
    if kind == "dkim" and tags["v"] != "1":
        raise TagSyntaxError(f"unknown version v={tags['v'][:20]}")
    domain = signing_domain(tags["d"], "d")
    if "." not in domain:  # domain-name = sub-domain 1*("." sub-domain)
        raise TagSyntaxError("d= is a single label")
    header, body = canonicalizations(tags.get("c", "simple/simple" if kind == "dkim" else "relaxed/relaxed"))
    names = signed_names(tags["h"], kind)
    signed_at, expires_at = timestamp(tags, "t"), timestamp(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise TagSyntaxError("x= is not later than t=")
    if "q" in tags and "dns/txt" not in [method.lower() for method in words(tags["q"])]:
        raise TagSyntaxError(f"no known query method in q={tags['q'][:40]}")  # unknown ones in the list are ignored
    length = tags.get("l")
    if length is not None and not (_DIGITS.fullmatch(length) and len(length) <= 76):
        raise TagSyntaxError("l= is not a number")
    return Signature(
        kind=kind,
        algorithm=algorithm(tags["a"]),
        domain=domain,
        selector=signing_domain(tags["s"], "s"),
        identity=identity(tags.get("i"), domain) if kind == "dkim" else f"@{domain}",
        names=names,
        signature=decode_base64(tags["b"], "b"),
        body_hash=decode_base64(tags["bh"], "bh"),
        header_canonicalization=header,
        body_canonicalization=body,
        length=None if length is None else int(length),
        signed_at=signed_at,
        expires_at=expires_at,
        instance=instance(tags) if kind == "arc" else None,
    )


def algorithm(value: str) -> str:
    """Quoted strings of the ABNF match in any case (RFC 5234 section 2.3)."""
    if (name := value.lower()) not in ALGORITHMS:
        raise TagSyntaxError(f"unknown algorithm a={value[:40]}")
    return name


def signing_domain(value: str, tag: str) -> str:
    """d= and s=, with U-labels allowed (RFC 8616 section 4)."""
    domain = normal(value)
    if value.endswith(".") or not is_domain(domain):
        raise TagSyntaxError(f"{tag}= is empty" if not value else f"{tag}= is not a domain name")
    return domain


def canonicalizations(value: str) -> tuple[Canonicalization, Canonicalization]:
    """c=: the body defaults to simple when only the header is named."""
    parts = value.lower().split("/")
    if len(parts) > 2 or any(part not in ("simple", "relaxed") for part in parts):
        raise TagSyntaxError(f"unknown canonicalization c={value[:40]}")
    header: Canonicalization = "relaxed" if parts[0] == "relaxed" else "simple"
    body: Canonicalization = "relaxed" if len(parts) == 2 and parts[1] == "relaxed" else "simple"
    return header, body


def signed_names(value: str, kind: Literal["dkim", "arc"]) -> tuple[bytes, ...]:
    """h=: the From field must be among them in DKIM (section 5.4); an ARC set must not sign seals (RFC 8617, 4.1.2)."""
    if not value and kind == "arc":
        return ()
    names = words(value)
    for name in names:
        if not _NAME.fullmatch(name):
            raise TagSyntaxError("h= is empty" if not value else f"h= holds {name[:40]!r}, which is no field name")
    lowered = tuple([name.lower().encode("ascii") for name in names])
    if kind == "dkim" and b"from" not in lowered:
        raise TagSyntaxError("h= does not sign From")
    if kind == "arc" and b"arc-seal" in lowered:
        raise TagSyntaxError("h= signs ARC-Seal")
    return lowered


def identity(value: str | None, domain: str) -> str:
    """i=: quoted-printable, at d= or below it."""
    if value is None:
        return f"@{domain}"
    decoded = decode_quoted_printable(value, "i")
    local, at, host = decoded.rpartition("@")
    if not at or not is_domain(normal(host)):
        raise TagSyntaxError("i= is not an address")
    if not is_under(normal(host), domain):
        raise TagSyntaxError(f"i= is not in the domain {domain}")
    return f"{local}@{normal(host)}"


def timestamp(tags: dict[str, str], tag: str) -> int | None:
    """t= and x=: seconds since 1970, 12 digits at most."""
    value = tags.get(tag)
    if value is None:
        return None
    if not _DIGITS.fullmatch(value) or len(value) > 12:
        raise TagSyntaxError(f"{tag}= is not a time")
    return int(value)


def instance(tags: dict[str, str]) -> int:
    """The i= of an ARC set: 1 to 50 (RFC 8617 section 4.2.1)."""
    value = tags.get("i", "")
    if not _INSTANCE.fullmatch(value) or not 1 <= int(value) <= 50:
        raise TagSyntaxError(f"i={value[:20]} is not an instance of 1 to 50")
    return int(value)
