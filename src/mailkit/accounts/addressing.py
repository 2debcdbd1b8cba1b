"""Addresses of people and forwarded addresses: made, changed, taken away, with what is told of it (WildDuck 2.3).

A forwarded address belongs to a list, which has the targets. One made here gets a hidden list of its own; a list that
somebody made for itself (in the other dialect) is a forwarded address for each of its addresses.
"""

from typing import Any

import attrs
from attrs import frozen
from msgspec.structs import replace

from mailkit import journal
from mailkit.clock import Clock
from mailkit.errors import AlreadyExists, Denied, Invalid, NotFound
from mailkit.ids import Id, new_id
from mailkit.principals.addresses import Addresses
from mailkit.principals.members import Members
from mailkit.principals.normalise import Mailbox, split_address
from mailkit.principals.records import Address, Forwarding, Principal
from mailkit.principals.service import Principals
from mailkit.principals.targets import kind_of
from mailkit.quota import UNLIMITED, encode
from mailkit.storage.api import ReadTx, Store, Tx
from mailkit.storage.calls import OWN, reads, writes

__all__ = ["Addressing", "Details", "hidden_name"]


@frozen
class Details:
    """What is kept of an address beside its text; the names are those of the record."""

    name: str | None = None
    tags: tuple[str, ...] = ()
    meta: str | None = None
    internal: str | None = None


def hidden_name(address: Id) -> str:
    """The name of the list behind a forwarded address."""
    return f"forward:{address}"


