"""`mailkit user passwd`, `reset-password`, `logout`, `disable`, `suspend`, `log`: who may log in, and who did."""

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.acting import by_command
from mailkit.cli.asking import secret
from mailkit.cli.finding import find_user
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output, moment
from mailkit.cli.paged import PAGE, paged
from mailkit.cli.user.password import password_options, ready_password
from mailkit.cli.user.view import user_row
from mailkit.cli.values import MOMENT

if TYPE_CHECKING:
    from mailkit.credentials.records import AuthEvent
    from mailkit.ids import Id
    from mailkit.kit import MailKit
    from mailkit.storage.api import Tx

__all__ = ["disable", "enable", "log", "logout", "passwd", "reset_password", "suspend", "unsuspend"]


@click.command()
@click.argument("name")
@password_options
@click.option("--none", "no_password", is_flag=True, help="Nobody can log in with a password.")
@with_kit
def passwd(
    kit: "MailKit",
    out: Output,
    name: str,
    password: str | None,
    hashed: bool,
    refuse_known: bool,
    no_password: bool,
) -> None:
    """Set the password of the user NAME: it is asked for, or read from standard input.

    Tokens and sessions of before are void; application passwords stay.
    """
    from mailkit.accounts.users import UserChanges

    with kit.store.snapshot() as tx:
        row = find_user(kit, name, tx)
    ready = None
    if not no_password:
        given = secret(f"New password for {row.name}", password)
        ready = ready_password(kit, given, hashed=hashed, refuse_known=refuse_known)
    kit.transact(
        lambda tx: kit.users.change(
            kit.principals.get(row.number, tx=tx), UserChanges(password=True, hashed=ready), by=by_command(), tx=tx
        )
    )
    what = "no password any more" if no_password else "a new password"
    out.say({"id": str(row.id), "name": row.name}, f"{row.name} has {what}; tokens issued before are void")


@click.command("reset-password")
@click.argument("name")
@click.option("--valid-after", metavar="TIME", type=MOMENT, help="Not good before then.")
@with_kit
def reset_password(kit: "MailKit", out: Output, name: str, valid_after: int | None) -> None:
    """Make a password for a day for the user NAME, and print it. It is shown this once; the permanent one stays."""

    def store(tx: "Tx") -> tuple[str, str]:
        row = find_user(kit, name, tx)
        return row.name, kit.users.reset_password(row, valid_after=valid_after or 0, by=by_command(), tx=tx)

    login, made = kit.transact(store)
    start = moment(valid_after or kit.clock())
    out.say({"name": login, "password": made, "valid_after": start}, made)


@click.command()
@click.argument("name")
@click.option("--reason", default="Logout requested by an administrator", metavar="TEXT", help="What the user is told.")
@with_kit
def logout(kit: "MailKit", out: Output, name: str, reason: str) -> None:
    """Close sessions and update streams of the user NAME. Access tokens stay: see 'mailkit token revoke'."""

    def store(tx: "Tx") -> dict[str, Any]:
        row = find_user(kit, name, tx)
        kit.users.logout(row, reason, tx=tx)
        return {"id": str(row.id), "name": row.name}

    shown = kit.transact(store)
    out.say(shown, f"{shown['name']} is logged out")


def _switch(
    word: str, help: str, said: str, *, active: bool | None = None, suspended: bool | None = None
) -> click.Command:
    """A command that switches an account on or off."""

    @click.command(word, help=help)
    @click.argument("name")
    @with_kit
    def switch(kit: "MailKit", out: Output, name: str) -> None:
        from mailkit.accounts.users import UserChanges

        change = UserChanges(active=active, suspended=suspended)

        def store(tx: "Tx") -> dict[str, Any]:
            row = kit.users.change(find_user(kit, name, tx), change, by=by_command(), tx=tx)
            return user_row(kit, row, tx)

        shown = kit.transact(store)
        out.say(shown, f"{shown['name']} {said}")

    return switch


disable = _switch("disable", "Refuse new logins and mail of the user NAME.", "is disabled", active=False)
enable = _switch("enable", "Let the user NAME log in and get mail again.", "is enabled", active=True)
suspend = _switch(
    "suspend",
    "Disable the user NAME, end its tokens, and log it out everywhere.",
    "is suspended",
    suspended=True,
)
unsuspend = _switch("unsuspend", "End the suspension of the user NAME.", "is not suspended any more", suspended=False)


@click.command()
@click.argument("name")
@click.option("--action", metavar="WORD", help="This action only, as in authentication.")
@click.option("--ip", metavar="ADDRESS", help="From this address only.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@with_kit
def log(kit: "MailKit", out: Output, name: str, action: str | None, ip: str | None, limit: int) -> None:
    """Show the login log of the user NAME, newest first."""
    with kit.store.snapshot() as tx:
        row = find_user(kit, name, tx)

    def read(after: "Id | None") -> "tuple[tuple[AuthEvent, ...], Id | None]":
        page = kit.authlog.list(row.number, now=kit.clock(), limit=PAGE, after=after, action=action, ip=ip)
        return page.items, page.items[-1].id if page.after else None

    found = (
        {
            "id": str(event.id),
            "last": moment(event.last),
            "action": event.action,
            "result": event.result,
            "protocol": event.protocol,
            "ip": event.ip,
            "events": event.events,
            "details": dict(event.details),
        }
        for event in islice(paged(read), limit)
    )
    out.rows(found, ("last", "action", "result", "protocol", "ip", "events", "details"))
