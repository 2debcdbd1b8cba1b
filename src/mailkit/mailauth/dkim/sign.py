"""Signing (RFC 6376 section 5), with several keys in one go.

What is signed: the fields that readers and filters act on, as often as they occur, and those of `seal` once more, so
that nobody can add another From or Subject on top (over-signing, section 8.15).
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from mailkit.errors import Invalid
from mailkit.mailauth.dkim.canonical import Canonicalization, body_digests, relax_field, select_fields
from mailkit.mailauth.dkim.crypto import load_private_key, sign_octets
from mailkit.mailauth.domain import is_domain, is_under, normal
from mailkit.mailauth.message import Message

if TYPE_CHECKING:
    from mailkit.mailauth.dkim.crypto import PrivateKey

__all__ = ["SEALED", "SIGNED", "Signer", "fold", "sign", "sign_bytes"]

# fmt: off
SIGNED = (
    "From", "Reply-To", "Sender", "Subject", "Date", "Message-ID", "To", "Cc", "In-Reply-To", "References",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description", "Resent-Date",
    "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID", "List-Id", "List-Help",
    "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
)
"""What to sign by default: RFC 6376 section 5.4.1, with List-Unsubscribe-Post for RFC 8058."""

SEALED = (
    "From", "Reply-To", "Subject", "Date", "To", "Cc", "Message-ID", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding",
)
# fmt: on
"""What to over-sign by default: fields of which a second one would change what a reader sees."""


@frozen
class Signer:
    """Who signs: `key` is PEM, DER, or the 32 octets of an Ed25519 seed. Raises Invalid for what cannot sign."""

    domain: str = field(converter=normal)
    selector: str = field(converter=normal)
    key: bytes = field(repr=False)
    identity: str | None = field(default=None)

    @domain.validator
    @selector.validator
    def _name(self, attribute: object, value: str) -> None:
        if not is_domain(value):
            raise Invalid("dkim.domain", f"{value[:60]!r} is not a domain name")

    @identity.validator
    def _auid(self, attribute: object, value: str | None) -> None:
        if value is not None and ("@" not in value or not is_under(normal(value.rpartition("@")[2]), self.domain)):
            raise Invalid("dkim.identity", f"{value[:60]!r} is not an address in {self.domain}")

    @property
    def private(self) -> "PrivateKey":
        """The key, read once per process."""
        return load_private_key(self.key)


def sign(
    message: Message,
    signers: Sequence[Signer],
    *,
    now: int,
    names: Iterable[str] = SIGNED,
    seal: Iterable[str] = SEALED,
    canonicalization: tuple[Canonicalization, Canonicalization] = ("relaxed", "relaxed"),
    lifetime: int | None = None,
) -> tuple[bytes, ...]:
    """One DKIM-Signature field per signer, folded, ending in CRLF: prepend them all to the message.

    `now` is UTC milliseconds, `lifetime` seconds until x= (None: no x=). Raises Invalid (`dkim.from`) when there is no
    From field to sign.
    """
    chosen = signed_names(message, names, seal)
    header, body = canonicalization
    digest = body_digests(message.body, [(body, None)])[body, None][0]
    selected = select_fields(message.fields, [name.encode() for name in chosen])
    octets = b"".join([relax_field(one.raw) if header == "relaxed" else one.raw for one in selected])
    fields = []
    for signer in signers:
        algorithm = "rsa-sha256" if hasattr(signer.private, "key_size") else "ed25519-sha256"
        tags = [f"v=1; a={algorithm}; c={header}/{body}; d={signer.domain}; s={signer.selector};"]
        if signer.identity is not None:
            tags.append(f"i={_quoted(signer.identity)};")
        seconds = now // 1000
        tags.append(f"t={seconds};" if lifetime is None else f"t={seconds}; x={seconds + lifetime};")
        tags += [_names(chosen), f"bh={b64encode(digest).decode()};", "b="]
        unsigned = ("DKIM-Signature: " + "\r\n\t".join(tags)).encode("ascii")
        last = relax_field(unsigned).removesuffix(b"\r\n") if header == "relaxed" else unsigned
        value = b64encode(sign_octets(signer.private, octets + last)).decode()
        fields.append(unsigned + fold(value, 72).encode() + b"\r\n")
    return tuple(fields)


def sign_bytes(raw: bytes, signers: Sequence[Signer], *, now: int, lifetime: int | None = None) -> bytes:
    """`raw` (CRLF or LF) with its signatures on top, all lines ending in CRLF."""
    message = Message.parse(raw)
    fields = sign(message, signers, now=now, lifetime=lifetime)
    assert isinstance(message.body, bytes)
    return b"".join([*fields, *(one.raw for one in message.fields), b"\r\n", message.body])


def signed_names(message: Message, names: Iterable[str], seal: Iterable[str]) -> list[str]:
    """h= in order: every name as often as it occurs, and the sealed ones once more."""
    present: dict[str, int] = {}
    for one in message.fields:
        name = one.name.decode("latin-1")
        present[name] = present.get(name, 0) + 1
    if "from" not in present:
        raise Invalid("dkim.from", "there is no From field to sign")
    sealed = {name.lower() for name in seal}
    wanted = dict.fromkeys([name.lower() for name in names] + sorted(sealed))
    return [name for name in wanted for _ in range(present.get(name, 0) + (name in sealed))]


def fold(value: str, width: int) -> str:
    """Base64 over several lines, each after the first with a tab in front."""
    return "\r\n\t".join([value[i : i + width] for i in range(0, len(value), width)])


def _names(names: Sequence[str]) -> str:
    lines, line = [], "h="
    for name in names:
        if len(line) + len(name) > 70:
            lines.append(line)
            line = " "
        line += name + ":"
    lines.append(line.removesuffix(":") + ";")
    return "\r\n\t".join(lines)


def _quoted(identity: str) -> str:
    """dkim-quoted-printable (section 2.11)."""
    octets = identity.encode("utf-8", "surrogateescape")
    return re.sub(rb"[^!-:<>-~]|=", lambda m: b"=%02X" % m[0][0], octets).decode("ascii")
