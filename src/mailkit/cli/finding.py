"""What the words on the command line stand for; NotFound names the word."""

from typing import TYPE_CHECKING

from mailkit.cli.kinds import a_kind
from mailkit.errors import NotFound
from mailkit.ids import Id

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.principals.records import Address, Principal
    from mailkit.storage.api import ReadTx

__all__ = ["find_address", "find_principal", "find_user"]


def _as_id(text: str) -> Id | None:
    try:
        return Id.parse(text)
    except ValueError:
        return None


def find_user(kit: "MailKit", text: str, tx: "ReadTx") -> "Principal":
    """The person with this login (dots aside), this address, or this id; NotFound `user.not_found`."""
    from mailkit.principals.normalise import split_address

    row = kit.principals.find_login(text, tx=tx)
    if row is not None:
        return row
    mailbox, id = split_address(text), _as_id(text)
    if mailbox is not None and (address := kit.addresses.find(mailbox.without_label, tx=tx)) is not None:
        row = kit.principals.get(address.owner, tx=tx)
    elif id is not None:
        try:
            return kit.principals.user(id, tx=tx)
        except NotFound:
            row = None
    if row is None or row.kind != "individual":
        raise NotFound("user.not_found", f"There is no user {text!r}.", name=text)
    return row


def find_principal(kit: "MailKit", text: str, kind: str | None, tx: "ReadTx") -> "Principal":
    """The principal with this name or id, of this kind if one is given; NotFound `principal.not_found`, which says so
    when it is of another kind."""
    name = text.strip().lower()
    row = kit.principals.find_domain(name, tx=tx) if kind == "domain" else None
    row = row or kit.principals.find_name(name, tx=tx)
    id = _as_id(text) if row is None else None
    if id is not None:
        try:
            row = kit.principals.by_id(id, tx=tx)
        except NotFound:
            row = None
    if row is None:
        what = "principal" if kind is None else a_kind(kind).noun
        raise NotFound("principal.not_found", f"There is no {what} {text!r}.", name=text)
    if kind is not None and row.kind != kind:
        is_a = a_kind(row.kind)
        raise NotFound("principal.not_found", f"{row.name} is {is_a}, not {a_kind(kind)}.", name=text)
    return row


def find_address(kit: "MailKit", text: str, tx: "ReadTx") -> "Address":
    """The address record with exactly this address (dots aside; wildcards as they are written) or this id; NotFound
    `address.not_found`."""
    from mailkit.principals.normalise import split_address

    mailbox, id = split_address(text), _as_id(text)
    found = None if mailbox is None else kit.addresses.find(mailbox, tx=tx)
    if found is None and id is not None:
        try:
            return kit.addresses.get(id, tx=tx)
        except NotFound:
            pass
    if found is None:
        raise NotFound("address.not_found", f"There is no address {text!r}.", address=text)
    return found
