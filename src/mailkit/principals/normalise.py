"""Addresses, domains and login names in the one form in which they are stored and compared (WildDuck rules, W1.11).

An address has a *normal form*, which people see (local part NFC and lower-case, domain in unicode), and a *view*, its
unique key: the normal form without dots in the local part and with the domain as A-labels. So `first.last@x` and
`firstlast@x` are one address, while the domains `a.bc` and `ab.c` stay apart.
"""

import re
import unicodedata
from collections.abc import Iterable

from attrs import frozen

from mailkit.errors import Invalid

__all__ = [
    "Mailbox",
    "ascii_domain",
    "check_domain",
    "login_view",
    "normal_domain",
    "normal_senders",
    "parse_address",
    "parse_login",
    "split_address",
]


@frozen
class Mailbox:
    """An address in its normal form. `*` may stand in it only where wildcards are allowed."""

    local: str
    domain: str

    @property
    def normal(self) -> str:
        """What people see."""
        return f"{self.local}@{self.domain}"

    @property
    def view(self) -> str:
        """The unique key."""
        return f"{self.local.replace('.', '')}@{ascii_domain(self.domain)}"

    @property
    def without_label(self) -> "Mailbox":
        """The address without its plus label: what a mail to it is delivered to."""
        return Mailbox(self.local.partition("+")[0], self.domain)

    @property
    def label(self) -> str:
        """The plus label, or the empty string."""
        return self.local.partition("+")[2]


def normal_domain(domain: str) -> str:
    """Lower-case, trimmed, NFC, A-labels turned to unicode where they decode."""
    domain = unicodedata.normalize("NFC", domain.strip().rstrip(".").lower())
    if "xn--" in domain:
        import idna

        try:
            domain = idna.decode(domain, uts46=True)
        except idna.IDNAError:
            pass  # kept as it came: still one stable form
    return domain


def ascii_domain(domain: str) -> str:
    """The domain as A-labels, as DNS and SMTP need it; what IDNA refuses stays as it is."""
    if domain.isascii():
        return domain.lower()
    import idna

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)


def check_domain(domain: str) -> str | None:
    """Why `domain` (normal form) cannot be a mail domain; None when it can."""
    labels = ascii_domain(domain).split(".")
    if len(labels) < 2:
        return "the domain has one label only"
    if len(".".join(labels)) > 253:
        return "the domain is longer than 253 characters"
    bad = [label for label in labels if not _LABEL.fullmatch(label)]
    return f"{bad[0]!r} cannot be part of a domain name" if bad else None


_PLAIN_LOCAL = re.compile(r"(?=.{1,64}$)[a-z0-9_-]+(?:[.+][a-z0-9_-]+)*", re.ASCII | re.IGNORECASE)
"""What most local parts are: a dot-atom (RFC 5322 3.2.3) of the commonest characters. email-validator lets all of these
pass, too, but takes longer to say so than all else that is decided of a new account."""


def parse_address(text: str, field: str = "address") -> Mailbox:
    """An e-mail address in normal form; Invalid naming `field` when it is none.

    Any top-level domain will do, but the domain has at least two labels: `user@localhost` is refused (W1.3). The
    domain is checked here and not by email-validator, which refuses the reserved ones that private systems use.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    reason = "there is no @ in it" if not at else check_domain(domain := normal_domain(domain))
    if reason is None and not _PLAIN_LOCAL.fullmatch(local):
        from email_validator import EmailNotValidError, validate_email

        try:
            local = validate_email(f"{local}@example.com", check_deliverability=False).local_part
        except EmailNotValidError as error:
            reason = str(error)
    if reason is not None:
        raise Invalid.field(field, f'"{field}" must be a valid email: {reason}', kind="email")
    return Mailbox(local.lower(), domain)


def split_address(text: str) -> Mailbox | None:
    """Any text with an @ as an address for looking up; None without one. Nothing is validated."""
    local, at, domain = text.strip().rpartition("@")
    if not at or not domain:
        return None
    return Mailbox(unicodedata.normalize("NFC", local).lower(), normal_domain(domain))


def login_view(name: str) -> str:
    """A login name without the dots of the part before the @: `first.last` and `firstlast` are one login."""
    before, at, domain = name.lower().partition("@")
    return f"{before.replace('.', '')}{at}{domain}"


def parse_login(name: str) -> str:
    """The view that a typed-in login is looked up by: label and dots removed (W2.1, GET /users/resolve)."""
    before, at, domain = name.strip().lower().partition("@")
    if at:
        before = before.partition("+")[0]
    return f"{before.replace('.', '')}{at}{domain}"


def normal_senders(given: Iterable[str]) -> tuple[str, ...]:
    """Addresses that somebody may send from in normal form, each once; patterns with a * are lower-case."""
    found: dict[str, None] = {}
    for text in given:
        mailbox = split_address(text)
        found[text.lower() if mailbox is None else mailbox.normal] = None
    return tuple(found)
