"""`mailkit mail`: deleted messages, how long things are kept, and holds."""

import getpass
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailkit.cli.opening import config_option, data_option, json_option, open_kit
from mailkit.cli.output import moment
from mailkit.cli.values import MOMENT

if TYPE_CHECKING:
    from mailkit.ids import Id
    from mailkit.kit import MailKit
    from mailkit.mailstore.archive import ArchivedMessage
    from mailkit.mailstore.records import Hold

__all__ = ["mail"]


@click.group()
def mail() -> None:
    """List and restore deleted messages; say how long mail is kept, and why; place and release holds."""


def _id(text: str, what: str) -> "Id":
    from mailkit.ids import Id

    try:
        return Id.parse(text)
    except ValueError as error:
        raise click.BadParameter("an id has 24 hexadecimal digits", param_hint=what) from error


def _account(kit: "MailKit", name: str) -> int:
    """The number of a user by name, or of a user or deleted user by id."""
    from mailkit.errors import NotFound
    from mailkit.ids import Id

    row = kit.principals.find_login(name)
    if row is not None:
        return row.number
    try:
        wanted = Id.parse(name)
    except ValueError:
        raise click.ClickException(f"There is no user {name!r}.") from None
    try:
        return kit.principals.user(wanted).number
    except NotFound:
        return kit.principals.buried(wanted).principal.number


def _time(ms: int | None) -> str:
    return "for ever" if ms is None else moment(ms)


def _say(shown: Any, as_json: bool, text: str) -> None:
    click.echo(json.dumps(shown) if as_json else text)


