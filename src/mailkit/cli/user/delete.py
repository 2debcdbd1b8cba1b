"""`mailkit user delete`, `deleted` and `restore`."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.acting import by_command
from mailkit.cli.asking import sure, yes_option
from mailkit.cli.finding import find_user
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output, moment, size
from mailkit.cli.paged import PAGE, paged
from mailkit.cli.values import ID

if TYPE_CHECKING:
    from mailkit.ids import Id
    from mailkit.kit import MailKit

__all__ = ["delete", "deleted", "restore"]

_DAY = 86_400_000


@click.command()
@click.argument("name")
@click.option(
    "--after-days",
    type=click.IntRange(0),
    metavar="N",
    help="Keep the data that long; until then the user can be restored.",
)
@yes_option
@with_kit
def delete(kit: "MailKit", out: Output, name: str, after_days: int | None, yes: bool) -> None:
    """Delete the user NAME: addresses and name at once, data by a job of the server."""
    with kit.store.snapshot() as tx:
        row = find_user(kit, name, tx)
        used = kit.quota.used(tx, row.number)
    when = "now" if not after_days else f"in {after_days} days"
    sure(f"Delete the user {row.name}, and {size(used)} of mail {when}?", yes)
    due = None if after_days is None else kit.clock() + after_days * _DAY
    gone = kit.accounts.delete(row.id, due=due, by=by_command())
    shown = {
        "id": str(row.id),
        "name": row.name,
        "addresses": list(gone.addresses),
        "until": None if due is None else moment(due),
        "job": str(gone.job),
    }
    later = "" if due is None else f", which brings it back until {moment(due)}"
    out.say(shown, f"{row.name} is deleted; its id is {row.id}{later}")


@click.command()
@with_kit
def deleted(kit: "MailKit", out: Output) -> None:
    """List deleted users and groups whose data is still there; 'mailkit user restore ID' brings one back."""

    def read(after: int | None) -> tuple[list[dict[str, Any]], int | None]:
        with kit.store.snapshot() as tx:
            page = kit.principals.list_buried(limit=PAGE, after=after, tx=tx)
            found = [
                {
                    "id": str(row.principal.id),
                    "name": row.principal.name,
                    "type": row.principal.kind,
                    "deleted": moment(row.at),
                    "until": moment(row.due) if row.due else None,
                    "used": kit.quota.used(tx, row.principal.number),
                    "addresses": list(row.addresses),
                }
                for row in page
                if not row.gone
            ]
        return found, page[-1].principal.number if len(page) == PAGE else None

    out.rows(paged(read), ("id", "name", "deleted", "until", "used", "addresses"))


@click.command()
@click.argument("id", type=ID)
@with_kit
def restore(kit: "MailKit", out: Output, id: "Id") -> None:
    """Restore the deleted user with the id ID, and those of its addresses that are still free."""
    done = kit.accounts.restore(id, by=by_command())
    shown = {"id": str(id), "name": done.principal.name, "addresses": list(done.addresses), "main": done.main}
    out.say(shown, f"{done.principal.name} is back, with {len(done.addresses)} addresses")
