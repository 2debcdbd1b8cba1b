"""Having an account's mail encrypted: what may be switched on, and what that makes of its record. Pure.

An account has one set of keys: an OpenPGP key, which WildDuck calls `pubKey`, or S/MIME certificates, which only
Stalwart knows. Whatever is given last takes the place of the other. The switch is a thing of its own: without it the
keys are for mailboxes that ask for encryption.
"""

from collections.abc import Mapping
from typing import Any, Final

from mailkit.encryption import openpgp
from mailkit.encryption.keys import Keys
from mailkit.errors import NotSupported
from mailkit.principals.records import Profile

__all__ = ["SWITCHED_OFF", "check_switch", "given_key", "switched_on"]

Fields = Mapping[str, Any]
"""Fields of `Profile` with their new values."""

SWITCHED_OFF: Final[Fields] = {"encrypt": False, "certificates": ""}
"""Stalwart's `disabled`. An OpenPGP key stays: it is WildDuck's as well, and encrypts nothing by itself."""


def check_switch(profile: Profile | None, *, allowed: bool) -> None:
    """NotSupported where encryption cannot be switched on: `encryption.not_allowed` by the setting, `openpgp.missing`
    without the extra, unless the account has certificates."""
    if not allowed:
        raise NotSupported("encryption.not_allowed", "The setting encryption.allowed does not allow mail encryption")
    if profile is None or not profile.certificates:
        openpgp.library()


def given_key(text: str) -> Fields:
    """An OpenPGP key, or none for an empty text; then certificates stay."""
    return {"public_key": text, "certificates": ""} if text else {"public_key": text}


def switched_on(keys: Keys) -> Fields:
    """All that comes in is encrypted for `keys`."""
    texts = {"public_key": "", "certificates": ""}
    texts["public_key" if keys.method == "openpgp" else "certificates"] = keys.text
    return {**texts, "cipher": keys.cipher, "encrypt": True}