@mail.command()
@data_option
@config_option
@click.argument("name")
@click.option("--from", "sender", default="", help="Part of the sender.")
@click.option("--subject", default="", help="Part of the subject.")
@click.option("--mailbox", help="Path of the mailbox it was deleted from.")
@click.option("--text", default="", help="Part of the text, the subject, names and addresses.")
@click.option("--since", type=MOMENT, help="Deleted then or later.")
@click.option("--before", type=MOMENT, help="Deleted before then.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
def deleted(
    data: str | None,
    config: Path | None,
    name: str,
    sender: str,
    subject: str,
    mailbox: str | None,
    text: str,
    since: int | None,
    before: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """List deleted messages of the user NAME, the latest deletion first."""
    from mailkit.mailstore.archive_match import Wanted

    wanted = Wanted(sender=sender, subject=subject, mailbox=mailbox, text=text, since=since, before=before)
    with open_kit(data, config) as kit:
        account = _account(kit, name)
        shown, after = 0, None
        while shown < limit:
            page = kit.mailstore.archive.search(account, wanted, limit=limit - shown, after=after)
            for item in page.items:
                _say_deleted(item, as_json)
            shown += len(page.items)
            if page.more is None:
                return
            after = page.more
        if not as_json:
            click.echo("There may be more.", err=True)


def _say_deleted(item: "ArchivedMessage", as_json: bool) -> None:
    old, row = item.archived, item.row
    sender = row.from_[0].address if row.from_ else ""
    shown = {
        "id": str(old.id),
        "deleted": _time(old.deleted),
        "until": _time(old.until),
        "mailbox": old.path,
        "cause": old.cause,
        "from": sender,
        "subject": row.subject,
        "size": old.size,
    }
    _say(shown, as_json, f"{old.id}  {_time(old.deleted)}  {old.path}  {sender}  {row.subject}")


@mail.command()
@data_option
@config_option
@click.argument("name")
@click.argument("ids", nargs=-1)
@click.option("--since", type=MOMENT, help="Everything that was deleted then or later.")
@click.option("--until", type=MOMENT, help="Everything that was deleted up to then.")
@click.option("--into", metavar="PATH", help="The mailbox to restore to [default: where each one was].")
@click.option("--dry-run", is_flag=True, help="Say what a restore by time would do, and do nothing.")
@json_option
def restore(
    data: str | None,
    config: Path | None,
    name: str,
    ids: tuple[str, ...],
    since: int | None,
    until: int | None,
    into: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Restore deleted messages of the user NAME: those with the IDS at once, those of a time by a job of the server."""
    timed = since is not None or until is not None
    if bool(ids) == timed:
        raise click.UsageError("Give either ids or a time (--since, --until).")
    if ids and dry_run:
        raise click.UsageError("--dry-run goes with a time.")
    with open_kit(data, config) as kit:
        account = _account(kit, name)
        archive = kit.mailstore.archive
        for text in ids:
            done = archive.restore(account, _id(text, "IDS"), mailbox=into)
            path = kit.mailstore.mailbox(account, done.mailbox).path
            _say({"id": text, "mailbox": path, "uid": done.uid}, as_json, f"{text} is in {path} as {done.uid}")
        if not timed:
            return
        start, end = since or 0, kit.clock() if until is None else until
        plan = archive.preview(account, start, end, into=into)
        tally = plan.tally
        shown: dict[str, Any] = {
            "messages": tally.messages,
            "bytes": tally.bytes,
            "refused": tally.refused,
            "refused_bytes": tally.refused_bytes,
            "room": plan.room,
            "mailboxes": list(plan.mailboxes),
        }
        words = f"{tally.messages} messages, {tally.bytes} bytes"
        words += f"; {tally.refused} more find no room" if tally.refused else ""
        words += f"; makes {', '.join(plan.mailboxes)}" if plan.mailboxes else ""
        if not dry_run:
            shown["job"] = str(archive.restore_later(account, start, end, into=into))
            words += f"; the job {shown['job']} restores them while the server runs"
        _say(shown, as_json, words)


@mail.command()
@data_option
@config_option
@click.argument("name")
@click.argument("mailbox")
@click.argument("uid", type=int, required=False)
@json_option
def why(data: str | None, config: Path | None, name: str, mailbox: str, uid: int | None, as_json: bool) -> None:
    """Say until when a message of the user NAME is kept, and why: the one with UID in MAILBOX (a path), or a deleted
    one by its id."""
    with open_kit(data, config) as kit:
        account = _account(kit, name)
        if uid is None:
            kept = kit.mailstore.kept_archived(account, _id(mailbox, "MAILBOX"))
        else:
            kept = kit.mailstore.kept(account, mailbox, uid)
    shown = {
        "until": kept.until,
        "gone": kept.gone,
        "reasons": [{"word": r.word, "until": r.until, "text": r.text} for r in kept.reasons],
    }
    lines = [f"kept: {_time(kept.until)}", f"gone for good: {'never' if kept.gone is None else _time(kept.gone)}"]
    lines += [f"  {reason.word} ({_time(reason.until)}): {reason.text}" for reason in kept.reasons]
    _say(shown, as_json, "\n".join(lines))


@mail.command()
@data_option
@config_option
@click.argument("name", required=False)
def purge(data: str | None, config: Path | None, name: str | None) -> None:
    """Have the server remove now what is over: expired messages of the user NAME, or of everybody."""
    with open_kit(data, config) as kit:
        if name is not None:
            kit.mailstore.upkeep(_account(kit, name))
        else:
            kit.transact(lambda tx: [kit.jobs.schedule(tx, kind, due=kit.clock(), key="asked") for kind in _EVERYBODY])
    click.echo("The server's jobs do it while it runs")


_EVERYBODY = ("mail.expire", "archive.purge")


def _by() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "administrator"


@mail.command()
@data_option
@config_option
@click.argument("name")
@click.option("--reason", required=True, help="Why; kept with it.")
@click.option("--by", default=_by, show_default="your login here", help="Who says so.")
@click.option("--mailbox", metavar="PATH", help="One mailbox only.")
@click.option("--until", type=MOMENT, help="When it ends by itself.")
@json_option
def hold(
    data: str | None,
    config: Path | None,
    name: str,
    reason: str,
    by: str,
    mailbox: str | None,
    until: int | None,
    as_json: bool,
) -> None:
    """Stop whatever would remove mail of the user NAME for good. A deleted user is named by id."""
    with open_kit(data, config) as kit:
        placed = kit.mailstore.hold(_account(kit, name), reason=reason, by=by, mailbox=mailbox, until=until)
    _say_hold(placed, name, as_json)


def _say_hold(row: "Hold", name: str, as_json: bool) -> None:
    shown = {
        "id": str(row.id),
        "user": name,
        "mailbox": None if row.mailbox is None else str(row.mailbox),
        "reason": row.reason,
        "by": row.by,
        "at": _time(row.at),
        "until": None if row.until is None else _time(row.until),
    }
    what = name if row.mailbox is None else f"{name}, mailbox {row.mailbox}"
    end = "" if row.until is None else f" until {_time(row.until)}"
    _say(shown, as_json, f"{row.id}  {what}  since {_time(row.at)}{end}  by {row.by}: {row.reason}")


@mail.command()
@data_option
@config_option
@click.argument("name")
@click.argument("hold_id", metavar="HOLD")
@click.option("--by", default=_by, show_default="your login here", help="Who says so.")
def release(data: str | None, config: Path | None, name: str, hold_id: str, by: str) -> None:
    """Release the hold HOLD on the user NAME."""
    with open_kit(data, config) as kit:
        kit.mailstore.holds.release(_account(kit, name), _id(hold_id, "HOLD"), by=by)
    click.echo("Released")


@mail.command()
@data_option
@config_option
@click.argument("name", required=False)
@json_option
def holds(data: str | None, config: Path | None, name: str | None, as_json: bool) -> None:
    """List holds: all, or those on the user NAME."""
    with open_kit(data, config) as kit:
        for row in _all_holds(kit, None if name is None else _account(kit, name)):
            owner = kit.principals.find_any(row.account)
            _say_hold(row, owner.name if owner else str(row.account), as_json)


def _all_holds(kit: "MailKit", account: int | None) -> Iterable["Hold"]:
    after = None
    while True:
        page = kit.mailstore.holds.list(account, after=after)
        yield from page.items
        if not page.after:
            return
        after = (page.items[-1].account, page.items[-1].id)
