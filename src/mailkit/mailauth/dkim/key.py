"""Public key records (RFC 6376 section 3.6.1, RFC 8301, RFC 8463): what may a key be used for?"""

from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

from mailkit.mailauth.dkim.encoding import decode_base64
from mailkit.mailauth.memo import memoized
from mailkit.mailauth.taglist import TagSyntaxError, parse_tags, words

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey

__all__ = ["MAX_RSA_BITS", "MIN_RSA_BITS", "KeyRecord", "KeyRefused", "parse_key", "refusal"]

MIN_RSA_BITS = 1024
"""RFC 8301 section 3.2: a verifier must not accept fewer."""
MAX_RSA_BITS = 8192
"""Required is 4096; beyond 8192 one signature would cost a verifier milliseconds."""


class KeyRefused(ValueError):
    """The record holds no key that can be used; `policy` when it is one that only policy forbids."""

    def __init__(self, reason: str, *, policy: bool = False) -> None:
        super().__init__(reason)
        self.policy = policy


@frozen
class KeyRecord:
    """A usable key record: `type` is `rsa` or `ed25519`, `bits` its size."""

    type: str
    bits: int
    hashes: frozenset[str] | None
    services: frozenset[str]
    flags: frozenset[str]
    public: "PublicKey" = field(eq=False, repr=False)

    @property
    def testing(self) -> bool:
        """t=y: the signer is testing; do not treat its failures differently from unsigned mail."""
        return "y" in self.flags

    @property
    def strict(self) -> bool:
        """t=s: i= must be at d= itself."""
        return "s" in self.flags


@memoized(1024)
def parse_key(text: str) -> KeyRecord:
    """Read a TXT record as a key; raises `KeyRefused` with the reason."""
    try:
        tags = parse_tags(text)
        if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
            raise KeyRefused("v= of the key record is not DKIM1, or not first")
        if "p" not in tags:
            raise KeyRefused("the key record has no p=")
        if not tags["p"]:
            raise KeyRefused("the key is revoked (p= is empty)")
        data = decode_base64(tags["p"], "p")
    except TagSyntaxError as error:
        raise KeyRefused(f"malformed key record: {error}") from None
    kind = tags.get("k", "rsa").lower()
    bits, public = load_public(kind, data)
    return KeyRecord(
        type=kind,
        bits=bits,
        hashes=frozenset(_words(tags["h"])) if "h" in tags else None,
        services=frozenset(_words(tags.get("s", "*"))),
        flags=frozenset(_words(tags.get("t", ""))),
        public=public,
    )


def refusal(key: KeyRecord, *, key_type: str, hash_name: str, domain: str, identity: str | None) -> KeyRefused | None:
    """Why `key` may not verify a signature made with this algorithm, domain and identity (RFC 6376 section 6.1.2)."""
    if key.type != key_type:
        return KeyRefused(f"the key is {key.type}, the signature {key_type}")
    if key.hashes is not None and hash_name not in key.hashes:
        return KeyRefused(f"the key is not for {hash_name} (h=)")
    if not key.services & {"*", "email"}:
        return KeyRefused("the key is not for email (s=)")
    if key.strict and identity is not None and identity.rpartition("@")[2] != domain:
        return KeyRefused("the key forbids subdomains in i= (t=s)")
    if key.type == "rsa" and key.bits < MIN_RSA_BITS:
        return KeyRefused(f"the RSA key has {key.bits} bits, fewer than {MIN_RSA_BITS}", policy=True)
    if key.type == "rsa" and key.bits > MAX_RSA_BITS:
        return KeyRefused(f"the RSA key has {key.bits} bits, more than {MAX_RSA_BITS}", policy=True)
    return None


def load_public(kind: str, data: bytes) -> tuple[int, "PublicKey"]:
    """The key in p=: for RSA a SubjectPublicKeyInfo or a bare RSAPublicKey (erratum 3017), for Ed25519 32 octets."""
    if kind == "ed25519":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if len(data) != 32:  # RFC 8463 section 4
            raise KeyRefused(f"the Ed25519 key has {len(data)} octets, not 32")
        return 256, Ed25519PublicKey.from_public_bytes(data)
    if kind != "rsa":
        raise KeyRefused(f"unknown key type k={kind[:20]}")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        public = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("p= is not an RSA key") from None
    if not isinstance(public, RSAPublicKey):
        raise KeyRefused("p= is not an RSA key")
    return public.key_size, public


def _words(value: str) -> list[str]:
    return [word.lower() for word in words(value) if word]
