"""Which addresses may be given to somebody (WildDuck 2.3). Pure."""

from mailkit.errors import Invalid
from mailkit.principals.candidates import LONGEST_AFFIX
from mailkit.principals.normalise import Mailbox, check_domain, normal_domain, parse_address

__all__ = ["new_mailbox"]


def new_mailbox(text: str, *, wildcard: bool, main: bool = False) -> Mailbox:
    """The address meant by `text`, in normal form; Invalid on `address` when nobody may have it.

    With `wildcard` these will do too: `*@domain`, `*suffix@domain`, `prefix*@domain`, `user@*`; none of them as main.
    """
    local, at, domain = text.strip().lower().rpartition("@")
    if "+" in local:
        raise Invalid.field("address", "Address can not contain +")
    stars = text.count("*")
    if not stars:
        return parse_address(text)
    if main:
        raise Invalid.field("address", "Main address can not contain *")
    if not wildcard:
        raise Invalid.field("address", "Address can not contain *")
    if stars > 1:
        raise Invalid.field("address", "Address can not contain more than one *")
    if domain == "*" and at and local:
        return Mailbox(parse_address(f"{local}@example.com").local, "*")
    affix = local.replace("*", "")
    whole = local == "*" or local.startswith("*") or local.endswith("*")
    if not at or not whole or "*" in domain or check_domain(normal_domain(domain)) is not None:
        raise Invalid.field("address", 'Invalid wildcard address, use "*@domain" or "user@*"')
    if len(affix.replace(".", "")) > LONGEST_AFFIX:
        raise Invalid.field("address", f"A wildcard's affix has at most {LONGEST_AFFIX} characters")
    if affix:
        sample = parse_address(f"{affix.strip('.')}@example.com").local
        return Mailbox(local.replace(affix, sample), normal_domain(domain))
    return Mailbox("*", normal_domain(domain))
