"""`mailkit address`: addresses of people, groups and lists."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.address_fields import address_options, details_of, values_of
from mailkit.cli.asking import sure, yes_option
from mailkit.cli.finding import find_address, find_principal, find_user
from mailkit.cli.noun import Noun
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output, moment
from mailkit.cli.paged import PAGE, paged
from mailkit.errors import Denied, NotFound

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.principals.records import Address, Principal
    from mailkit.storage.api import ReadTx, Tx

__all__ = ["address", "address_view"]

_OWNERS = ("individual", "group", "list", "resource", "location", "other")


@click.group(cls=Noun)
def address() -> None:
    """Add, list, show, edit and delete addresses; say where mail for one goes."""


def address_view(row: "Address", owner: "Principal") -> dict[str, Any]:
    """All that is told of an address."""
    from msgspec.json import decode

    return {
        "id": str(row.id),
        "address": row.value,
        "owner": None if owner.hidden else owner.name,
        "type": owner.kind,
        "main": owner.main == row.id,
        "name": row.name,
        "tags": list(row.tags),
        "targets": list(owner.targets) if owner.kind == "list" else [],
        "meta": None if row.meta is None else decode(row.meta),
        "internal": None if row.internal is None else decode(row.internal),
        "created": moment(row.created),
    }


def find_owner(kit: "MailKit", text: str, tx: "ReadTx") -> "Principal":
    """Whoever is meant to have an address: a person by login, address or id, anything else by name or id."""
    try:
        row = find_user(kit, text, tx)
    except NotFound:
        row = find_principal(kit, text, None, tx)
    if row.kind not in _OWNERS:
        raise Denied("address.owner", f"{row.name} cannot have addresses: its type is {row.kind}", name=row.name)
    return row


@address.command()
@click.argument("text", metavar="ADDRESS")
@click.argument("owner")
@click.option("--main", is_flag=True, help="Make it the main address.")
@address_options(editing=False)
@with_kit
def add(kit: "MailKit", out: Output, text: str, owner: str, main: bool, **given: Any) -> None:
    """Give OWNER another address: a user, group, list, resource or location.

    Wildcards: *@domain, prefix*@domain, *suffix@domain, user@*.
    """
    from mailkit.principals.wildcards import new_mailbox

    mailbox = new_mailbox(text, wildcard=True, main=main)

    def store(tx: "Tx") -> dict[str, Any]:
        row = kit.addressing.add(find_owner(kit, owner, tx), mailbox, main=main, details=details_of(given), tx=tx)
        return address_view(row, kit.principals.get(row.owner, tx=tx))

    shown = kit.transact(store)
    out.say(shown, f"{shown['address']} belongs to {shown['owner']}")


@address.command("list")
@click.argument("owner", required=False)
@click.option("--query", default="", metavar="TEXT", help="Part of the address.")
@click.option("--target", default="", metavar="TEXT", help="Part of what it is forwarded to.")
@click.option("--tag", "tags", multiple=True, help="With this tag. Repeatable: with all of them.")
@with_kit
def list_addresses(
    kit: "MailKit", out: Output, owner: str | None, query: str, target: str, tags: tuple[str, ...]
) -> None:
    """List addresses: those of OWNER, the main one first, or everybody's."""
    wanted = {tag.lower() for tag in tags}

    def matches(row: "Address", of: "Principal") -> bool:
        if target and not (of.kind == "list" and any(target.lower() in each.lower() for each in of.targets)):
            return False
        return query.lower() in row.value and wanted <= {tag.lower() for tag in row.tags}

    found = _everybodys(kit) if owner is None else _of(kit, owner)
    shown = (address_view(row, of) for row, of in found if matches(row, of))
    out.rows(shown, ("address", "type", "owner", "main", "targets", "tags"))


def _of(kit: "MailKit", owner: str) -> "list[tuple[Address, Principal]]":
    with kit.store.snapshot() as tx:
        of = find_owner(kit, owner, tx)
        return [(row, of) for row in kit.addresses.listed(of, tx=tx)]


