"""Time-based one-time passwords (RFC 6238). Pure: the clock is an argument.

The law of RFC 6238 section 5.2: a code is good once. Which steps were used is the caller's to remember.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from attrs import field, frozen

from mailkit.errors import Invalid

__all__ = ["Seed", "generate", "matching_step", "parse", "qr_picture", "split_code"]

_HASHES: Final[dict[str, Any]] = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


@frozen
class Seed:
    """A shared secret and how codes are made of it. `period` is in seconds."""

    secret: bytes = field(repr=False)
    label: str = ""
    issuer: str = ""
    digits: int = 6
    period: int = 30
    algorithm: str = "SHA1"

    @property
    def base32(self) -> str:
        """As people type it in."""
        return base64.b32encode(self.secret).decode().rstrip("=")

    @property
    def url(self) -> str:
        """The otpauth URL that a QR picture shows."""
        name = f"{self.issuer}:{self.label}" if self.issuer else self.label
        url = f"otpauth://totp/{quote(name, safe='')}?secret={self.base32}"
        if self.issuer:
            url += f"&issuer={quote(self.issuer, safe='')}"
        if (self.algorithm, self.digits, self.period) != ("SHA1", 6, 30):
            url += f"&algorithm={self.algorithm}&digits={self.digits}&period={self.period}"
        return url

    @property
    def masked(self) -> str:
        """The URL without its secret, as it may be read back."""
        return f"otpauth://totp/{quote(self.label, safe='')}"


def generate(random: bytes, *, label: str, issuer: str) -> Seed:
    """A new seed of 20 random bytes (RFC 4226 section 4, R6)."""
    return Seed(random, label, issuer)


def parse(url: str, name: str = "url") -> Seed:
    """A seed from an otpauth URL; Invalid `otp.url` names what is wrong with it."""

    def refuse(why: str) -> Invalid:
        return Invalid.field(name, f"not a usable otpauth URL: {why}", code="otp.url")

    try:
        parts = urlsplit(url)
    except ValueError:
        raise refuse("no URL") from None
    if parts.scheme.lower() != "otpauth" or parts.netloc.lower() != "totp":
        raise refuse("it does not begin with otpauth://totp/")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    text = query.get("secret", "").replace(" ", "").replace("-", "").upper().rstrip("=")
    try:
        secret = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise refuse("its secret is not base32") from None
    if not 10 <= len(secret) <= 128:
        raise refuse("its secret has not 80 to 1024 bits")
    issuer, colon, label = unquote(parts.path.lstrip("/")).partition(":")
    label, issuer = (label.strip(), issuer) if colon else (issuer, "")
    algorithm = query.get("algorithm", "SHA1").upper().replace("-", "")
    if algorithm not in _HASHES:
        raise refuse("its algorithm is none of SHA1, SHA256, SHA512")
    digits, period = query.get("digits", "6"), query.get("period", "30")
    if digits not in ("6", "7", "8"):
        raise refuse("it has not 6 to 8 digits")
    if not re.fullmatch(r"[0-9]{2,3}", period) or not 15 <= int(period) <= 300:
        raise refuse("its period is not 15 to 300 seconds")
    return Seed(secret, label, query.get("issuer", issuer), int(digits), int(period), algorithm)


def code_at(seed: Seed, step: int) -> str:
    """The code of a time step."""
    import pyotp

    made = pyotp.TOTP(seed.base32, digits=seed.digits, digest=_HASHES[seed.algorithm], interval=seed.period)
    return made.generate_otp(step)


def matching_step(seed: Seed, code: str, *, now: int, window: int) -> int | None:
    """The step whose code this is, at most `window` steps from the one of `now` (UTC milliseconds); None if none is.

    Every step in the window is compared, whichever matches.
    """
    if not code.isascii():
        return None
    present = now // 1000 // seed.period
    found = [step for step in _near(present, window) if hmac.compare_digest(code_at(seed, step), code)]
    return found[0] if found else None


def _near(step: int, window: int) -> Iterator[int]:
    yield step
    for away in range(1, window + 1):
        if step >= away:
            yield step - away
        yield step + away


def split_code(password: str) -> tuple[str, str | None]:
    """`password$123456` as the password and the code (Stalwart 1.2); without a code, None."""
    head, dollar, code = password.rpartition("$")
    if dollar and re.fullmatch(r"[0-9]{6,8}", code, re.ASCII):
        return head, code
    return password, None


def qr_picture(url: str) -> str:
    """A PNG of a URL's QR code, as a data URL."""
    import segno

    made: str = segno.make(url, error="m", micro=False).png_data_uri(scale=6)
    return made
