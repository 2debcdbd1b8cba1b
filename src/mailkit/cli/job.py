"""`mailkit job`: what the server does in the background, and how far it is."""

from typing import TYPE_CHECKING, Any, get_args

import click

from mailkit.cli.noun import Noun
from mailkit.cli.opening import with_kit
from mailkit.cli.output import Output, moment
from mailkit.cli.paged import PAGE, paged
from mailkit.cli.values import ID
from mailkit.jobs.records import State

if TYPE_CHECKING:
    from mailkit.ids import Id
    from mailkit.jobs.records import Job
    from mailkit.kit import MailKit

__all__ = ["job"]


@click.group(cls=Noun)
def job() -> None:
    """List and show jobs of the server; run failed ones again."""


def _view(row: "Job") -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        return value.hex() if isinstance(value, bytes) else value

    return {
        "id": str(row.id),
        "kind": row.kind,
        "state": row.state,
        "due": moment(row.due),
        "ended": moment(row.ended) if row.ended else None,
        "attempts": row.attempts,
        "progress": plain(row.progress),
        "error": row.error or None,
    }


@job.command("list")
@click.option("--kind", metavar="KIND", help="Of this kind, as in quota.recount.")
@click.option(
    "--state", "states", type=click.Choice(get_args(State)), multiple=True, help="Repeatable.  [default: all]"
)
@with_kit
def list_jobs(kit: "MailKit", out: Output, kind: str | None, states: tuple[State, ...]) -> None:
    """List jobs in order of creation. Ended ones are kept for a week."""

    def read(after: "Id | None") -> "tuple[list[Job], Id | None]":
        with kit.store.snapshot() as tx:
            found = kit.jobs.list(tx, kind=kind, states=frozenset(states) or None, after=after, limit=PAGE)
        return found, found[-1].id if len(found) == PAGE else None

    out.rows(map(_view, paged(read)), ("id", "kind", "state", "due", "progress", "error"))


@job.command()
@click.argument("id", type=ID)
@with_kit
def show(kit: "MailKit", out: Output, id: "Id") -> None:
    """Show the job ID with its progress."""
    with kit.store.snapshot() as tx:
        out.record(_view(kit.jobs.get(tx, id)))


@job.command()
@click.argument("id", type=ID)
@with_kit
def retry(kit: "MailKit", out: Output, id: "Id") -> None:
    """Run the failed job ID again, from where it was."""
    row = kit.transact(lambda tx: kit.jobs.revive(tx, id, now=kit.clock()))
    out.say(_view(row), f"The server runs {row.kind} again")
