"""WildDuck's simple search parameters as a query (W3.8). Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, field, frozen

from mailkit.ids import Id
from mailkit.mailstore.records import Mailbox
from mailkit.mailstore.selection import parse_selection
from mailkit.search.query import (
    ALL,
    Attached,
    Between,
    Flag,
    In,
    Not,
    Query,
    Thread,
    Uids,
    all_of,
    any_of,
    containing,
)
from mailkit.search.words_query import words_query

__all__ = ["Simple", "simple_query"]

_AWAY = ("\\Junk", "\\Trash")
_MOST = (1 << 53) - 1


def _id(value: bytes | None) -> Id | None:
    return None if value is None else Id(value)


@frozen
class Simple:
    """The parameters under their names on the wire, those of the OR group in `either`. All combine with AND."""

    mailbox: Id | None = field(default=None, converter=_id)
    id: str = ""
    thread: Id | None = field(default=None, converter=_id)
    query: str = ""
    datestart: int | None = None
    dateend: int | None = None
    from_: str = ""
    to: str = ""
    subject: str = ""
    minSize: int | None = None  # noqa: N815  # as on the wire
    maxSize: int | None = None  # noqa: N815
    attachments: bool = False
    flagged: bool = False
    unseen: bool = False
    searchable: bool = False
    either: Mapping[str, str] = field(factory=dict)

    def stored(self) -> dict[str, Any]:
        """As a job's arguments: what was given, `Simple(**stored)` reads it back."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", False, {})}


_TEXTS = {"from": "f", "to": "tc", "subject": "s"}


def simple_query(asked: Simple, mailboxes: Sequence[Mailbox]) -> Query:
    """The query that the parameters ask; Invalid naming `id` for a bad list of ids."""
    parts: list[Query] = [containing(asked.from_, "f"), containing(asked.to, "tc"), containing(asked.subject, "s")]
    kept = Not(Flag("\\Deleted"))
    if asked.query:
        parts += [words_query(asked.query), kept]
    if asked.mailbox is not None:
        parts.append(In((asked.mailbox,)))
    elif asked.searchable:
        parts += [In(tuple(box.id for box in mailboxes if box.special_use not in _AWAY))]
    if asked.searchable:
        parts.append(kept)
    if asked.id and (asked.mailbox is not None or asked.searchable):
        parts.append(Uids(parse_selection(asked.id, "id").ranges))
    if asked.thread is not None:
        parts.append(Thread(asked.thread))
    if asked.datestart is not None or asked.dateend is not None:
        parts.append(Between("date", asked.datestart or 0, _MOST if asked.dateend is None else asked.dateend))
    if asked.minSize or asked.maxSize:
        parts.append(Between("size", asked.minSize or 0, asked.maxSize or _MOST))
    if asked.attachments:
        parts.append(Attached())
    if asked.flagged:
        parts.append(Flag("\\Flagged"))
    if asked.unseen:
        parts += [Not(Flag("\\Seen")), kept]
    either = [containing(asked.either[name], fields) for name, fields in _TEXTS.items() if asked.either.get(name)]
    if asked.either.get("query") and not asked.query:
        either.append(all_of(words_query(asked.either["query"]), kept))
    said = [part for part in either if part != ALL]
    return all_of(*parts, any_of(*said) if said else ALL)
