"""The structure of an ARC chain (RFC 8617 section 4): sets of three fields, instances 1 to N without a gap."""

import re
from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from mailkit.mailauth.dkim.encoding import decode_base64
from mailkit.mailauth.dkim.signature import algorithm, instance, signing_domain, tags_of, timestamp
from mailkit.mailauth.message import Field
from mailkit.mailauth.taglist import TagSyntaxError

__all__ = ["MAX_INSTANCE", "ArcSet", "Seal", "collect", "parse_seal"]

MAX_INSTANCE = 50
"""RFC 8617 section 4.2.1."""

# arc-info = instance [CFWS] ";" authres-payload, with CFWS around each part of the instance (section 4.1.1)
_CFWS = r"(?:\s|\([^()\\]*\))*"
_RESULTS_INSTANCE = re.compile(rf"{_CFWS}i{_CFWS}={_CFWS}([0-9]{{1,2}}){_CFWS};")
_KINDS = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")


@frozen
class Seal:
    """A syntactically valid ARC-Seal (section 4.1.3)."""

    algorithm: str
    domain: str
    selector: str
    signature: bytes
    cv: Literal["none", "pass", "fail"]
    instance: int
    signed_at: int | None

    @property
    def key_name(self) -> str:
        """Where the key record is."""
        return f"{self.selector}._domainkey.{self.domain}"


@frozen
class ArcSet:
    """The three fields of one instance."""

    instance: int
    results: Field
    message_signature: Field
    seal: Field


def collect(fields: Sequence[Field]) -> tuple[ArcSet, ...]:
    """The sets, lowest instance first; empty when there are none. Raises `TagSyntaxError` for a broken structure."""
    found: dict[tuple[int, bytes], Field] = {}
    for field in fields:
        if field.name not in _KINDS:
            continue
        if field.name == _KINDS[0]:
            match = _RESULTS_INSTANCE.match(field.text)
            if match is None or not 1 <= int(match[1]) <= MAX_INSTANCE:
                raise TagSyntaxError("an ARC-Authentication-Results does not begin with an instance of 1 to 50")
            number = int(match[1])
        else:
            number = instance(tags_of(field))
        if (number, field.name) in found:
            raise TagSyntaxError(f"{field.name.decode()} i={number} stands twice")
        found[number, field.name] = field
    highest = max((number for number, _ in found), default=0)
    for number in range(1, highest + 1):
        for kind in _KINDS:
            if (number, kind) not in found:
                raise TagSyntaxError(f"{kind.decode()} i={number} is missing")
    return tuple(ArcSet(number, *(found[number, kind] for kind in _KINDS)) for number in range(1, highest + 1))


def parse_seal(field: Field) -> Seal:
    """Read an ARC-Seal; raises `TagSyntaxError` with the reason."""
    tags = tags_of(field)
    for name in ("i", "a", "b", "cv", "d", "s"):
        if name not in tags:
            raise TagSyntaxError(f"{name}= is missing")
    if "h" in tags:  # section 4.1.3: its presence must make the chain fail
        raise TagSyntaxError("h= is not allowed in a seal")
    cv = tags["cv"].lower()
    if cv not in ("none", "pass", "fail"):
        raise TagSyntaxError(f"unknown chain status cv={cv[:20]}")
    return Seal(
        algorithm=algorithm(tags["a"]),
        domain=signing_domain(tags["d"], "d"),
        selector=signing_domain(tags["s"], "s"),
        signature=decode_base64(tags["b"], "b"),
        cv="none" if cv == "none" else "pass" if cv == "pass" else "fail",
        instance=instance(tags),
        signed_at=timestamp(tags, "t"),
    )
