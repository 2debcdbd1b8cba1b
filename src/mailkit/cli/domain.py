"""`mailkit domain`: domains and their aliases."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.finding import find_principal
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output
from mailkit.cli.paged import PAGE, paged
from mailkit.cli.principal_verbs import principal_noun
from mailkit.principals.normalise import ascii_domain

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.principals.records import DomainAlias

__all__ = ["domain"]

domain = principal_noun(
    "domain",
    "Add, list, show, edit, rename and delete domains; make aliases of them.",
    columns=("name", "address_count", "adopted", "aliases"),
)


@domain.command()
@click.argument("old")
@click.argument("new")
@with_kit
def rename(kit: "MailKit", out: Output, old: str, new: str) -> None:
    """Give the domain OLD, with all its addresses, the name NEW; if there is such a domain, they join those of it."""
    with kit.store.snapshot() as tx:
        found = find_principal(kit, old, "domain", tx)
    done = kit.domain_names.rename(found.name, new)
    shown = {
        "addresses": done.addresses,
        "users": done.users,
        "aliases": done.aliases,
        "job": None if done.job is None else str(done.job),
    }
    rest = "" if done.job is None else f"; the job {done.job} moves the rest while the server runs"
    out.say(shown, f"{done.addresses} addresses of {done.users} users{rest}")


def _shown(row: "DomainAlias") -> dict[str, Any]:
    return {"id": str(row.id), "alias": row.alias, "domain": row.domain}


@domain.command()
@click.argument("name")
@click.argument("target")
@with_kit
def alias(kit: "MailKit", out: Output, name: str, target: str) -> None:
    """Make the domain NAME stand for TARGET."""
    row = kit.domain_aliases.add(name, target, now=kit.clock())
    out.say(_shown(row), f"{row.alias} stands for {row.domain}")


@domain.command()
@click.argument("name")
@with_kit
def unalias(kit: "MailKit", out: Output, name: str) -> None:
    """Remove the alias NAME."""
    row = kit.transact(
        lambda tx: kit.domain_aliases.remove(kit.domain_aliases.by_name(name, tx=tx).id, now=kit.clock(), tx=tx)
    )
    out.say(_shown(row), f"{row.alias} stands for nothing any more")


@domain.command()
@click.argument("name", required=False)
@with_kit
def aliases(kit: "MailKit", out: Output, name: str | None) -> None:
    """List all aliases with what they stand for, or what the alias NAME stands for."""
    if name is not None:
        out.rows([_shown(kit.domain_aliases.by_name(name))], ("alias", "domain"))
        return

    def read(after: str | None) -> tuple[list[dict[str, Any]], str | None]:
        page = kit.domain_aliases.list_by_name(limit=PAGE, after=after)
        return [_shown(row) for row in page.items], ascii_domain(page.items[-1].alias) if page.after else None

    out.rows(paged(read), ("alias", "domain"))
