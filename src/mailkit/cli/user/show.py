"""`mailkit user list` and `show`."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.finding import find_principal, find_user
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output, size
from mailkit.cli.paged import PAGE, paged
from mailkit.cli.user.view import user_row, user_view

if TYPE_CHECKING:
    from mailkit.ids import Id
    from mailkit.kit import MailKit
    from mailkit.principals.records import Principal
    from mailkit.storage.api import ReadTx

__all__ = ["list_users", "show"]


@click.command("list")
@click.option("--filter", "needle", default="", metavar="TEXT", help="Part of the name, display name or an address.")
@click.option("--tenant", metavar="NAME", help="Those of this tenant only.")
@click.option("--tag", "tags", multiple=True, help="With this tag. Repeatable: with all of them.")
@click.option("--target", default="", metavar="TEXT", help="Part of what mail is sent on to.")
@with_kit
def list_users(
    kit: "MailKit", out: Output, needle: str, tenant: str | None, tags: tuple[str, ...], target: str
) -> None:
    """List users, oldest first."""
    from mailkit.accounts.bulk import matches

    number = None
    if tenant is not None:
        with kit.store.snapshot() as tx:
            number = find_principal(kit, tenant, "tenant", tx).number
    wanted = {tag.lower() for tag in tags}

    def shown(row: "Principal", tx: "ReadTx") -> bool:
        held = {tag.lower() for tag in row.profile.tags} if row.profile else set()
        return (
            number in (None, row.tenant)
            and wanted <= held
            and (not target or any(target.lower() in each.lower() for each in row.targets))
            and matches(kit.directory, row, needle.lower(), tx)
        )

    def read(after: "Id | None") -> "tuple[list[dict[str, Any]], Id | None]":
        with kit.store.snapshot() as tx:
            page = kit.principals.list_by_id("individual", limit=PAGE, after=after, tx=tx)
            found = [user_row(kit, row, tx) for row in page.items if shown(row, tx)]
        return found, page.items[-1].id if page.after else None

    out.rows(paged(read), ("id", "name", "address", "used"))


@click.command()
@click.argument("name")
@with_kit
def show(kit: "MailKit", out: Output, name: str) -> None:
    """Show the user NAME; an address or an id will do."""
    from mailkit.settings.kinds import DURATION

    with kit.store.snapshot() as tx:
        shown = user_view(kit, find_user(kit, name, tx), tx)
    words = {name: size(shown[name]) for name in ("quota", "used")}
    out.record(shown, **words, retention=DURATION.show(shown["retention"]) if shown["retention"] else "for ever")
