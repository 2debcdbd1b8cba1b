"""The Author Domains of a message (RFC 9989 section 5.3.1)."""

from mailkit.mailauth.domain import is_domain, normal
from mailkit.mailauth.message import Message
from mailkit.mime.addresses import addresses_of, parse_addresses

__all__ = ["author_domains"]


def author_domains(message: Message) -> tuple[str, ...]:
    """The distinct domains in all From fields, A-labels, in order of appearance."""
    found: dict[str, None] = {}
    for field in message.named(b"from"):
        for address in addresses_of(parse_addresses(field.value)):
            domain = normal(address.rpartition("@")[2].strip())
            if is_domain(domain):
                found[domain] = None
    return tuple(found)