class Addressing:
    """The use case."""

    def __init__(
        self, store: Store, principals: Principals, addresses: Addresses, members: Members, *, clock: Clock
    ) -> None:
        self.store = store
        self._principals = principals
        self._addresses = addresses
        self._members = members
        self._clock = clock

    @writes
    def add(
        self,
        owner: Principal,
        mailbox: Mailbox,
        *,
        main: bool = False,
        details: Details = Details(),  # frozen
        may_create_domain: bool = True,
        tx: Tx = OWN,
    ) -> Address:
        """Gives somebody an address; with `main` it becomes the main one, as the first one does anyway. Raises what
        `Addresses.add` raises."""
        now = self._clock()
        row = self._addresses.add(
            mailbox, owner, now=now, may_create_domain=may_create_domain, tx=tx, **attrs.asdict(details)
        )
        if main:
            self._addresses.make_main(row, tx=tx)
        payload = {"user": owner.id, "address": row.id, "value": row.value}
        self._tell("address.user.created", owner.number, now, payload, tx)
        return row

    @writes
    def change(
        self,
        row: Address,
        /,
        *,
        mailbox: Mailbox | None = None,
        main: bool = False,
        may_create_domain: bool = True,
        tx: Tx = OWN,
        **values: Any,
    ) -> Address:
        """Changes an address; `values` are the record's (`name`, `tags`, `meta`, `internal`).

        Denied `address.fixed` when a wildcard would change its text, `address.wildcard_main` when it would be the main
        one; AlreadyExists `address.exists`.
        """
        row = replace(row, **values)
        if mailbox is not None and mailbox.normal != row.value:
            if "*" in mailbox.normal or "*" in row.value:
                raise Denied("address.fixed", "Can not change special address", address=row.value)
            row = self._addresses.rename(row, mailbox, now=self._clock(), may_create_domain=may_create_domain, tx=tx)
        else:
            row = self._addresses.update(row, tx=tx)
        if main:
            if "*" in row.value:
                raise Denied("address.wildcard_main", "Can not set wildcard address as default", address=row.value)
            self._addresses.make_main(row, tx=tx)
        return row

    @writes
    def remove(self, row: Address, *, tx: Tx = OWN) -> None:
        """Takes an address away; Denied `address.main` for the main one."""
        owner = self._principals.get(row.owner, tx=tx)
        self._addresses.remove(row.id, tx=tx)
        payload = {"user": owner.id, "address": row.id, "value": row.value}
        self._tell("address.user.deleted", owner.number, self._clock(), payload, tx)

    # forwarded addresses

    @writes
    def add_forwarded(
        self,
        mailbox: Mailbox,
        targets: tuple[str, ...],
        *,
        details: Details = Details(),  # frozen
        forwarding: Forwarding = Forwarding(),  # noqa: B008  # frozen
        tenant: int | None = None,
        may_create_domain: bool = True,
        tx: Tx = OWN,
    ) -> Address:
        """An address whose mail goes on to `targets`. Invalid for one that would get its own mail; raises what
        `Addresses.add` raises."""
        check_targets(mailbox, targets)
        now = self._clock()
        if self._addresses.taken(mailbox, tx=tx):
            raise AlreadyExists("address.exists", address=mailbox.normal)
        id = new_id(now)
        owner = self._principals.create(
            Principal(
                number=0,
                id=new_id(now),
                kind="list",
                name=hidden_name(id),
                created=now,
                quota=encode(UNLIMITED),
                tenant=tenant,
                targets=targets,
                forwarding=forwarding,
                hidden=True,
            ),
            tx=tx,
        )
        row = self._addresses.add(
            mailbox, owner, now=now, may_create_domain=may_create_domain, id=id, tx=tx, **attrs.asdict(details)
        )
        self._tell("address.forwarded.created", owner.number, now, {"address": row.id, "value": row.value}, tx)
        return row

    @reads
    def forwarded(self, id: Id, *, tx: ReadTx = OWN) -> tuple[Address, Principal]:
        """A forwarded address and its list; NotFound `address.not_found`, also for an address of somebody."""
        row = self._addresses.get(id, tx=tx)
        owner = self._principals.get(row.owner, tx=tx)
        if owner.kind != "list":
            raise NotFound("address.not_found", "Invalid or unknown address identifier", id=str(id))
        return row, owner

    @writes
    def change_forwarded(
        self,
        id: Id,
        /,
        *,
        mailbox: Mailbox | None = None,
        targets: tuple[str, ...] | None = None,
        forwarding: Forwarding | None = None,
        may_create_domain: bool = True,
        tx: Tx = OWN,
        **values: Any,
    ) -> Address:
        """Changes a forwarded address and its list, as `change` does an address."""
        row, owner = self.forwarded(id, tx=tx)
        row = self.change(row, mailbox=mailbox, may_create_domain=may_create_domain, tx=tx, **values)
        changed = replace(
            self._principals.get(owner.number, tx=tx),
            targets=owner.targets if targets is None else targets,
            forwarding=forwarding or owner.forwarding,
        )
        text = split_address(row.value)
        if targets is not None or mailbox is not None:
            assert text is not None
            check_targets(text, changed.targets)
        self._principals.update(changed, tx=tx)
        return row

    @writes
    def remove_forwarded(self, id: Id, *, tx: Tx = OWN) -> Address:
        """Takes a forwarded address away, and with its last one a hidden list."""
        row, owner = self.forwarded(id, tx=tx)
        self._addresses.drop(id, tx=tx)
        if owner.hidden and next(self._addresses.of(owner.number, tx=tx), None) is None:
            self._members.forget(owner.number, tx=tx)
            self._principals.delete(owner.number, tx=tx)
        payload = {"address": row.id, "value": row.value}
        self._tell("address.forwarded.deleted", owner.number, self._clock(), payload, tx)
        return row

    @staticmethod
    def _tell(kind: str, account: int, now: int, payload: dict[str, Any], tx: Tx) -> None:
        journal.add(tx, journal.Entry(kind=kind, account=account, at=now, payload=payload))


def check_targets(mailbox: Mailbox, targets: tuple[str, ...]) -> None:
    """Invalid on `targets` when an address would forward to itself, dots aside."""
    for target in targets:
        there = split_address(target) if kind_of(target) == "mail" else None
        if there is not None and there.view == mailbox.view:
            raise Invalid.field("targets", f'Can not forward to self "{target}"')
