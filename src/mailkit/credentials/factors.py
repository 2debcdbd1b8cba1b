"""Which second factors an account has, and which of them a login still needs. Pure (W3.4, S1.2)."""

from typing import Final

from mailkit.credentials.records import Secrets

__all__ = ["CUSTOM", "MASTER", "TOTP", "WEBAUTHN", "enabled", "still_needed"]

TOTP: Final = "totp"
CUSTOM: Final = "custom"
WEBAUTHN: Final = "webauthn"
MASTER: Final = "master"
"""The scope of a login to the account itself; others are single services (imap, pop3, smtp)."""


def enabled(secrets: Secrets) -> tuple[str, ...]:
    """The methods that are set up."""
    methods = ((TOTP, bool(secrets.otp)), (CUSTOM, secrets.custom), (WEBAUTHN, secrets.webauthn > 0))
    return tuple(name for name, on in methods if on)


def still_needed(secrets: Secrets, *, scope: str, source: str) -> tuple[str, ...]:
    """What a login that proved itself by `source` (master, temporary, asp) has yet to show, any one of it.

    A temporary password needs none (quirk 69), nor does an application password; other scopes cannot ask for one.
    """
    return enabled(secrets) if scope == MASTER and source == "master" else ()
