"""Keys and certificates that somebody gives, read and tried before they are taken (Stalwart 9.1)."""

from datetime import datetime
from typing import Final

from attrs import frozen

from mailkit.encryption import openpgp, smime
from mailkit.encryption.keys import AES256, Cipher, Keys, Method
from mailkit.encryption.pem import blocks
from mailkit.errors import Invalid, Unavailable

__all__ = ["LONGEST", "Given", "read_keys"]

LONGEST: Final = 256 << 10
"""Characters of a text with keys. It is kept with the account, and read whenever a message comes in."""

_MOST: Final = 50

_NAMES: Final = {"openpgp": "an OpenPGP key", "smime": "an X.509 certificate"}


@frozen
class Given:
    """Keys that were tried, and how many they are."""

    keys: Keys
    count: int


def read_keys(text: str, method: Method, *, cipher: Cipher = AES256, now: datetime) -> Given:
    """Reads and tries the keys in `text`; of its blocks, those that are no keys are left out of what is kept.

    Raises Invalid `certificates.invalid`: nothing that is a key, keys of the other kind or of both, one that cannot be
    read or that nothing can be encrypted for, an OpenPGP key that has expired by `now`, too many or too much.
    NotSupported `openpgp.missing` without the extra.
    """
    if len(text) > LONGEST:
        raise _invalid(f"The text is longer than {LONGEST} characters")
    found = {"openpgp": "", "smime": ""}
    for block in blocks(text):
        if "PGP" in block.label:
            found["openpgp"] += block.text
        elif smime.LABEL in block.label:
            found["smime"] += block.text
    if not any(found.values()):
        raise _invalid("The text has no OpenPGP key and no X.509 certificate")
    if all(found.values()):
        raise _invalid("OpenPGP keys and X.509 certificates cannot be used together")
    if not found[method]:
        other: Method = "smime" if method == "openpgp" else "openpgp"
        raise _invalid(f"The text has {_NAMES[other]}, not {_NAMES[method]}")
    keys = Keys(method, found[method], AES256 if method == "openpgp" else cipher)
    return Given(keys, _tried(keys, now))


def _tried(keys: Keys, now: datetime) -> int:
    try:
        if keys.method == "openpgp":
            certs = openpgp.certificates(keys.text)
            for cert in certs:
                if cert.is_revoked:
                    raise _invalid(f"The key {cert.fingerprint} is revoked")
                if cert.expiration is not None and cert.expiration <= now:
                    raise _invalid(f"The key {cert.fingerprint} has expired")
            count = _at_most(len(certs))
            openpgp.encrypt(b"tried", certs)
        else:
            certificates = smime.certificates(keys.text)
            count = _at_most(len(certificates))
            smime.encrypt(b"tried", certificates, keys.cipher)
    except Unavailable as error:
        raise _invalid(error.message) from error
    return count


def _at_most(count: int) -> int:
    if count > _MOST:
        raise _invalid(f"The text has {count} keys, at most {_MOST} are taken")
    return count


def _invalid(reason: str) -> Invalid:
    return Invalid("certificates.invalid", reason)
