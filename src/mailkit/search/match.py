"""What a query means, on one message. Pure, and the law: an index answers exactly what `matches` says.

Written to be read, not to be fast: the index does the same work over many messages with bitmaps.
"""

from mailkit.search.document import Document, Facts
from mailkit.search.query import (
    FIELDS,
    All,
    And,
    Attached,
    Between,
    Flag,
    In,
    Not,
    Nothing,
    Or,
    Query,
    Text,
    Thread,
    Uids,
)

__all__ = ["matches"]


def matches(query: Query, document: Document, facts: Facts) -> bool:
    """Whether the message is one that `query` asks for."""
    match query:
        case All():
            return True
        case Nothing():
            return False
        case And(parts):
            return all(matches(part, document, facts) for part in parts)
        case Or(parts):
            return any(matches(part, document, facts) for part in parts)
        case Not(part):
            return not matches(part, document, facts)
        case Text():
            looked_at = query.fields or FIELDS
            return any(
                _occurs(query, words)
                for letter, words in zip(FIELDS, document.fields, strict=True)
                if letter in looked_at
            )
        case Attached():
            return document.attached
        case Thread(id):
            return facts.thread == id
        case Flag(name):
            return name in facts.flags
        case In(mailboxes):
            return facts.mailbox in mailboxes
        case Between(what, least, most):
            return least <= (facts.date if what == "date" else facts.size) <= most
        case Uids(ranges):
            return any(first <= facts.uid <= last for first, last in ranges)


def _occurs(text: Text, words: tuple[bytes, ...]) -> bool:
    """Whether the words occur, one after the other, somewhere in a field."""
    count = len(text.words)
    return any(
        all(_fits(text, at, words[start + at]) for at in range(count)) for start in range(len(words) - count + 1)
    )


def _fits(text: Text, at: int, word: bytes) -> bool:
    """Whether a message's word is the query's word number `at`."""
    wanted = text.words[at]
    may_begin_earlier = text.open_start and at == 0
    may_go_on = text.open_end and at == len(text.words) - 1
    if may_begin_earlier and may_go_on:
        return wanted in word
    if may_begin_earlier:
        return word.endswith(wanted)
    return word.startswith(wanted) if may_go_on else word == wanted
