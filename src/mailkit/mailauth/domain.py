"""Domain names as authentication compares them: lower case, A-labels, no final dot."""

import re

__all__ = ["is_domain", "is_under", "normal"]

# RFC 6376 section 3.5 takes sub-domain from RFC 5321; underscores are added because selectors and hosts use them.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def normal(domain: str) -> str:
    """The form to compare and to ask the DNS for: U-labels as A-labels (RFC 5890), lower case, no final dot.

    What cannot be converted comes back lower-cased; `is_domain` then refuses it.
    """
    domain = domain.lower().removesuffix(".")
    if domain.isascii():
        return domain
    import idna

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return domain


def is_domain(domain: str) -> bool:
    """Whether this ASCII name has labels of 1 to 63 octets, and 253 in all."""
    return len(domain) <= 253 and _DOMAIN.fullmatch(domain) is not None


def is_under(domain: str, ancestor: str) -> bool:
    """Whether `domain` is `ancestor` or one of its subdomains; both `normal`."""
    return domain == ancestor or domain.endswith("." + ancestor)
