"""What can be asked: a tree of conditions. Pure values; `match` says what they mean, the index answers them.

A message's words lie in fields, which have letters. Conditions look at all of them, or at some of the first six:

    s subject   f From   t To   c Cc   b Bcc   n attachment names   |   o other header fields   x text of the message
"""

from typing import Final

from attrs import field, frozen, validators

from mailkit.ids import Id
from mailkit.search.terms import wanted

__all__ = [
    "ALL",
    "ANY_FIELD",
    "ASKED",
    "FIELDS",
    "NOTHING",
    "All",
    "And",
    "Attached",
    "Between",
    "Flag",
    "In",
    "Not",
    "Nothing",
    "Or",
    "Query",
    "Text",
    "Thread",
    "Uids",
    "all_of",
    "any_of",
    "containing",
    "phrase",
]

FIELDS: Final = "sftcbnox"
"""Every field's letter, in the order in which documents have them."""

ASKED: Final = "sftcbn"
"""The fields that can be asked for by themselves."""

ANY_FIELD: Final = ""


@frozen
class All:
    """Every message."""


@frozen
class Nothing:
    """No message."""


@frozen
class And:
    """All of the parts hold."""

    parts: "tuple[Query, ...]"


@frozen
class Or:
    """At least one of the parts holds."""

    parts: "tuple[Query, ...]"


@frozen
class Not:
    """The part does not hold."""

    part: "Query"


@frozen
class Text:
    """Consecutive words within one of the fields (`ANY_FIELD`: of all). With `open_end` the last one may go on
    (a prefix), with `open_start` the first one may have begun earlier (what SQL calls `LIKE '%...%'` needs both)."""

    words: tuple[bytes, ...] = field(validator=validators.min_len(1))
    fields: str = field(default=ANY_FIELD, validator=validators.matches_re(f"[{ASKED}]*"))
    open_end: bool = False
    open_start: bool = False


@frozen
class Attached:
    """It has an attachment that is not part of its text's layout."""


@frozen
class Thread:
    """It belongs to this thread."""

    id: Id


@frozen
class Flag:
    """It has this flag: `\\\\Seen`, `\\\\Flagged` or `\\\\Deleted`."""

    name: str


@frozen
class In:
    """It lies in one of these mailboxes."""

    mailboxes: tuple[Id, ...]


@frozen
class Between:
    """`what` is "date" (internal date, ms) or "size" (bytes): from `least` to `most`, both included."""

    what: str
    least: int = 0
    most: int = (1 << 53) - 1


@frozen
class Uids:
    """Its UID lies in one of these ranges, both ends included."""

    ranges: tuple[tuple[int, int], ...]


Query = All | Nothing | And | Or | Not | Text | Attached | Thread | Flag | In | Between | Uids

ALL: Final = All()
NOTHING: Final = Nothing()


def all_of(*parts: Query) -> Query:
    """The parts, all of them, in the simplest form."""
    kept = [part for part in parts if part != ALL]
    if NOTHING in kept:
        return NOTHING
    return ALL if not kept else kept[0] if len(kept) == 1 else And(tuple(kept))


def any_of(*parts: Query) -> Query:
    """The parts, at least one of them, in the simplest form."""
    kept = [part for part in parts if part != NOTHING]
    if ALL in kept:
        return ALL
    return NOTHING if not kept else kept[0] if len(kept) == 1 else Or(tuple(kept))


def phrase(text: str, fields: str = ANY_FIELD, *, prefix: bool = False) -> Query:
    """The words of `text`, one after the other; ALL when there are none in it."""
    found = wanted(text)
    return Text(found.words, fields, open_end=found.open or prefix) if found.words else ALL


def containing(text: str, fields: str) -> Query:
    """The words of `text`, the first and the last of which may be parts of longer ones; ALL when there are none."""
    found = wanted(text)
    return Text(found.words, fields, open_end=True, open_start=True) if found.words else ALL
