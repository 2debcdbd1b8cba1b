"""`mailkit token`: access tokens."""

from pathlib import Path

import click

from mailkit.cli.opening import config_option, data_option, json_option, open_kit

__all__ = ["token"]


@click.group()
def token() -> None:
    """Create access tokens."""


@token.command()
@data_option
@config_option
@click.option("--role", default="admin", show_default=True, help="A built-in role: admin, wd/root, wd/manager, ...")
@click.option("--user", "login", help="Bind the token to this account.")
@click.option("--ttl", type=click.IntRange(min=1), help="Seconds without use after which it dies. [default: never]")
@click.option("--description", default="", help="What it is for.")
@json_option
def create(
    data: str | None,
    config: Path | None,
    role: str,
    login: str | None,
    ttl: int | None,
    description: str,
    as_json: bool,
) -> None:
    """Create a token and print it. It is shown this once."""
    import json
    from difflib import get_close_matches

    from mailkit.principals.roles import ROLES

    if f"wd/{role}" in ROLES:
        role = f"wd/{role}"  # access tokens are WildDuck's: `user` means its role, not Stalwart's
    if role not in ROLES:
        near = get_close_matches(role, [*ROLES, *(name.removeprefix("wd/") for name in ROLES)], n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise click.BadParameter(f"There is no role {role!r}.{hint}", param_hint="--role")
    if role == "wd/user" and login is None:
        raise click.BadParameter("A token of the role user has to be somebody's: say whose.", param_hint="--user")
    with open_kit(data, config, must_exist=login is not None) as kit:
        owner = None
        if login is not None:
            owner = kit.principals.find_login(login)
            if owner is None:
                raise click.ClickException(f"There is no user {login!r}.")
        made = kit.credentials.issue_token(
            role,
            now=kit.clock(),
            owner=owner.number if owner else None,
            auth_version=owner.auth_version if owner else 0,
            ttl=ttl * 1000 if ttl else None,
            description=description,
        )
    click.echo(json.dumps({"token": made, "role": role}) if as_json else made)
