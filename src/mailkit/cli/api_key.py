"""`mailkit api-key`: keys for programs that use the management API, `Authorization: Bearer api_...`."""

import base64
import secrets
from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.fields import FIELDS, field_options
from mailkit.cli.finding import find_principal
from mailkit.cli.noun import Noun
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output
from mailkit.cli.principal_changes import values_of
from mailkit.cli.principal_verbs import delete_command, edit_command, list_command, show_command

if TYPE_CHECKING:
    from mailkit.kit import MailKit
    from mailkit.storage.api import Tx

__all__ = ["api_key"]


@click.group(cls=Noun)
def api_key() -> None:
    """Add, list, show, edit, rotate and delete API keys."""


def _shown(name: str, secret: str) -> str:
    return "api_" + base64.b64encode(f"{name}:{secret}".encode()).decode()


@api_key.command()
@click.argument("name")
@field_options(FIELDS["apiKey"], editing=False)
@with_kit
def add(kit: "MailKit", out: Output, name: str, **given: Any) -> None:
    """Add the API key NAME and print it. It is shown this once. Without a role it may do nothing."""
    from mailkit.accounts.directory import NewPrincipal
    from mailkit.principals.permits import LOCAL_ADMINISTRATOR

    secret = secrets.token_urlsafe(32)
    wanted = NewPrincipal("apiKey", name, password=secret, **values_of(FIELDS["apiKey"], given))
    row = kit.transact(kit.directory.prepare(wanted, LOCAL_ADMINISTRATOR))
    made = _shown(row.name, secret)
    out.say({"id": str(row.id), "number": row.number, "name": row.name, "key": made}, made)


@api_key.command()
@click.argument("name")
@with_kit
def rotate(kit: "MailKit", out: Output, name: str) -> None:
    """Give the API key NAME another secret and print it. It is shown this once; the old one is void."""
    from mailkit.accounts.secrets import SetAll

    secret = secrets.token_urlsafe(32)
    change = kit.secrets.prepare([SetAll((secret,))])

    def store(tx: "Tx") -> dict[str, Any]:
        row = find_principal(kit, name, "apiKey", tx)
        change(tx, row.number)
        return {"id": str(row.id), "number": row.number, "name": row.name}

    told = kit.transact(store)
    made = _shown(told["name"], secret)
    out.say({**told, "key": made}, made)


for _command in (
    list_command("apiKey", ("name", "display", "roles", "permissions")),
    show_command("apiKey"),
    edit_command("apiKey"),
    delete_command("apiKey"),
):
    api_key.add_command(_command)
