"""`mailkit forward`: addresses that belong to nobody here, whose mail goes on to others."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.address import address_view
from mailkit.cli.address_fields import address_options, details_of, values_of
from mailkit.cli.asking import sure, yes_option
from mailkit.cli.fields import Field, field_options, new_list
from mailkit.cli.finding import find_address
from mailkit.cli.noun import Noun
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output
from mailkit.cli.paged import PAGE, paged
from mailkit.cli.values import TARGET
from mailkit.errors import NotFound

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.principals.records import Address, Principal
    from mailkit.storage.api import ReadTx, Tx

__all__ = ["forward"]

_TARGET = Field("target", "targets", "Where its mail goes.", metavar="TARGET", type=TARGET)


@click.group(cls=Noun)
def forward() -> None:
    """Add, list, show, edit and delete forwarded addresses.

    A target is an address, a relay (smtp://host), or a hook (https://...). A mailing list's addresses are forwarded
    too: see 'mailkit list'.
    """


def _view(kit: "MailKit", row: "Address", owner: "Principal", tx: "ReadTx") -> dict[str, Any]:
    from mailkit.accounts.limits import FORWARD
    from mailkit.principals.records import Forwarding

    found = next(one for one in kit.account_limits.explain(owner, tx=tx) if one.counted is FORWARD)
    shown = address_view(row, owner)
    del shown["main"], shown["type"]
    return {**shown, "disabled": bool((owner.forwarding or Forwarding()).disabled), "limit": found.allowed,
            "used": found.used}  # fmt: skip


def _find(kit: "MailKit", text: str, tx: "ReadTx") -> "tuple[Address, Principal]":
    row = find_address(kit, text, tx)
    owner = kit.principals.get(row.owner, tx=tx)
    if owner.kind != "list":
        said = f"{row.value} is not forwarded: it belongs to {owner.name}."
        raise NotFound("address.not_found", said, address=text)
    return row, owner


_LIMIT = click.option("--limit", type=click.IntRange(0), metavar="N", help="Copies a day; 0: limits.forwards_per_day.")


@forward.command()
@click.argument("text", metavar="ADDRESS")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True, type=TARGET)
@_LIMIT
@click.option("--tenant", metavar="NAME", help="The tenant it belongs to.")
@address_options(editing=False)
@with_kit
def add(
    kit: "MailKit",
    out: Output,
    text: str,
    targets: tuple[str, ...],
    limit: int | None,
    tenant: str | None,
    **given: Any,
) -> None:
    """Make ADDRESS, and forward its mail to the TARGETs. Wildcards as in 'mailkit address add'."""
    from mailkit.principals.permits import LOCAL_ADMINISTRATOR
    from mailkit.principals.records import Forwarding
    from mailkit.principals.wildcards import new_mailbox

    mailbox = new_mailbox(text, wildcard=True)

    def store(tx: "Tx") -> dict[str, Any]:
        row = kit.addressing.add_forwarded(
            mailbox,
            tuple(dict.fromkeys(target for target in targets if target)),
            details=details_of(given),
            forwarding=Forwarding(limit=limit or 0),
            tenant=kit.directory.tenant_number(tenant, LOCAL_ADMINISTRATOR, tx=tx),
            tx=tx,
        )
        return _view(kit, row, kit.principals.get(row.owner, tx=tx), tx)

    shown = kit.transact(store)
    out.say(shown, f"{shown['address']} is forwarded to {', '.join(shown['targets']) or 'nobody'}")


@forward.command("list")
@with_kit
def list_forwarded(kit: "MailKit", out: Output) -> None:
    """List forwarded addresses, those of mailing lists included."""

    def read(after: str | None) -> tuple[list[dict[str, Any]], str | None]:
        with kit.store.snapshot() as tx:
            page = kit.addresses.list_by_view(limit=PAGE, after=after, tx=tx)
            owned = [(row, kit.principals.get(row.owner, tx=tx)) for row in page.items]
            found = [_view(kit, row, owner, tx) for row, owner in owned if owner.kind == "list"]
        return found, page.items[-1].view if page.after else None

    out.rows(paged(read), ("address", "targets", "owner", "disabled"))


@forward.command()
@click.argument("text", metavar="ADDRESS")
@with_kit
def show(kit: "MailKit", out: Output, text: str) -> None:
    """Show the forwarded ADDRESS."""
    with kit.store.snapshot() as tx:
        out.record(_view(kit, *_find(kit, text, tx), tx))


@forward.command()
@click.argument("text", metavar="ADDRESS")
@click.option("--address", "new", metavar="ADDRESS", help="Another text for it; not from or to a wildcard.")
@field_options([_TARGET], editing=True)
@_LIMIT
@click.option("--disable/--enable", "disabled", default=None, help="Forward nothing for now; or again.")
@address_options(editing=True)
@with_kit
def edit(
    kit: "MailKit", out: Output, text: str, new: str | None, limit: int | None, disabled: bool | None, **given: Any
) -> None:
    """Change the forwarded ADDRESS: everything that is said, or nothing."""
    from msgspec.structs import replace

    from mailkit.principals.records import Forwarding
    from mailkit.principals.wildcards import new_mailbox

    mailbox = None if new is None else new_mailbox(new, wildcard=True)
    said = {name: value for name, value in (("limit", limit), ("disabled", disabled)) if value is not None}

    def store(tx: "Tx") -> dict[str, Any]:
        row, owner = _find(kit, text, tx)
        targets, values = new_list(_TARGET, given, owner.targets), values_of(given, row.tags)
        if mailbox is None and targets is None and not values and not said:
            raise click.UsageError("Say what to change; --help lists what can be.")
        row = kit.addressing.change_forwarded(
            row.id,
            mailbox=mailbox,
            targets=targets,
            forwarding=replace(owner.forwarding or Forwarding(), **said) if said else None,
            tx=tx,
            **values,
        )
        return _view(kit, row, kit.principals.get(row.owner, tx=tx), tx)

    shown = kit.transact(store)
    out.say(shown, f"{shown['address']} is changed")


@forward.command()
@click.argument("text", metavar="ADDRESS")
@yes_option
@with_kit
def delete(kit: "MailKit", out: Output, text: str, yes: bool) -> None:
    """Delete the forwarded ADDRESS."""
    with kit.store.snapshot() as tx:
        row, owner = _find(kit, text, tx)
    sure(f"Delete {row.value}, which is forwarded to {', '.join(owner.targets) or 'nobody'}?", yes)
    kit.addressing.remove_forwarded(row.id)
    out.say({"id": str(row.id), "address": row.value}, f"{row.value} is deleted")
