"""OpenPGP keys that mail can be encrypted for (RFC 9580): read, tried, and described. Needs the extra `openpgp`."""

from email.utils import parseaddr
from functools import lru_cache

from attrs import frozen

from mailkit.clock import to_datetime
from mailkit.encryption import openpgp
from mailkit.encryption.read import read_keys
from mailkit.errors import Invalid

__all__ = ["PublicKey", "read_key", "try_key"]

_BEGINNING = f"-----BEGIN {openpgp.LABEL}-----"


@frozen
class PublicKey:
    """What is told of a key. `fingerprint` is lower-case hexadecimal; name and address are of its first user id."""

    fingerprint: str
    name: str
    address: str


@lru_cache(maxsize=256)
def read_key(text: str) -> PublicKey:
    """The first key in an armored text; Invalid `certificates.invalid`, NotSupported `openpgp.missing`."""
    cert = openpgp.certificates(text)[0]
    user = str(cert.user_ids[0]) if cert.user_ids else ""
    name, address = parseaddr(user)
    return PublicKey(cert.fingerprint.lower(), name, address or user)


def try_key(text: str, *, now: int) -> None:
    """Encrypts something for the keys in an armored text; Invalid on `pubKey` when that fails or one has expired by
    `now` (UTC ms). NotSupported `openpgp.missing`."""
    openpgp.library()
    if not text.lstrip().startswith(_BEGINNING):
        raise _refused(f"The text does not begin with {_BEGINNING}")
    try:
        read_keys(text, "openpgp", now=to_datetime(now))
    except Invalid as error:
        raise _refused(error.message) from None


def _refused(reason: str) -> Invalid:
    return Invalid.field("pubKey", f"PGP key validation failed. {reason}")
