"""`mailkit user add`."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.acting import by_command
from mailkit.cli.asking import secret
from mailkit.cli.fields import FIELDS, field_options
from mailkit.cli.opening import making_kit
from mailkit.cli.output import Output
from mailkit.cli.principal_changes import changes_of
from mailkit.cli.principal_verbs import changed
from mailkit.cli.user.password import password_options, ready_password
from mailkit.cli.user.profile import profile_options, profile_values, targets_of
from mailkit.cli.user.view import user_view
from mailkit.cli.values import Parsed

if TYPE_CHECKING:
    from mailkit.accounts.edit import Change
    from mailkit.kit import MailKit
    from mailkit.storage.api import Tx

__all__ = ["add"]

_FOLDERS = {"sent": "\\Sent", "trash": "\\Trash", "junk": "\\Junk", "drafts": "\\Drafts"}


def _folder(text: str) -> tuple[str, str]:
    use, equals, path = text.partition("=")
    if not equals or use not in _FOLDERS or not path:
        raise ValueError(f"{text!r} is not USE=PATH with one of {', '.join(_FOLDERS)}")
    return _FOLDERS[use], path


@click.command()
@click.argument("name")
@password_options
@click.option("--no-password", is_flag=True, help="Nobody can log in with a password.")
@click.option("--temporary", is_flag=True, help="The password is good for a day, and has to be changed.")
@click.option("--no-address", is_flag=True, help="Make no address.  [default: the name, at mail.domain]")
@click.option("--admin", is_flag=True, help="With every permission: the same as --role user --role admin.")
@field_options(FIELDS["individual"], editing=False)
@click.option("--folder", "folders", metavar="USE=PATH", type=Parsed("folder", _folder), multiple=True,
              help="Another name for a folder: sent, trash, junk or drafts. Repeatable.")  # fmt: skip
@profile_options(editing=False)
@making_kit
def add(
    kit: "MailKit",
    out: Output,
    name: str,
    password: str | None,
    hashed: bool,
    refuse_known: bool,
    no_password: bool,
    temporary: bool,
    no_address: bool,
    admin: bool,
    folders: tuple[tuple[str, str], ...],
    **given: Any,
) -> None:
    """Add the user NAME, with folders and a main address; the password is asked for, or read from standard input.

    Its role is 'user' unless --role says otherwise.
    """
    from mailkit.accounts.create import NewAccount
    from mailkit.principals.permits import LOCAL_ADMINISTRATOR
    from mailkit.principals.records import Profile
    from mailkit.quota import INHERIT

    if no_address and given["address"]:
        raise click.UsageError("--no-address goes with no --address.")
    profile = Profile(
        limits={limit: n for limit, n in given["limits"] if n},
        **profile_values(given, Profile()),
    )
    ready = None
    if not no_password:
        ready = ready_password(kit, secret(f"Password for {name}", password), hashed=hashed, refuse_known=refuse_known)
    with kit.store.snapshot() as tx:
        tenant = kit.directory.tenant_number(given["tenant"], LOCAL_ADMINISTRATOR, tx=tx)
    main, *more = given["address"] or (None,)
    account = NewAccount(
        name,
        address=main,
        no_address=no_address,
        hashed=None if temporary else ready,
        display=given["display"],
        quota=INHERIT if given["quota"] is None else given["quota"],
        roles=(),
        tenant=tenant,
        profile=profile,
        targets=targets_of(given, ()) or (),
        folders=dict(folders),
    )
    commit = kit.accounts.prepare(account, by=by_command())
    roles = (*given["role"], *(("user", "admin") if admin else ())) or ("user",)
    changes = _beyond({**given, "role": roles, "address": more})

    def store(tx: "Tx") -> dict[str, Any]:
        row = changed(kit, commit(tx), changes, tx)
        if temporary and ready is not None:
            kit.credentials.set_temporary(row.number, hashed=ready, now=kit.clock(), tx=tx)
        return user_view(kit, row, tx)

    shown = kit.transact(store)
    out.say(shown, f"{shown['name']} <{shown['address'] or ''}> has the id {shown['id']}")


def _beyond(given: dict[str, Any]) -> "tuple[Change, ...]":
    """What an account gets once it is made: everything but what `NewAccount` has."""
    from mailkit.accounts.edit import Change

    fields = [field for field in FIELDS["individual"] if field.option not in ("display", "address", "tenant")]
    return (*changes_of(fields, given), *(Change("addItem", "emails", text) for text in given["address"]))
