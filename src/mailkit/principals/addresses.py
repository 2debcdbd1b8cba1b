"""Addresses: who they belong to, and which principal gets the mail for one."""

from collections.abc import Iterator

from msgspec.structs import replace

from mailkit.errors import Denied, Invalid
from mailkit.ids import Id, new_id
from mailkit.principals.normalise import Mailbox, split_address
from mailkit.principals.records import Address, Principal
from mailkit.principals.service import Principals
from mailkit.principals.tables import ADDRESSES, BY_OWNER, BY_VIEW, DOMAIN_COUNT, PRINCIPALS
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["Addresses"]


class Addresses:
    """The service; it keeps nothing but its store."""

    def __init__(self, store: Store, principals: Principals) -> None:
        self.store = store
        self._principals = principals

    @writes
    def add(
        self,
        mailbox: Mailbox,
        owner: Principal,
        *,
        now: int,
        may_create_domain: bool,
        name: str | None = None,
        tags: tuple[str, ...] = (),
        tx: Tx = OWN,
    ) -> Address:
        """Gives `owner` an address; the first one becomes the main one.

        AlreadyExists `address.exists`. A missing domain comes into being, as an implicit one, when the caller may
        create domains; otherwise Invalid `domain.unknown` on the field `address`.
        """
        domain = self._principals.find_domain(mailbox.domain, tx=tx)
        if domain is None:
            if not may_create_domain:
                reason = f'"address": there is no domain {mailbox.domain} here'
                raise Invalid.field("address", reason, code="domain.unknown", domain=mailbox.domain)
            fresh = Principal(number=0, id=new_id(now), kind="domain", name=mailbox.domain, created=now, implicit=True)
            domain = self._principals.create(fresh, tx=tx)
        row = Address(
            id=new_id(now),
            owner=owner.number,
            domain=domain.number,
            value=mailbox.normal,
            view=mailbox.view,
            created=now,
            name=name,
            tags=tags,
        )
        ADDRESSES.put(tx, row, row.id)
        DOMAIN_COUNT.add(tx, 1, domain.number)
        owner = PRINCIPALS.get(tx, owner.number)
        if owner.main is None:
            self._principals.update(replace(owner, main=row.id), tx=tx)
        return row

    @writes
    def remove(self, id: Id, *, tx: Tx = OWN) -> Address:
        """Takes an address away; Denied `address.main` for the main one."""
        row = ADDRESSES.get(tx, id)
        if PRINCIPALS.get(tx, row.owner).main == id:
            raise Denied("address.main", "The main address cannot be deleted", address=row.value)
        return self._forget(row, tx)

    @writes
    def remove_all(self, owner: int, *, tx: Tx = OWN) -> list[Address]:
        """Takes all addresses of an owner away, the main one too, and returns them."""
        return [self._forget(row, tx) for row in list(self.of(owner, tx=tx))]

    def _forget(self, row: Address, tx: Tx) -> Address:
        ADDRESSES.delete(tx, row.id)
        DOMAIN_COUNT.add(tx, -1, row.domain)
        return row

    @reads
    def get(self, id: Id, *, tx: ReadTx = OWN) -> Address:
        """By id; NotFound `address.not_found`."""
        return ADDRESSES.get(tx, id)

    def of(self, owner: int, *, tx: ReadTx) -> Iterator[Address]:
        """An owner's addresses in order of creation; lazily, in the caller's snapshot."""
        return (row for _, row in ADDRESSES.through(tx, BY_OWNER, owner))

    @reads
    def listed(self, owner: Principal, *, tx: ReadTx = OWN) -> list[Address]:
        """An owner's addresses, the main one first, then by creation."""
        return sorted(self.of(owner.number, tx=tx), key=lambda row: row.id != owner.main)

    @reads
    def main_of(self, owner: Principal, *, tx: ReadTx = OWN) -> Address | None:
        """An owner's main address, if it has any."""
        return None if owner.main is None else ADDRESSES.find(tx, owner.main)

    @reads
    def taken(self, mailbox: Mailbox, *, tx: ReadTx = OWN) -> bool:
        """True when somebody has this address, dots aside."""
        return BY_VIEW.find(tx, mailbox.view) is not None

    @reads
    def resolve(self, text: str, *, tx: ReadTx = OWN) -> tuple[Address, Principal] | None:
        """The address record and the principal that mail for `text` goes to (its plus label aside), or None."""
        mailbox = split_address(text)
        if mailbox is None:
            return None
        row = ADDRESSES.first(tx, BY_VIEW, mailbox.without_label.view)
        return None if row is None else (row, PRINCIPALS.get(tx, row.owner))

    @reads
    def domain_size(self, number: int, *, tx: ReadTx = OWN) -> int:
        """How many addresses a domain has. Flat."""
        return DOMAIN_COUNT.get(tx, number)
