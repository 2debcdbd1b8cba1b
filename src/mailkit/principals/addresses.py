"""Addresses: who they belong to, and which principal gets the mail for one."""

from collections.abc import Iterator

from msgspec.structs import replace

from mailkit.errors import Denied, Invalid, Unavailable
from mailkit.ids import Id, new_id
from mailkit.principals.candidates import candidates
from mailkit.principals.normalise import Mailbox, ascii_domain, normal_domain, split_address
from mailkit.principals.records import Address, Principal
from mailkit.principals.service import Principals
from mailkit.principals.tables import (
    ADDRESSES,
    ALIAS_BY_NAME,
    ALIASES,
    BY_OWNER,
    BY_VIEW,
    DOMAIN_COUNT,
    NUMBERS,
    PRINCIPALS,
    RENAMES,
)
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes
from mailkit.types import Page

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
        meta: str | None = None,
        internal: str | None = None,
        id: Id | None = None,
        tx: Tx = OWN,
    ) -> Address:
        """Gives `owner` an address; the first one becomes the main one, unless it is a wildcard.

        AlreadyExists `address.exists`. A missing domain comes into being, as an implicit one, when the caller may
        create domains; otherwise Invalid `domain.unknown` on the field `address`. Inside a tenant the domain must be
        the tenant's own.
        """
        domain = self._domain(mailbox.domain, owner, now, may_create_domain, tx)
        row = Address(
            id=id or new_id(now),
            owner=owner.number,
            domain=0 if domain is None else domain.number,
            value=mailbox.normal,
            view=mailbox.view,
            created=now,
            name=name,
            tags=tags,
            meta=meta,
            internal=internal,
        )
        self._store_new(row, tx)
        if owner.main != row.id and "*" not in mailbox.normal:
            owner = PRINCIPALS.get(tx, owner.number)
            if owner.main is None:
                self._principals.update(replace(owner, main=row.id), tx=tx)
        return row

    def _store_new(self, row: Address, tx: Tx) -> None:
        ADDRESSES.insert(tx, row, row.id)
        DOMAIN_COUNT.add(tx, 1, row.domain)
        NUMBERS.add(tx, 1, "address")

    def _domain(self, name: str, owner: Principal, now: int, may_create: bool, tx: Tx) -> Principal | None:
        if name == "*":
            return None  # every domain
        if RENAMES.find(tx, ascii_domain(name)) is not None:
            raise Unavailable("domain.renaming", f"The domain {name} is being renamed; try again later", domain=name)
        named = self._principals.find_name(normal_domain(name), tx=tx)
        domain = named if named is not None and named.kind == "domain" else None
        foreign = domain is not None and owner.tenant is not None and domain.tenant != owner.tenant
        if domain is not None and not foreign:
            return domain
        if named is not None or not may_create:  # of somebody who is called like that there can be no domain
            reason = f'"address": there is no domain {name} here'
            raise Invalid.field("address", reason, code="domain.unknown", domain=name)
        return self._principals.create(
            Principal(
                number=0,
                id=new_id(now),
                kind="domain",
                name=name,
                created=now,
                implicit=True,
                tenant=owner.tenant if owner.kind != "tenant" else owner.number,
            ),
            tx=tx,
        )

    @writes
    def restore(self, row: Address, *, tx: Tx = OWN) -> Address | None:
        """Brings back an address that was removed, under its domain's present name; None when it is somebody else's
        by now, or its domain is gone."""
        here = self.where_now(row, tx=tx)
        if here is None or BY_VIEW.find(tx, here.view) is not None:
            return None
        self._store_new(here, tx)
        return here

    @reads
    def where_now(self, row: Address, *, tx: ReadTx = OWN) -> Address | None:
        """An address that was removed, as it would be now: in a domain that may have another name; None when that is
        gone."""
        if not row.domain:
            return row  # in every domain
        domain = PRINCIPALS.find(tx, row.domain)
        if domain is None:
            return None
        rename = RENAMES.find(tx, ascii_domain(domain.name))
        number, name = (domain.number, domain.name) if rename is None else (rename.target, rename.new)
        mailbox = Mailbox(row.value.rpartition("@")[0], name)
        return replace(row, value=mailbox.normal, view=mailbox.view, domain=number)

    @writes
    def update(self, row: Address, *, tx: Tx = OWN) -> Address:
        """Stores a changed address; its domain must be the same. AlreadyExists `address.exists`."""
        ADDRESSES.put(tx, row, row.id)
        return row

    @writes
    def rename(self, row: Address, mailbox: Mailbox, *, now: int, may_create_domain: bool, tx: Tx = OWN) -> Address:
        """Gives an address another text, perhaps in another domain; raises what `add` raises."""
        owner = PRINCIPALS.get(tx, row.owner)
        domain = self._domain(mailbox.domain, owner, now, may_create_domain, tx)
        number = 0 if domain is None else domain.number
        if number != row.domain:
            DOMAIN_COUNT.add(tx, -1, row.domain)
            DOMAIN_COUNT.add(tx, 1, number)
        return self.update(replace(row, value=mailbox.normal, view=mailbox.view, domain=number), tx=tx)

    @writes
    def make_main(self, row: Address, *, tx: Tx = OWN) -> None:
        """Makes an address its owner's main one."""
        owner = PRINCIPALS.get(tx, row.owner)
        if owner.main != row.id:
            self._principals.update(replace(owner, main=row.id), tx=tx)

    @writes
    def promote(self, view: str, owner: Principal, *, tx: Tx = OWN) -> None:
        """`make_main` for the owner's address with this view; a wildcard is passed over."""
        row = ADDRESSES.first(tx, BY_VIEW, view)
        if row is not None and row.owner == owner.number and "*" not in row.value:
            self.make_main(row, tx=tx)

    @writes
    def remove(self, id: Id, *, tx: Tx = OWN) -> Address:
        """Takes an address away; Denied `address.main` for the main one."""
        row = ADDRESSES.get(tx, id)
        if PRINCIPALS.get(tx, row.owner).main == id:
            raise Denied("address.main", "The main address cannot be deleted", address=row.value)
        return self._forget(row, tx)

    @writes
    def drop(self, id: Id, *, tx: Tx = OWN) -> Address:
        """Takes an address away, the main one too: the oldest of the others then is the main one."""
        row = self._forget(ADDRESSES.get(tx, id), tx)
        owner = PRINCIPALS.get(tx, row.owner)
        if owner.main == id:
            others = (other.id for other in self.of(owner.number, tx=tx) if "*" not in other.value)
            self._principals.update(replace(owner, main=next(others, None)), tx=tx)
        return row

    @writes
    def remove_all(self, owner: int, *, tx: Tx = OWN) -> list[Address]:
        """Takes all addresses of an owner away, the main one too, and returns them."""
        return [self._forget(row, tx) for row in list(self.of(owner, tx=tx))]

    def _forget(self, row: Address, tx: Tx) -> Address:
        ADDRESSES.delete(tx, row.id)
        DOMAIN_COUNT.add(tx, -1, row.domain)
        NUMBERS.add(tx, -1, "address")
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
    def list_by_view(
        self, *, limit: int, after: str | None = None, reverse: bool = False, tx: ReadTx = OWN
    ) -> Page[Address]:
        """A page of all addresses in order of their views, of those beyond the view `after`; with `reverse`, those
        before. Flat."""
        edge = None if after is None else (after,)
        rows = [row for _, row in ADDRESSES.through(tx, BY_VIEW, after=edge, reverse=reverse, limit=limit + 1)]
        more = len(rows) > limit
        rows = rows[:limit]
        before, beyond = (more, edge is not None) if reverse else (edge is not None, more)
        return Page(tuple(reversed(rows) if reverse else rows), NUMBERS.get(tx, "address"), before, beyond)

    @reads
    def main_of(self, owner: Principal, *, tx: ReadTx = OWN) -> Address | None:
        """An owner's main address, if it has any."""
        return None if owner.main is None else ADDRESSES.find(tx, owner.main)

    @reads
    def taken(self, mailbox: Mailbox, *, tx: ReadTx = OWN) -> bool:
        """True when somebody has this address, dots aside."""
        return BY_VIEW.find(tx, mailbox.view) is not None

    @reads
    def find(self, mailbox: Mailbox, *, tx: ReadTx = OWN) -> Address | None:
        """The record of exactly this address, dots aside."""
        return ADDRESSES.first(tx, BY_VIEW, mailbox.view)

    @reads
    def resolve(self, text: str, *, wildcards: bool = True, tx: ReadTx = OWN) -> tuple[Address, Principal] | None:
        """The address record and the principal that mail for `text` goes to, or None; `candidates` has the order.

        While a domain is being renamed, its addresses are found under either name.
        """
        mailbox = split_address(text)
        if mailbox is None:
            return None
        row = ADDRESSES.first(tx, BY_VIEW, mailbox.without_label.view)
        if row is None:  # all else is rare, and takes more looking up
            views = candidates(mailbox, targets=self._stands_for(mailbox.domain, tx), wildcards=wildcards)
            next(views)
            row = next((found for view in views if (found := ADDRESSES.first(tx, BY_VIEW, view)) is not None), None)
        return None if row is None else (row, PRINCIPALS.get(tx, row.owner))

    def _stands_for(self, domain: str, tx: ReadTx) -> tuple[str, ...]:
        name = ascii_domain(domain)
        rename = RENAMES.find(tx, name)
        other = () if rename is None else (rename.old if ascii_domain(rename.new) == name else rename.new,)
        alias = ALIASES.first(tx, ALIAS_BY_NAME, name)
        if alias is None:
            return other
        # the alias' target may be on its way, too
        moving = RENAMES.find(tx, ascii_domain(alias.domain))
        return (*other, alias.domain, *(() if moving is None else (moving.old, moving.new)))

    @reads
    def domain_size(self, number: int, *, tx: ReadTx = OWN) -> int:
        """How many addresses a domain has. Flat."""
        return DOMAIN_COUNT.get(tx, number)