def _everybodys(kit: "MailKit") -> "Iterator[tuple[Address, Principal]]":
    def read(after: str | None) -> "tuple[list[tuple[Address, Principal]], str | None]":
        with kit.store.snapshot() as tx:
            page = kit.addresses.list_by_view(limit=PAGE, after=after, tx=tx)
            found = [(row, kit.principals.get(row.owner, tx=tx)) for row in page.items]
        return found, page.items[-1].view if page.after else None

    return paged(read)


@address.command()
@click.argument("text", metavar="ADDRESS")
@with_kit
def show(kit: "MailKit", out: Output, text: str) -> None:
    """Show exactly this ADDRESS, which may be named by its id."""
    with kit.store.snapshot() as tx:
        row = find_address(kit, text, tx)
        out.record(address_view(row, kit.principals.get(row.owner, tx=tx)))


@address.command()
@click.argument("text", metavar="ADDRESS")
@click.option("--wildcards/--no-wildcards", default=True, help="Look for wildcards as well.  [default: yes]")
@with_kit
def resolve(kit: "MailKit", out: Output, text: str, wildcards: bool) -> None:
    """Say where mail for ADDRESS goes: labels, domain aliases and wildcards are looked at."""
    with kit.store.snapshot() as tx:
        found = kit.addresses.resolve(text, wildcards=wildcards, tx=tx)
        if found is None:
            raise NotFound("address.not_found", f"Nobody here gets mail for {text!r}.", address=text)
        out.record(address_view(*found))


@address.command()
@click.argument("text", metavar="ADDRESS")
@click.option("--address", "new", metavar="ADDRESS", help="Another text for it; not from or to a wildcard.")
@click.option("--main", is_flag=True, help="Make it the main address.")
@address_options(editing=True)
@with_kit
def edit(kit: "MailKit", out: Output, text: str, new: str | None, main: bool, **given: Any) -> None:
    """Change ADDRESS: everything that is said, or nothing."""
    from mailkit.principals.wildcards import new_mailbox

    mailbox = None if new is None else new_mailbox(new, wildcard=True)

    def store(tx: "Tx") -> dict[str, Any]:
        row = find_address(kit, text, tx)
        values = values_of(given, row.tags)
        if mailbox is None and not main and not values:
            raise click.UsageError("Say what to change; --help lists what can be.")
        row = kit.addressing.change(row, mailbox=mailbox, main=main, tx=tx, **values)
        return address_view(row, kit.principals.get(row.owner, tx=tx))

    shown = kit.transact(store)
    out.say(shown, f"{shown['address']} is changed")


@address.command()
@click.argument("text", metavar="ADDRESS")
@yes_option
@with_kit
def delete(kit: "MailKit", out: Output, text: str, yes: bool) -> None:
    """Delete ADDRESS, which must not be its owner's main one."""
    with kit.store.snapshot() as tx:
        row = find_address(kit, text, tx)
        of = kit.principals.get(row.owner, tx=tx)
    sure(f"Delete {row.value}, which is {of.name}'s?", yes)
    if of.hidden:
        kit.addressing.remove_forwarded(row.id)
    else:
        kit.addressing.remove(row)
    out.say({"id": str(row.id), "address": row.value}, f"{row.value} is deleted")


@address.command()
@click.argument("user")
@click.argument("text", metavar="BEGINNING", default="")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@with_kit
def known(kit: "MailKit", out: Output, user: str, text: str, limit: int) -> None:
    """List whom USER had mail with, the most recent first: those whose name or address has this BEGINNING."""
    with kit.store.snapshot() as tx:
        owner = find_user(kit, user, tx)
        found = kit.register.find(owner.number, text, limit=limit, tx=tx)
    shown = ({"address": row.address, "name": row.name, "last": moment(row.updated)} for row in found)
    out.rows(shown, ("address", "name", "last"))
