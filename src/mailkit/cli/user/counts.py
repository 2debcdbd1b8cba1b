"""`mailkit user limits`, `reset-limits` and `recount`: what is counted of a user, and counting it anew."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.finding import find_user
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output
from mailkit.cli.paged import PAGE, paged
from mailkit.cli.progress import progress
from mailkit.errors import NotFound

if TYPE_CHECKING:
    from mailkit.ids import Id
    from mailkit.kit import MailKit
    from mailkit.principals.records import Principal
    from mailkit.storage.api import Tx

__all__ = ["limits", "recount", "reset_limits"]

_KINDS = ("individual", "group")


@click.command()
@click.argument("name")
@with_kit
def limits(kit: "MailKit", out: Output, name: str) -> None:
    """Explain what the user NAME may do in a day or a minute, and what is used of it.

    'ttl' is the time, in milliseconds, until what is used is forgotten.
    """
    with kit.store.snapshot() as tx:
        found = list(kit.account_limits.explain(find_user(kit, name, tx), tx=tx))
    rows: Iterator[dict[str, Any]] = (
        {
            "limit": one.counted.name,
            "allowed": one.allowed,
            "used": one.used,
            "ttl": one.ttl,
            "own": one.own,
            "reason": one.reason,
        }
        for one in found
    )
    out.rows(rows, ("limit", "reason"))


@click.command("reset-limits")
@click.argument("name")
@click.argument("limits", metavar="[LIMIT]...", nargs=-1)
@with_kit
def reset_limits(kit: "MailKit", out: Output, name: str, limits: tuple[str, ...]) -> None:
    """Forget what the user NAME has used: of each LIMIT, as 'mailkit user limits' calls it, or of all."""
    from mailkit.accounts.limits import COUNTED

    known = [counted.name for counted in COUNTED]
    unknown = [limit for limit in limits if limit not in known]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(known)}", param_hint="LIMIT")

    def store(tx: "Tx") -> str:
        row = find_user(kit, name, tx)
        for limit in limits or known:
            kit.account_limits.restart(row.number, limit, tx=tx)
        return row.name

    login = kit.transact(store)
    out.say({"name": login, "reset": list(limits or known)}, f"{login} starts anew: {', '.join(limits or known)}")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Every user and group.")
@click.option("--job", "by_job", is_flag=True, help="With --all: leave it to a job of the server.")
@with_kit
def recount(kit: "MailKit", out: Output, names: tuple[str, ...], everybody: bool, by_job: bool) -> None:
    """Count the bytes of the users NAMES anew, or everybody's. Safe while mail comes and goes.

    Of everybody, those are listed whose count was wrong; how many there were is said on standard error or, in JSON, in
    the last line.
    """
    if bool(names) == everybody or (by_job and not everybody):
        raise click.UsageError("Give either NAMES or --all, which --job goes with.")
    if by_job:
        job = kit.users.recount_all()
        out.say({"job": str(job)}, f"The job {job} counts while the server runs")
        return
    if everybody:
        out.rows(_everybody(kit, out), ("name", "before", "after"))
        return
    with kit.store.snapshot() as tx:
        rows = [find_user(kit, name, tx) for name in names]
    for row in rows:
        done = kit.users.recount(row.number)
        shown = {"name": row.name, "before": done.before, "after": done.after}
        out.say(shown, f"{row.name} has {done.after} bytes; {done.before} were on record")


def _everybody(kit: "MailKit", out: Output) -> Iterator[dict[str, Any]]:
    """Those whose count was wrong."""
    accounts = changed = difference = 0
    with progress("Counting", sum(map(kit.principals.count, _KINDS))) as bar:
        for row in _accounts(kit):
            bar.advance()
            try:
                done = kit.users.recount(row.number)
            except NotFound:
                continue  # deleted meanwhile
            accounts += 1
            if done.after != done.before:
                changed += 1
                difference += done.after - done.before
                yield {"name": row.name, "before": done.before, "after": done.after}
    if out.as_json:
        yield {"accounts": accounts, "changed": changed, "difference": difference}
    out.note(f"{changed} of {accounts} accounts were wrong, by {difference:+} bytes in all")


def _accounts(kit: "MailKit") -> "Iterator[Principal]":
    for kind in _KINDS:

        def read(after: "Id | None", kind: str = kind) -> "tuple[tuple[Principal, ...], Id | None]":
            page = kit.principals.list_by_id(kind, limit=PAGE, after=after)
            return page.items, page.items[-1].id if page.after else None

        yield from paged(read)
