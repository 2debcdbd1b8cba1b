"""`mailkit role`: sets of permissions, built-in and your own."""

from typing import TYPE_CHECKING

import click

from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output
from mailkit.cli.principal_verbs import principal_noun
from mailkit.errors import NotFound

if TYPE_CHECKING:
    from mailkit.kit import MailKit

__all__ = ["role"]

role = principal_noun(
    "role", "Add, list, show, edit and delete roles.", columns=("name", "display", "roles", "permissions", "denied")
)


@role.command("built-in")
@with_kit
def built_in(kit: "MailKit", out: Output) -> None:
    """List the built-in roles; they cannot be changed. Those that begin with wd/ are for access tokens."""
    from mailkit.principals.roles import ROLES

    out.rows(({"name": name, "permissions": len(one.enabled)} for name, one in ROLES.items()), ("name", "permissions"))


@role.command()
@click.argument("name")
@with_kit
def permissions(kit: "MailKit", out: Output, name: str) -> None:
    """List the permissions that the role NAME gives, its own roles' included."""
    given = kit.grants.of_role(name.strip().lower() if "/" not in name else name.strip())
    if given is None:
        raise NotFound("role.unknown", f"There is no role {name!r}.", name=name)
    out.rows(({"permission": each} for each in sorted(given)), ("permission",))
