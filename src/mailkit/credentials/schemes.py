"""Password schemes of other systems: enough to verify what was imported, once, before it is hashed anew. Pure.

What is known: Argon2 (RFC 9106), bcrypt, PBKDF2 (RFC 8018) and scrypt (RFC 7914) as PHC strings, the crypt(3) family
(`$1$`, `$5$`, `$6$`, `$sha1$`, `$apr1$`, DES, BSDi), and the LDAP forms of RFC 2307 and its descendants (`{SSHA}`...).

A hash names its own cost, and hashes come from clients: one that would cost more than a few seconds or a quarter of
a gigabyte is refused, when it is set and again when it is checked. The bounds, and what they come to on a slow core:

    argon2       m x t <= 1.25 GiB, t <= 20, p <= 16        1.6 s
    bcrypt       cost <= 14                                 1.7 s
    pbkdf2       iterations x blocks of output <= 2 x 10^6  3.0 s
    scrypt       128 x N x r x p <= 256 MiB                 0.9 s
    sha-crypt    rounds <= 10^6, and less for passwords of more than 56 bytes: each block of them is hashed in each
                 round, in Python                           2.8 s
    sha1-crypt   rounds <= 10^6                             2.0 s
    bsdi-crypt   rounds <= 20,000                           0.6 s

A plugin adds schemes of its own (docs/access.md).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from attrs import frozen

__all__ = ["SCHEMES", "Scheme", "check", "identify", "normal"]

_MAX_MEMORY: Final = 256 << 20
_MAX_ROUNDS: Final = 1_000_000
_MAX_ARGON2: Final = 5 * _MAX_MEMORY  # memory times passes
_MAX_BLOCK_ROUNDS: Final = 2_000_000


@frozen
class Scheme:
    """A way of hashing: its form, whether a hash is within the bounds, how a password is checked.

    `affordable` is asked with the length in bytes of the password to come: 0 when the hash arrives. `check` may raise
    ValueError for a hash that has the form and is none.
    """

    name: str
    form: re.Pattern[str]
    affordable: Callable[[re.Match[str], int], bool]
    check: Callable[[re.Match[str], bytes], bool]


def _b64(text: str) -> bytes:
    text = text.replace(".", "+").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


# Argon2, RFC 9106


def _argon2_affordable(found: re.Match[str], _: int) -> bool:
    memory, passes = int(found["m"]) << 10, int(found["t"])
    return memory <= _MAX_MEMORY and passes <= 20 and memory * passes <= _MAX_ARGON2 and int(found["p"]) <= 16


def _argon2(found: re.Match[str], password: bytes) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import Argon2Error

    try:
        return bool(PasswordHasher().verify(found[0], password))
    except Argon2Error:
        return False


# bcrypt


def _bcrypt(found: re.Match[str], password: bytes) -> bool:
    import bcrypt

    # every implementation looked at 72 bytes; the library raises beyond. A NUL ended the password.
    return bcrypt.checkpw(password.partition(b"\0")[0][:72], found[0].encode())


# PBKDF2 (RFC 8018) and scrypt (RFC 7914)


_SIZES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}


def _pbkdf2_affordable(found: re.Match[str], _: int) -> bool:
    # each block of output costs all iterations (RFC 8018 5.2): a long hash is a costly one
    blocks = -(-(len(found["hash"].rstrip("=")) * 3 // 4) // _SIZES[found["prf"] or "sha1"])
    return 0 < int(found["i"]) * blocks <= _MAX_BLOCK_ROUNDS


def _pbkdf2(found: re.Match[str], password: bytes) -> bool:
    wanted = _b64(found["hash"])
    digest = hashlib.pbkdf2_hmac(found["prf"] or "sha1", password, _b64(found["salt"]), int(found["i"]), len(wanted))
    return hmac.compare_digest(digest, wanted)


def _scrypt_affordable(found: re.Match[str], _: int) -> bool:
    return int(found["ln"]) <= 20 and 128 * (1 << int(found["ln"])) * int(found["r"]) * int(found["p"]) <= _MAX_MEMORY


def _scrypt(found: re.Match[str], password: bytes) -> bool:
    wanted = _b64(found["hash"])
    n, r, p = 1 << int(found["ln"]), int(found["r"]), int(found["p"])
    made = hashlib.scrypt(
        password, salt=_b64(found["salt"]), n=n, r=r, p=p, maxmem=_MAX_MEMORY + (1 << 20), dklen=len(wanted)
    )
    return hmac.compare_digest(made, wanted)


# crypt(3)


def _crypt(handler: str) -> Callable[[re.Match[str], bytes], bool]:
    def verify(found: re.Match[str], password: bytes) -> bool:
        import passlib.hash

        hasher: Any = getattr(passlib.hash, handler)
        return b"\0" not in password and bool(hasher.verify(password, found[0]))

    return verify


def _rounds(found: re.Match[str], _: int) -> bool:
    return int(found["rounds"]) <= _MAX_ROUNDS


def _sha_crypt_rounds(found: re.Match[str], length: int) -> bool:
    rounds = int(found["rounds"] or 5000)
    return rounds <= _MAX_ROUNDS and rounds * (56 + length) <= _MAX_BLOCK_ROUNDS * 56


_H64: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _bsdi_affordable(found: re.Match[str], _: int) -> bool:
    return sum(_H64.index(c) << 6 * i for i, c in enumerate(found["count"])) <= 20_000  # 40 us each


def _always(_: re.Match[str], __: int) -> bool:
    return True


# LDAP: base64 of the digest, then the salt (RFC 2307 section 5.3 and what grew from it)

_LDAP: Final = {
    "SHA": ("sha1", False),
    "SSHA": ("sha1", True),
    "SHA256": ("sha256", False),
    "SSHA256": ("sha256", True),
    "SHA512": ("sha512", False),
    "SSHA512": ("sha512", True),
    "MD5": ("md5", False),
    "SMD5": ("md5", True),
}


def _ldap(found: re.Match[str], password: bytes) -> bool:
    name, salted = _LDAP[found["alg"].upper()]
    data = _b64(found["data"])
    size = hashlib.new(name, usedforsecurity=False).digest_size
    digest, salt = data[:size], data[size:]
    made = hashlib.new(name, password + salt, usedforsecurity=False).digest()
    return bool(salt) is salted and hmac.compare_digest(made, digest)


_SALT64 = r"[A-Za-z0-9./+=]*"

SCHEMES: Final[tuple[Scheme, ...]] = tuple(
    Scheme(name, re.compile(form, re.ASCII), affordable, verify)
    for name, form, affordable, verify in (
        (
            "argon2",
            r"\$argon2(?:id|i|d)(?:\$v=\d+)?\$m=(?P<m>\d{1,9}),t=(?P<t>\d{1,6}),p=(?P<p>\d{1,4})\$[^$]+\$[^$]+",
            _argon2_affordable,
            _argon2,
        ),
        (
            "bcrypt",
            r"\$2[aby]?\$(?P<cost>\d\d)\$[A-Za-z0-9./]{53}",
            lambda found, _: 4 <= int(found["cost"]) <= 14,
            _bcrypt,
        ),
        (
            "pbkdf2",
            (
                r"\$pbkdf2(?:-(?P<prf>sha1|sha256|sha512))?\$(?:v=\d+\$)?(?:i=)?(?P<i>\d{1,9})(?:,l=\d+)?"
                rf"\$(?P<salt>{_SALT64})\$(?P<hash>[A-Za-z0-9./+=]{{11,}})"
            ),
            _pbkdf2_affordable,
            _pbkdf2,
        ),
        (
            "scrypt",
            rf"\$scrypt\$ln=(?P<ln>\d{{1,2}}),r=(?P<r>\d{{1,4}}),p=(?P<p>\d{{1,4}})\$(?P<salt>{_SALT64})\$(?P<hash>[A-Za-z0-9./+=]{{11,}})",
            _scrypt_affordable,
            _scrypt,
        ),
        (
            "sha512-crypt",
            r"\$6\$(?:rounds=(?P<rounds>\d{1,9})\$)?[^$\n]{0,16}\$[A-Za-z0-9./]{86}",
            _sha_crypt_rounds,
            _crypt("sha512_crypt"),
        ),
        (
            "sha256-crypt",
            r"\$5\$(?:rounds=(?P<rounds>\d{1,9})\$)?[^$\n]{0,16}\$[A-Za-z0-9./]{43}",
            _sha_crypt_rounds,
            _crypt("sha256_crypt"),
        ),
        (
            "sha1-crypt",
            r"\$sha1\$(?P<rounds>\d{1,9})\$[A-Za-z0-9./]{0,64}\$[A-Za-z0-9./]{28}",
            _rounds,
            _crypt("sha1_crypt"),
        ),
        ("md5-crypt", r"\$1\$[^$\n]{0,8}\$[A-Za-z0-9./]{22}", _always, _crypt("md5_crypt")),
        ("apr1", r"\$apr1\$[^$\n]{0,8}\$[A-Za-z0-9./]{22}", _always, _crypt("apr_md5_crypt")),
        (
            "bsdi-crypt",
            r"_(?P<count>[A-Za-z0-9./]{4})[A-Za-z0-9./]{4}[A-Za-z0-9./]{11}",
            _bsdi_affordable,
            _crypt("bsdi_crypt"),
        ),
        ("des-crypt", r"[A-Za-z0-9./]{13}", _always, _crypt("des_crypt")),
        ("ldap", r"\{(?P<alg>(?i:S?SHA(?:256|512)?|S?MD5))\}(?P<data>[A-Za-z0-9+/]+=*)", _always, _ldap),
    )
)

_WRAPPED = re.compile(r"\{(?i:ARGON2(?:I|ID)?|PBKDF2|CRYPT|BLF-CRYPT|(?:SHA256|SHA512|MD5|DES)-CRYPT)\}(?P<inner>.*)")


def normal(stored: str) -> str:
    """A hash without the `{CRYPT}` and the like that directories put before it."""
    found = _WRAPPED.fullmatch(stored)
    return stored if found is None else found["inner"]


def identify(stored: str, schemes: Sequence[Scheme] = SCHEMES, *, length: int = 0) -> Scheme | None:
    """The scheme of a hash, in its normal form; None when it is of none that is known, or would cost too much for a
    password of `length` bytes."""
    stored = normal(stored)
    for scheme in schemes:
        found = scheme.form.fullmatch(stored)
        if found is not None:
            return scheme if scheme.affordable(found, length) else None
    return None


def check(stored: str, password: str, schemes: Sequence[Scheme] = SCHEMES) -> bool | None:
    """Whether `password` is the one that was hashed; None for a hash that cannot be checked. Slow, on purpose."""
    stored = normal(stored)
    secret = password.encode("utf-8", "surrogatepass")
    scheme = identify(stored, schemes, length=len(secret))
    if scheme is None:
        return None
    found = scheme.form.fullmatch(stored)
    assert found is not None
    try:
        return scheme.check(found, secret)
    except (ValueError, binascii.Error):
        return None  # well formed and yet none: a salt that decodes to nothing, parameters out of range
