"""What a secret is that a client hands over as text (Stalwart 3.8). Pure.

    otpauth://totp/...       a TOTP seed; without `secret=`, one that is set already (as it was read)
    $app$<name>$<rest>       an application password; without <rest>, one that is set already
    {PLAIN}x, {CLEAR}x, x    a password in the clear: it is hashed on arrival
    any hash of `schemes`    a password that was hashed by the client

What has the form of a hash and is none that can be checked is refused, for nobody could log in with it.
"""

import re
from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from mailkit.credentials.passwords import MAX_LENGTH
from mailkit.credentials.schemes import SCHEMES, Scheme, identify, normal
from mailkit.errors import Invalid

__all__ = ["App", "Clear", "Hashed", "Otp", "Secret", "arrival", "hashed"]

_LONGEST: Final = 4096


@frozen
class Clear:
    """A password in the clear."""

    password: str = field(repr=False)


@frozen
class Hashed:
    """A hash in its normal form (with `{CRYPT}` where it has no prefix of its own)."""

    hash: str = field(repr=False)


@frozen
class App:
    """An application password; `secret` None: the one of this name that is there."""

    name: str
    secret: Clear | Hashed | None


@frozen
class Otp:
    """A TOTP seed as a URL; `known`: the one of this label that is there."""

    url: str = field(repr=False)
    known: bool


Secret = Clear | Hashed | App | Otp

_CLEAR = re.compile(r"\{(?i:PLAIN|CLEAR|CLEARTEXT)\}(?P<password>.*)", re.DOTALL)
_LIKE_A_HASH = re.compile(r"\$[a-z0-9-]{1,16}\$.{16,}|\{[A-Za-z0-9.-]{2,20}\}.{8,}", re.DOTALL)
_BARE_DES = re.compile(r"[A-Za-z0-9./]{13}|_[A-Za-z0-9./]{19}", re.ASCII)


def arrival(text: str, field_name: str = "secrets", schemes: Sequence[Scheme] = SCHEMES) -> Secret:
    """Tells what it is; Invalid for a hash that cannot be used, a name or URL that is none."""
    if len(text) > _LONGEST:
        raise Invalid.field(field_name, "the secret is too long", kind="length", code="secret.too_long")
    if text.lower().startswith("otpauth:"):
        return Otp(text, known="secret=" not in text)
    if text.startswith("$app$"):
        name, sep, rest = text[5:].partition("$")
        if not name or not sep:
            raise Invalid.field(field_name, "an application password is $app$<name>$<hash>", code="secret.app")
        return App(name, _password(rest, field_name, schemes) if rest else None)
    return _password(text, field_name, schemes)


def _password(text: str, field_name: str, schemes: Sequence[Scheme]) -> Clear | Hashed:
    clear = _CLEAR.fullmatch(text)
    if clear is not None:
        return _checked(clear["password"], field_name)
    # 13 letters are a DES hash only where they say so: else they are somebody's password
    if not _BARE_DES.fullmatch(text):
        inner = normal(text)
        if identify(inner, schemes) is not None:
            return Hashed(f"{{CRYPT}}{inner}" if _BARE_DES.fullmatch(inner) else inner)
        if _LIKE_A_HASH.fullmatch(text):
            raise Invalid.field(
                field_name, "the hash is of no known scheme, or would cost too much", code="secret.scheme"
            )
    return _checked(text, field_name)


def _checked(password: str, field_name: str) -> Clear:
    if not 0 < len(password) <= MAX_LENGTH:
        raise Invalid.field(field_name, f"a password has 1 to {MAX_LENGTH} characters", kind="length")
    return Clear(password)


def hashed(text: str, field_name: str = "password", schemes: Sequence[Scheme] = SCHEMES) -> str:
    """The normal form of what must be a hash (WildDuck `hashedPassword`); Invalid `secret.scheme`."""
    inner = normal(text)
    if identify(inner, schemes) is None:
        raise Invalid.field(field_name, "the hash is of no known scheme, or would cost too much", code="secret.scheme")
    return f"{{CRYPT}}{inner}" if _BARE_DES.fullmatch(inner) else inner
