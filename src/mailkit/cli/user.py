"""`mailkit user`: people's accounts."""

import json
import sys
from pathlib import Path

import click

from mailkit.cli.opening import config_option, data_option, json_option, open_kit

__all__ = ["user"]


@click.group()
def user() -> None:
    """Add and list users, set passwords."""


def _password(given: str | None, prompt: str) -> str:
    """From the option, from a pipe, or asked for without echo."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    asked: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True)
    return asked


@user.command()
@data_option
@config_option
@click.argument("name")
@click.option("--address", help="Main address. [default: the name, at mail.domain]")
@click.option("--password", help="Better left out: it is then asked for, or read from standard input.")
@click.option("--no-password", is_flag=True, help="Nobody can log in with a password.")
@click.option("--display", help="The person's name.")
@click.option("--quota", help="Bytes, or with a unit: 10GiB. [default: quota.default]")
@click.option("--admin", is_flag=True, help="With every permission.")
@json_option
def add(
    data: str | None,
    config: Path | None,
    name: str,
    address: str | None,
    password: str | None,
    no_password: bool,
    display: str | None,
    quota: str | None,
    admin: bool,
    as_json: bool,
) -> None:
    """Add the user NAME."""
    from mailkit.quota import INHERIT, Bytes
    from mailkit.settings.kinds import SIZE

    try:
        amount = INHERIT if quota is None else Bytes(SIZE.parse(quota))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--quota") from error
    secret = None if no_password else _password(password, f"Password for {name}")
    with open_kit(data, config, must_exist=False) as kit:
        made = kit.accounts.create(
            name,
            address=address,
            password=secret,
            display=display,
            quota=amount,
            roles=("user", "admin") if admin else ("user",),
        )
        main = kit.addresses.main_of(made)
    shown = {"id": str(made.id), "name": made.name, "address": main.value if main else None}
    click.echo(json.dumps(shown) if as_json else f"{made.name} <{shown['address']}> has the id {made.id}")


@user.command("list")
@data_option
@config_option
@json_option
def list_users(data: str | None, config: Path | None, as_json: bool) -> None:
    """List all users, oldest first."""
    with open_kit(data, config) as kit:
        after = None
        while True:
            page = kit.principals.list_by_id("individual", limit=250, after=after)
            for row in page.items:
                main = kit.addresses.main_of(row)
                used = kit.used(row.number)
                shown = {"id": str(row.id), "name": row.name, "address": main.value if main else None, "used": used}
                click.echo(json.dumps(shown) if as_json else "  ".join(str(value) for value in shown.values()))
            if not page.after:
                return
            after = page.items[-1].id


@user.command()
@data_option
@config_option
@click.argument("name")
@click.option("--password", help="Better left out: it is then asked for, or read from standard input.")
def passwd(data: str | None, config: Path | None, name: str, password: str | None) -> None:
    """Set the password of the user NAME."""
    with open_kit(data, config) as kit:
        row = kit.principals.find_login(name)
        if row is None:
            raise click.ClickException(f"There is no user {name!r}.")
        kit.accounts.set_password(row.id, _password(password, f"New password for {row.name}"))
    click.echo(f"{row.name} has a new password; tokens issued before are void")
