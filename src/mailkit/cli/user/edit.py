"""`mailkit user edit`."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.acting import by_command
from mailkit.cli.fields import FIELDS, field_options
from mailkit.cli.finding import find_user
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output
from mailkit.cli.principal_changes import changes_of
from mailkit.cli.principal_verbs import changed
from mailkit.cli.user.profile import profile_options, profile_values, targets_of
from mailkit.cli.user.view import user_view

if TYPE_CHECKING:
    from mailkit.accounts.users import UserChanges
    from mailkit.kit import MailKit
    from mailkit.principals.records import Principal
    from mailkit.storage.api import Tx

__all__ = ["edit"]

_FIELDS = tuple(field for field in FIELDS["individual"] if field.option != "display")  # that is among UserChanges


@click.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="Another login.")
@click.option("--display", metavar="TEXT", help="The person's name; empty for none.")
@field_options(_FIELDS, editing=True)
@profile_options(editing=True)
@click.option("--remove-2fa", is_flag=True, help="Take every second factor away.")
@with_kit
def edit(
    kit: "MailKit", out: Output, name: str, new_name: str | None, display: str | None, remove_2fa: bool, **given: Any
) -> None:
    """Change the user NAME: everything that is said, or nothing. A limit that is set is counted anew."""
    from mailkit.accounts.edit import Change
    from mailkit.accounts.users import UserChanges

    if (
        new_name is None
        and display is None
        and not remove_2fa
        and not any(value not in (None, ()) for value in given.values())
    ):
        raise click.UsageError("Say what to change; --help lists what can be.")
    changes = changes_of(_FIELDS, given)
    if new_name is not None:
        changes = (Change("set", "name", new_name), *changes)

    def users_changes(row: "Principal") -> "UserChanges":
        from mailkit.principals.records import Profile

        return UserChanges(
            display=display,
            quota=given["quota"],
            limits=dict(given["limits"]),
            profile=profile_values(given, row.profile or Profile()),
            targets=targets_of(given, row.targets),
        )

    def store(tx: "Tx") -> tuple[dict[str, Any], dict[str, Any]]:
        row = find_user(kit, name, tx)
        before = user_view(kit, row, tx)
        row = changed(kit, row, changes, tx)
        wanted = users_changes(row)
        if wanted != UserChanges():
            row = kit.users.change(row, wanted, by=by_command(), tx=tx)
        if remove_2fa and kit.two_factor.enabled(row.id, tx=tx):
            kit.two_factor.disable_all(row.id, by=by_command(), tx=tx)
        return before, user_view(kit, kit.principals.get(row.number, tx=tx), tx)

    before, after = kit.transact(store)
    out.say(after, f"{after['name']} is changed" if before != after else f"{after['name']} is what it was")
