"""What a search in the archive means. Pure.

Everything that is given must hold. Texts are looked for anywhere, whatever their case (Unicode folding).
"""

from attrs import frozen

from mailkit.ids import Id
from mailkit.mailstore.records import Archived, Correspondent, Message

__all__ = ["Wanted", "matches_facts", "matches_text"]


@frozen
class Wanted:
    """What is looked for; None and empty texts ask for nothing."""

    sender: str = ""
    subject: str = ""
    mailbox: Id | str | None = None
    """The mailbox it was deleted from, by id or by the path it had."""
    text: str = ""
    """In the subject, the names and addresses, the names of attachments, or the message's text."""
    since: int | None = None
    """Deleted then or later, UTC milliseconds."""
    before: int | None = None
    """Deleted before then."""


def matches_facts(archived: Archived, row: Message, wanted: Wanted) -> bool:
    """Whether everything but the text holds."""
    if wanted.since is not None and archived.deleted < wanted.since:
        return False
    if wanted.before is not None and archived.deleted >= wanted.before:
        return False
    if isinstance(wanted.mailbox, str) and archived.path != wanted.mailbox:
        return False
    if isinstance(wanted.mailbox, bytes) and archived.mailbox != wanted.mailbox:
        return False
    if wanted.subject and not _within(wanted.subject, (row.subject,)):
        return False
    return not wanted.sender or _within(wanted.sender, _people(row.from_))


def matches_text(row: Message, body: str, wanted: Wanted) -> bool:
    """Whether the text is somewhere in the message; `body` is its plain text."""
    people = [text for who in (row.from_, row.to, row.cc, row.bcc) for text in _people(who)]
    return _within(wanted.text, (row.subject, *people, *(item.filename for item in row.attachments), body))


def _people(found: tuple[Correspondent, ...]) -> list[str]:
    plain = [member for who in found for member in ((who,) if who.members is None else who.members)]
    return [f"{who.name} <{who.address}>" for who in plain]


def _within(needle: str, texts: tuple[str, ...] | list[str]) -> bool:
    return any(needle.casefold() in text.casefold() for text in texts)
