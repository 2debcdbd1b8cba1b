"""`mailkit user`: people's accounts."""

import json
import sys
from pathlib import Path
from typing import TextIO

import click

from mailkit.cli.opening import config_option, data_option, json_option, open_kit

__all__ = ["user"]


@click.group()
def user() -> None:
    """Add, list, import, delete and restore users; set passwords."""


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
@json_option
def passwd(data: str | None, config: Path | None, name: str, password: str | None, as_json: bool) -> None:
    """Set the password of the user NAME."""
    with open_kit(data, config) as kit:
        row = kit.principals.find_login(name)
        if row is None:
            raise click.ClickException(f"There is no user {name!r}.")
        kit.accounts.set_password(row.id, _password(password, f"New password for {row.name}"))
    text = f"{row.name} has a new password; tokens issued before are void"
    click.echo(json.dumps({"id": str(row.id), "name": row.name}) if as_json else text)


@user.command()
@data_option
@config_option
@click.argument("name")
@json_option
def limits(data: str | None, config: Path | None, name: str, as_json: bool) -> None:
    """Explain what the user NAME may do in a day or a minute, and what is used of it."""
    with open_kit(data, config) as kit:
        row = kit.principals.find_login(name)
        if row is None:
            raise click.ClickException(f"There is no user {name!r}.")
        with kit.store.snapshot() as tx:
            found = list(kit.account_limits.explain(row, tx=tx))
    for one in found:
        shown = {"limit": one.counted.name, "allowed": one.allowed, "used": one.used, "ttl": one.ttl, "own": one.own}
        click.echo(json.dumps(shown) if as_json else f"{one.counted.name}: {one.reason}")


@user.command("import")
@data_option
@config_option
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@json_option
@click.pass_context
def import_users(ctx: click.Context, data: str | None, config: Path | None, file: TextIO, as_json: bool) -> None:
    """Add the users in the CSV file FILE (`-`: standard input), whose first line names the columns.

    Lines that fail are told, with the reason, on standard error; the others are done. Running it again adds what
    failed before.
    """
    from mailkit.accounts.userfile import Bad, read_users
    from mailkit.errors import MailKitError

    lines = file.readlines()
    made = failed = 0
    with (
        open_kit(data, config, must_exist=False) as kit,
        click.progressbar(read_users(lines), length=max(0, len(lines) - 1), label="Users", file=sys.stderr) as rows,
    ):
        for row in rows:
            try:
                if isinstance(row, Bad):
                    raise MailKitError("import.line", row.reason)
                kit.transact(kit.accounts.prepare(row.account))
                made += 1
            except MailKitError as error:
                failed += 1
                told = {"line": row.line, "error": error.message, "code": error.code}
                click.echo(json.dumps(told) if as_json else f"line {row.line}: {error.message}", err=True)
    click.echo(json.dumps({"made": made, "failed": failed}) if as_json else f"{made} users added, {failed} failed")
    if failed:
        ctx.exit(1)


@user.command()
@data_option
@config_option
@click.argument("name")
@click.option("--after-days", type=click.IntRange(0), help="Keep the data that long; the user can be restored.")
@json_option
def delete(data: str | None, config: Path | None, name: str, after_days: int | None, as_json: bool) -> None:
    """Delete the user NAME: addresses and name at once, data by a job of the server."""
    with open_kit(data, config) as kit:
        row = kit.principals.find_login(name)
        if row is None:
            raise click.ClickException(f"There is no user {name!r}.")
        due = None if after_days is None else kit.clock() + after_days * 86_400_000
        gone = kit.accounts.delete(row.id, due=due)
    shown = {"id": str(row.id), "name": row.name, "addresses": list(gone.addresses), "job": str(gone.job)}
    click.echo(json.dumps(shown) if as_json else f"{row.name} is deleted; its id is {row.id}")


@user.command()
@data_option
@config_option
@click.argument("id")
@json_option
def restore(data: str | None, config: Path | None, id: str, as_json: bool) -> None:
    """Restore the deleted user with the id ID, and those of its addresses that are still free."""
    from mailkit.ids import Id

    try:
        wanted = Id.parse(id)
    except ValueError as error:
        raise click.BadParameter("an id has 24 hexadecimal digits", param_hint="ID") from error
    with open_kit(data, config) as kit:
        done = kit.accounts.restore(wanted)
    shown = {"id": str(wanted), "name": done.principal.name, "addresses": list(done.addresses), "main": done.main}
    click.echo(json.dumps(shown) if as_json else f"{done.principal.name} is back, with {len(done.addresses)} addresses")


@user.command()
@data_option
@config_option
@click.argument("name", required=False)
@json_option
def recount(data: str | None, config: Path | None, name: str | None, as_json: bool) -> None:
    """Count the bytes of the user NAME anew; without NAME, those of everybody, by a job of the server."""
    with open_kit(data, config) as kit:
        if name is None:
            job = kit.users.recount_all()
            click.echo(json.dumps({"job": str(job)}) if as_json else f"The job {job} counts while the server runs")
            return
        row = kit.principals.find_login(name)
        if row is None:
            raise click.ClickException(f"There is no user {name!r}.")
        done = kit.users.recount(row.number)
    shown = {"name": row.name, "before": done.before, "after": done.after}
    click.echo(json.dumps(shown) if as_json else f"{row.name} has {done.after} bytes; {done.before} were on record")
