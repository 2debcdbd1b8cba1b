"""`mailkit domain`: domains and their aliases."""

import json
from pathlib import Path

import click

from mailkit.cli.opening import config_option, data_option, json_option, open_kit

__all__ = ["domain"]


@click.group()
def domain() -> None:
    """Add, list, rename and remove domains; make aliases of them."""


@domain.command()
@data_option
@config_option
@click.argument("name")
@click.option("--tenant", help="The tenant that it belongs to.")
@click.option("--display", help="What it is for.")
@json_option
def add(
    data: str | None, config: Path | None, name: str, tenant: str | None, display: str | None, as_json: bool
) -> None:
    """Add the domain NAME, or adopt one that came into being through an address."""
    from mailkit.accounts.directory import NewPrincipal
    from mailkit.principals.permits import LOCAL_ADMINISTRATOR

    with open_kit(data, config, must_exist=False) as kit:
        wanted = NewPrincipal("domain", name, display=display, tenant=tenant)
        row = kit.transact(kit.directory.prepare(wanted, LOCAL_ADMINISTRATOR))
    shown = {"id": row.number, "name": row.name}
    click.echo(json.dumps(shown) if as_json else f"{row.name} is a domain here")


@domain.command("list")
@data_option
@config_option
@json_option
def list_domains(data: str | None, config: Path | None, as_json: bool) -> None:
    """List all domains, oldest first, with their aliases."""
    with open_kit(data, config) as kit:
        after = None
        while True:
            page = kit.principals.list_by_id("domain", limit=250, after=after)
            for row in page.items:
                shown = {
                    "name": row.name,
                    "addresses": kit.addresses.domain_size(row.number),
                    "adopted": not row.implicit,
                    "aliases": [alias.alias for alias in kit.domain_aliases.of(row.name)],
                }
                text = f"{row.name}  {shown['addresses']} addresses" + ("" if shown["adopted"] else "  not adopted")
                aliases = "".join(f"  {alias.alias}" for alias in kit.domain_aliases.of(row.name))
                click.echo(json.dumps(shown) if as_json else text + aliases)
            if not page.after:
                return
            after = page.items[-1].id


@domain.command()
@data_option
@config_option
@click.argument("name")
@json_option
def remove(data: str | None, config: Path | None, name: str, as_json: bool) -> None:
    """Remove the domain NAME, which must have no addresses."""
    with open_kit(data, config) as kit:
        row = kit.principals.find_domain(name)
        if row is None:
            raise click.ClickException(f"There is no domain {name!r}.")
        kit.transact(lambda tx: kit.directory.delete(row, tx=tx))
    click.echo(json.dumps({"id": row.number, "name": row.name}) if as_json else f"{row.name} is removed")


@domain.command()
@data_option
@config_option
@click.argument("old")
@click.argument("new")
@json_option
def rename(data: str | None, config: Path | None, old: str, new: str, as_json: bool) -> None:
    """Give the domain OLD, with all its addresses, the name NEW."""
    with open_kit(data, config) as kit:
        if kit.principals.find_domain(old) is None:
            raise click.ClickException(f"There is no domain {old!r}.")
        done = kit.domain_names.rename(old, new)
    shown = {
        "addresses": done.addresses,
        "users": done.users,
        "aliases": done.aliases,
        "job": None if done.job is None else str(done.job),
    }
    rest = "" if done.job is None else f"; the job {done.job} moves the rest while the server runs"
    click.echo(json.dumps(shown) if as_json else f"{done.addresses} addresses of {done.users} users{rest}")


@domain.command()
@data_option
@config_option
@click.argument("name")
@click.argument("target")
@json_option
def alias(data: str | None, config: Path | None, name: str, target: str, as_json: bool) -> None:
    """Make the domain NAME stand for TARGET."""
    with open_kit(data, config) as kit:
        row = kit.domain_aliases.add(name, target, now=kit.clock())
    shown = {"id": str(row.id), "alias": row.alias, "domain": row.domain}
    click.echo(json.dumps(shown) if as_json else f"{row.alias} stands for {row.domain}")


@domain.command()
@data_option
@config_option
@click.argument("name")
@json_option
def unalias(data: str | None, config: Path | None, name: str, as_json: bool) -> None:
    """Remove the alias NAME."""
    with open_kit(data, config) as kit:
        row = kit.domain_aliases.remove(kit.domain_aliases.by_name(name).id, now=kit.clock())
    shown = {"id": str(row.id), "alias": row.alias, "domain": row.domain}
    click.echo(json.dumps(shown) if as_json else f"{row.alias} stands for nothing any more")
