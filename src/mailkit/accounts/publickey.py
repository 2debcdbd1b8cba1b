"""OpenPGP keys that mail can be encrypted for (RFC 9580): read, tried, and described. Needs the extra `openpgp`."""

from email.utils import parseaddr
from functools import lru_cache

from attrs import frozen

from mailkit.errors import Invalid, NotSupported

__all__ = ["PublicKey", "read_key"]

_BEGINNING = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_LONGEST = 1 << 20


@frozen
class PublicKey:
    """What is told of a key. `fingerprint` is lower-case hexadecimal; name and address are of its first user id."""

    fingerprint: str
    name: str
    address: str


@lru_cache(maxsize=1024)
def read_key(text: str) -> PublicKey:
    """The key in an armored text, after something was encrypted for it; Invalid on `pubKey` when that fails.

    NotSupported `openpgp.missing` without the extra.
    """
    try:
        import pysequoia
    except ImportError:
        said = 'pubKey needs the extra "openpgp": pip install mailkit-platform[openpgp]'
        raise NotSupported("openpgp.missing", said) from None
    if not text.lstrip().startswith(_BEGINNING):
        raise _refused(f"The text does not begin with {_BEGINNING}")
    if len(text) > _LONGEST:
        raise _refused(f"The text is longer than {_LONGEST} characters")
    try:
        cert = pysequoia.Cert.from_bytes(text.encode())
        if cert.is_revoked:
            raise _refused("The key is revoked")
        pysequoia.encrypt(recipients=[cert], bytes=b"tried")
        user = str(cert.user_ids[0]) if cert.user_ids else ""
    except (RuntimeError, ValueError, TypeError) as error:
        raise _refused(str(error).partition("\n")[0]) from None  # what follows is a stack trace
    name, address = parseaddr(user)
    return PublicKey(cert.fingerprint.lower(), name, address or user)


def _refused(reason: str) -> Invalid:
    return Invalid.field("pubKey", f"PGP key validation failed. {reason}")
