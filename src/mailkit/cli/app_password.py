"""`mailkit app-password`: passwords for one application each, beside a user's own."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.acting import by_command
from mailkit.cli.asking import sure, yes_option
from mailkit.cli.finding import find_user
from mailkit.cli.noun import Noun
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output, moment
from mailkit.cli.values import DURATION, ID
from mailkit.credentials.apppasswords import SCOPES

if TYPE_CHECKING:
    from mailkit.credentials.records import AppPassword
    from mailkit.ids import Id
    from mailkit.kit import MailKit

__all__ = ["app_password"]


@click.group(cls=Noun)
def app_password() -> None:
    """Add, list and delete application passwords."""


def _view(row: "AppPassword") -> dict[str, Any]:
    from mailkit.credentials.apppasswords import shown

    return {
        "id": str(row.id),
        "description": row.name,
        "scopes": [*shown(row.scopes)],
        "created": moment(row.created),
        "used": moment(row.used) if row.used else None,
        "expires": None if row.expires is None else moment(row.expires),
    }


@app_password.command()
@click.argument("user")
@click.argument("description")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="Repeatable.  [default: all]")
@click.option("--ttl", metavar="DURATION", type=DURATION, help="How long it lives after its last use, as in 30d.")
@with_kit
def add(kit: "MailKit", out: Output, user: str, description: str, scopes: tuple[str, ...], ttl: int | None) -> None:
    """Make an application password of USER and print it. It is shown this once."""
    from mailkit.credentials.apppasswords import EVERYWHERE

    with kit.store.snapshot() as tx:
        row = find_user(kit, user, tx)
    made = kit.app_passwords.create(row.id, description, scopes=scopes or (EVERYWHERE,), ttl=ttl, by=by_command())
    out.say({**_view(made.row), "password": made.password}, made.password)


@app_password.command("list")
@click.argument("user")
@with_kit
def list_app_passwords(kit: "MailKit", out: Output, user: str) -> None:
    """List the application passwords of USER, oldest first."""
    with kit.store.snapshot() as tx:
        found = kit.app_passwords.list(find_user(kit, user, tx).id, tx=tx)
    out.rows(map(_view, found), ("id", "description", "scopes", "created", "used", "expires"))


@app_password.command()
@click.argument("user")
@click.argument("id", type=ID)
@yes_option
@with_kit
def delete(kit: "MailKit", out: Output, user: str, id: "Id", yes: bool) -> None:
    """Delete the application password of USER with the id ID."""
    with kit.store.snapshot() as tx:
        row = find_user(kit, user, tx)
        found = kit.app_passwords.get(row.id, id, tx=tx)
    sure(f"Delete the application password {found.name!r} of {row.name}?", yes)
    kit.app_passwords.delete(row.id, id, by=by_command())
    out.say({"id": str(id), "description": found.name}, f"{found.name} is deleted")
