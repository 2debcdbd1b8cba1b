"""Addresses as Stalwart's fields have them. Pure."""

import re
import unicodedata

from mailkit.errors import Invalid
from mailkit.principals.normalise import Mailbox, check_domain, normal_domain, parse_address

__all__ = ["email_of", "external_of"]


def email_of(text: str) -> Mailbox:
    """One of a principal's `emails`: an address without its label, or `@domain` for a whole domain (S3.6, S3.7).

    Invalid `value.invalid` for anything else.
    """
    local, _, domain = unicodedata.normalize("NFC", text.strip().lower()).rpartition("@")
    if local in ("", "*") and domain:
        domain = normal_domain(domain)
        reason = check_domain(domain)
        if reason is None:
            return Mailbox("*", domain)
    else:
        try:
            return parse_address(text.lower(), "emails").without_label
        except Invalid as error:
            reason = error.message
    raise Invalid("value.invalid", reason, details="Invalid email", reason=f"{text}: {reason}")


def external_of(text: str) -> str:
    """One of a list's `externalMembers`: an address elsewhere; Invalid `value.invalid` names the value."""
    text = re.sub(r"\s+", "", text)
    try:
        return parse_address(text.lower(), "externalMembers").normal
    except Invalid as error:
        raise Invalid("value.invalid", error.message, details="Invalid email address", reason=text) from None
