"""Search and update (W3.8): every message that a search finds is flagged or moved, by a job.

It goes from the latest message that there is when it begins towards the oldest, by their order of arrival, which no
change touches: each is looked at once, whatever the change makes of the search, and mail that arrives later is left
alone. A step's changes and how far they are come with one commit.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, Final

from mailkit.errors import NotFound
from mailkit.ids import Id
from mailkit.jobs import Later, Step
from mailkit.mailstore.entering import Ahead
from mailkit.mailstore.flags import Change
from mailkit.mailstore.fresh import fresh
from mailkit.mailstore.selection import Selection
from mailkit.mailstore.service import MailStore
from mailkit.search.query import Query
from mailkit.search.service import Result, Search
from mailkit.search.simple import Simple, simple_query
from mailkit.storage.api import Tx

__all__ = ["APPLY", "apply_args", "apply_handler"]

APPLY: Final = "search.apply"

_STEP: Final = 200


def apply_args(
    account: int, asked: Simple | str, *, move_to: Id | None, seen: bool | None, flagged: bool | None
) -> dict[str, Any]:
    """What the job is scheduled with; `asked` is the simple parameters, or a text in the query language."""
    wanted = {"q": asked} if isinstance(asked, str) else {"simple": asked.stored()}
    return {"account": account, **wanted, "to": move_to, "seen": seen, "flagged": flagged}


def apply_handler(search: Search, mailstore: MailStore) -> Callable[[Step], Later | None]:
    """The handler. Its progress says how many messages it has looked at, and how many of them it moved."""

    def run(step: Step) -> Later | None:
        account, target = step.args["account"], step.args["to"]
        query = _query(search, mailstore, account, step.args)
        change = Change(
            add=frozenset(flag for flag, wanted in _flags(step.args) if wanted),
            remove=frozenset(flag for flag, wanted in _flags(step.args) if wanted is False),
        )
        at, done, moved = step.progress.get("at"), step.progress.get("done", 0), step.progress.get("moved", 0)
        while True:
            page = search.find(account, query, limit=_STEP, after=None if at is None else tuple(at))
            if not page.items:
                return None
            reached = {"at": page.items[-1].at, "done": done + len(page.items), "moved": moved}
            wanted = _by_mailbox(page.items)

            def some(
                ahead: Mapping[Id, Ahead],
                tx: Tx,
                wanted: Mapping[Id, Selection] = wanted,
                reached: dict[str, Any] = reached,
            ) -> int:
                count = 0
                for mailbox, uids in wanted.items():
                    try:
                        if target is not None and target != mailbox:
                            into, done = Id(target), ahead.get(mailbox)
                            count += len(mailstore.move(account, mailbox, uids, into, change, ahead=done, tx=tx))
                        elif not change.nothing:
                            mailstore.update(account, mailbox, uids, change, tx=tx)
                    except NotFound:
                        continue  # a mailbox that went away meanwhile: what can be done is done
                step.save(tx, {**reached, "moved": reached["moved"] + count})
                return count

            def prepared(wanted: Mapping[Id, Selection] = wanted) -> Mapping[Id, Ahead]:
                return {} if target is None else _ahead(mailstore, account, wanted, Id(target), change)

            moved += fresh(step.transact, prepared, some)
            at, done = reached["at"], reached["done"]
            if step.stopping:
                return Later(step.now())

    return run


def _by_mailbox(items: Sequence[Result]) -> Mapping[Id, Selection]:
    return {
        mailbox: Selection.of(item.uid for item in group)
        for mailbox, group in groupby(sorted(items, key=_mailbox), key=_mailbox)
    }


def _ahead(
    mailstore: MailStore, account: int, wanted: Mapping[Id, Selection], target: Id, change: Change
) -> Mapping[Id, Ahead]:
    """What is encrypted of the messages before they are moved, by the mailbox they are in."""
    found: dict[Id, Ahead] = {}
    for mailbox, uids in wanted.items():
        with suppress(NotFound):
            ahead = None if mailbox == target else mailstore.ahead(account, mailbox, uids, target, change)
            if ahead is not None:
                found[mailbox] = ahead
    return found


def _mailbox(item: Result) -> Id:
    return item.mailbox.id


def _flags(args: dict[str, Any]) -> tuple[tuple[str, bool | None], ...]:
    return ("\\Seen", args["seen"]), ("\\Flagged", args["flagged"])


def _query(search: Search, mailstore: MailStore, account: int, args: dict[str, Any]) -> Query:
    if "q" in args:
        return search.parse(account, args["q"])
    return simple_query(Simple(**args["simple"]), mailstore.mailboxes(account))
