"""`mailkit principal`: everything that has a name here, whatever its type."""

from typing import TYPE_CHECKING

import click

from mailkit.cli.asking import sure, yes_option
from mailkit.cli.finding import find_principal
from mailkit.cli.kinds import KIND_WORDS, a_kind
from mailkit.cli.noun import Noun, said, told
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output
from mailkit.cli.principal_verbs import show_command
from mailkit.cli.principal_view import views
from mailkit.cli.progress import progress

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.storage.api import Tx

__all__ = ["principal"]

_TYPES = click.Choice(tuple(KIND_WORDS), case_sensitive=False)


@click.group(cls=Noun)
def principal() -> None:
    """List and show principals of any type; delete many at once."""


principal.add_command(show_command(None))


def _tenant(kit: "MailKit", name: str | None) -> int | None:
    if name is None:
        return None
    with kit.store.snapshot() as tx:
        return find_principal(kit, name, "tenant", tx).number


@principal.command("list")
@click.option("--type", "types", type=_TYPES, multiple=True, help="Of this type. Repeatable.  [default: all]")
@click.option("--filter", "needle", default="", metavar="TEXT", help="Part of the name, display name or an address.")
@click.option("--tenant", metavar="NAME", help="Those of this tenant only.")
@with_kit
def list_principals(kit: "MailKit", out: Output, types: tuple[str, ...], needle: str, tenant: str | None) -> None:
    """List principals by name, over all types."""
    found = views(kit, types or tuple(KIND_WORDS), needle=needle.lower(), tenant=_tenant(kit, tenant))
    out.rows(found, ("type", "name", "display"))


@principal.command()
@click.argument("name")
@with_kit
def permissions(kit: "MailKit", out: Output, name: str) -> None:
    """List what the principal NAME may do: its roles and permissions, less what is denied, within its tenant's."""
    with kit.store.snapshot() as tx:
        given = kit.grants.of(find_principal(kit, name, None, tx), tx=tx)
    out.rows(({"permission": each} for each in sorted(given)), ("permission",))


@principal.command("delete-all")
@click.option("--type", "kind", type=_TYPES, required=True, help="Of this type.")
@click.option("--filter", "needle", default="", metavar="TEXT", help="Part of the name, display name or an address.")
@click.option("--tenant", metavar="NAME", help="Those of this tenant only.")
@click.option("--dry-run", is_flag=True, help="List them, and delete nothing.")
@click.option("--job", "by_job", is_flag=True, help="Leave it to a job of the server.")
@yes_option
@with_kit
def delete_all(
    kit: "MailKit", out: Output, kind: str, needle: str, tenant: str | None, dry_run: bool, by_job: bool, yes: bool
) -> None:
    """Delete every principal of a type that matches. Tenants and domains with somebody in them stay."""
    from mailkit.accounts.bulk import matching
    from mailkit.errors import Denied

    number, needle = _tenant(kit, tenant), needle.lower()
    if dry_run:
        found = matching(kit.directory, kind, needle, number)
        out.rows(({"id": str(row.id), "name": row.name, "display": row.display} for row in found), ("name", "display"))
        return
    count = sum(1 for _ in matching(kit.directory, kind, needle, number))
    if count:
        sure(f"Delete {count} {a_kind(kind).noun}s?" if count > 1 else f"Delete 1 {a_kind(kind).noun}?", yes)
    if by_job and count:
        job = kit.transact(lambda tx: kit.schedule_bulk_delete(tx, kind, needle, number))
        out.say({"matching": count, "job": str(job)}, f"The job {job} deletes them while the server runs")
        return
    deleted, stayed = 0, []
    with progress("Deleting", count) as bar:
        for row in matching(kit.directory, kind, needle, number):

            def store(tx: "Tx", number: int = row.number) -> bool:
                now = kit.principals.find(number, tx=tx)
                if now is not None:
                    kit.directory.delete(now, tx=tx)
                return now is not None

            try:
                deleted += kit.transact(store)
            except Denied as refused:
                stayed.append(told(refused, name=row.name))
                bar.say(f"{row.name} stays: {said(refused)}")
            bar.advance()
    out.say({"deleted": deleted, "stayed": stayed}, f"{deleted} deleted, {len(stayed)} stay")
    if stayed:
        click.get_current_context().exit(1)
