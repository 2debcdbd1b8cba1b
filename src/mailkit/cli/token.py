"""`mailkit token`: access tokens."""

from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.asking import secret, sure, yes_option
from mailkit.cli.finding import find_user
from mailkit.cli.noun import Noun
from mailkit.cli.opening import making_kit, with_kit
from mailkit.cli.output import Output, moment
from mailkit.cli.paged import PAGE, paged
from mailkit.errors import NotFound

if TYPE_CHECKING:
    from mailkit.credentials.records import Token
    from mailkit.kit import MailKit

__all__ = ["token"]


@click.group(cls=Noun)
def token() -> None:
    """Create, list and revoke access tokens."""


@token.command()
@click.option("--role", default="admin", show_default=True, help="A built-in role: admin, wd/root, wd/manager, ...")
@click.option("--user", "login", metavar="NAME", help="Bind the token to this account.")
@click.option("--ttl", type=click.IntRange(min=1), help="Seconds without use after which it dies. [default: never]")
@click.option("--description", default="", help="What it is for.")
@making_kit
def create(kit: "MailKit", out: Output, role: str, login: str | None, ttl: int | None, description: str) -> None:
    """Create a token and print it. It is shown this once."""
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
    owner = None
    if login is not None:
        with kit.store.snapshot() as tx:
            owner = find_user(kit, login, tx)
    made = kit.credentials.issue_token(
        role,
        now=kit.clock(),
        owner=owner.number if owner else None,
        auth_version=owner.auth_version if owner else 0,
        ttl=ttl * 1000 if ttl else None,
        description=description,
    )
    out.say({"token": made, "role": role}, made)


@token.command("list")
@click.argument("user", required=False)
@with_kit
def list_tokens(kit: "MailKit", out: Output, user: str | None) -> None:
    """List tokens: those of USER, or all. What is shown as key names one; nobody can log in with it."""

    def read(after: bytes | None) -> "tuple[tuple[tuple[bytes, Token], ...], bytes | None]":
        if user is None:
            page = kit.credentials.all_tokens(limit=PAGE, after=after)
            return page, page[-1][0] if len(page) == PAGE else None
        with kit.store.snapshot() as tx:
            return kit.credentials.list_tokens(find_user(kit, user, tx).number, tx=tx), None

    now = kit.clock()
    out.rows(
        (_view(kit, key, row, now) for key, row in paged(read)),
        ("key", "user", "role", "state", "created", "description"),
    )


def _view(kit: "MailKit", key: bytes, row: "Token", now: int) -> dict[str, Any]:
    from mailkit.credentials.tokens import state

    owner = None if row.owner is None else kit.principals.find(row.owner)
    alive: str = state(row, now)
    if row.owner is not None and (owner is None or owner.auth_version > row.auth_version):
        alive = "void"  # the account is gone, or has got another password since
    return {
        "key": key.hex(),
        "user": None if owner is None else owner.name,
        "role": row.role,
        "state": alive,
        "created": moment(row.created),
        "used": moment(row.renewed) if row.renewed else None,
        "ttl": None if row.ttl is None else row.ttl // 1000,
        "description": row.description,
    }


@token.command()
@click.argument("key", required=False)
@click.option("--user", metavar="NAME", help="Every token of this user.")
@yes_option
@with_kit
def revoke(kit: "MailKit", out: Output, key: str | None, user: str | None, yes: bool) -> None:
    """End the token with this KEY, as 'mailkit token list' shows it; without KEY, a token that is asked for, or read
    from standard input."""
    if user is not None:
        if key is not None:
            raise click.UsageError("Give either KEY or --user.")
        with kit.store.snapshot() as tx:
            owner = find_user(kit, user, tx)
            count = len(kit.credentials.list_tokens(owner.number, tx=tx))
        if count:
            sure(f"End {count} tokens of {owner.name}?", yes)
        count = kit.credentials.revoke_all(owner.number)
        out.say({"revoked": count}, f"{count} tokens of {owner.name} are revoked")
        return
    if key is None:
        done = kit.credentials.revoke(secret("Token", confirm=False))
    else:
        try:
            done = kit.credentials.revoke_key(bytes.fromhex(key))
        except ValueError:
            raise click.BadParameter("a key has 64 hexadecimal digits", param_hint="KEY") from None
    if not done:
        raise NotFound("token.not_found", "There is no such token")
    out.say({"revoked": 1}, "The token is revoked")
