"""`mailkit user`: people's accounts."""

import click

from mailkit.cli.noun import Noun
from mailkit.cli.user.access import disable, enable, log, logout, passwd, reset_password, suspend, unsuspend
from mailkit.cli.user.add import add
from mailkit.cli.user.counts import limits, recount, reset_limits
from mailkit.cli.user.delete import delete, deleted, restore
from mailkit.cli.user.edit import edit
from mailkit.cli.user.importing import import_users
from mailkit.cli.user.show import list_users, show

__all__ = ["user"]


@click.group(cls=Noun)
def user() -> None:
    """Add, list, import, edit, delete and restore users; set passwords; show limits; count again."""


for _command in (
    add, delete, deleted, disable, edit, enable, import_users, limits, list_users, log, logout, passwd, recount,
    reset_limits, reset_password, restore, show, suspend, unsuspend,
):  # fmt: skip
    user.add_command(_command)
