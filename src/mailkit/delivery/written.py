"""A message that a user writes, made whole: who it is from, what it answers, what goes with it.

The rules are WildDuck's (2.5, 3.10). Pure.
"""

from collections.abc import Collection, Sequence

from attrs import evolve, field, frozen

from mailkit.clock import to_datetime
from mailkit.mime.addresses import Address, Mailbox
from mailkit.mime.compose import CONTENT_TYPE, Draft, File, compose
from mailkit.mime.data_images import extract_data_images
from mailkit.mime.parse import Message
from mailkit.mime.reply import forward_subject, reply, reply_references

__all__ = ["REPLIES", "Referred", "Written", "whitelisted", "write"]

REPLIES = frozenset(("reply", "replyAll"))
"""What one does with a message that is answered; the other is `forward`."""


@frozen
class Referred:
    """The message that another one is about."""

    message: Message = field(repr=False)
    action: str
    """`reply`, `replyAll` or `forward`."""
    attachments: bool | tuple[str, ...] = False
    """Which of its attachments come along: all, none, or those with these ids. What is shown inside it never does."""


@frozen
class Written:
    """What somebody says of a message to be written. Empty: not said."""

    from_: Mailbox
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str | None = None
    text: str = ""
    html: str = ""
    files: tuple[File, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def write(
    said: Written, *, message_id: str, date: int, own: Collection[str] = (), about: Referred | None = None
) -> bytes:
    """The message. `own` are the writer's addresses in lower case: no answer goes to them. `date` in UTC ms.

    Raises Invalid naming what cannot be written.
    """
    html, images = extract_data_images(said.html, message_id.rpartition("@")[2] or "localhost")
    given = {name.lower() for name, _ in said.headers}
    draft = Draft(
        from_=() if "from" in given else (said.from_,),
        reply_to=said.reply_to,
        to=said.to,
        cc=said.cc,
        bcc=said.bcc,
        subject=said.subject or "",
        date=None if "date" in given else to_datetime(date),
        message_id="" if "message-id" in given else message_id,
        text=said.text,
        html=html,
        files=(*images, *said.files),
        headers=said.headers,
    )
    return compose(draft if about is None else _referring(draft, said, about, own, given))


def _referring(draft: Draft, said: Written, about: Referred, own: Collection[str], given: Collection[str]) -> Draft:
    """The draft with what follows from the message that it is about. What was said stays."""
    message = about.message
    draft = evolve(draft, references=() if "references" in given else reply_references(message))
    if about.action in REPLIES:
        answer = reply(message, own=own, everyone=about.action == "replyAll", quote=False)
        nobody = not (said.to or said.cc or said.bcc)
        draft = evolve(
            draft,
            to=answer.to if nobody else draft.to,
            cc=answer.cc if nobody else draft.cc,
            subject=answer.subject if said.subject is None else draft.subject,
            in_reply_to=() if "in-reply-to" in given else answer.in_reply_to,
        )
    elif said.subject is None:
        draft = evolve(draft, subject=forward_subject(message.subject))
    return evolve(draft, files=(*draft.files, *_attachments(about)))


def _attachments(about: Referred) -> tuple[File, ...]:
    wanted = about.attachments
    return tuple(
        File(
            content=about.message.attachment_bytes(item),
            filename=item.shown_name,
            content_type=item.content_type if CONTENT_TYPE.fullmatch(item.content_type) else "application/octet-stream",
            disposition="attachment",
        )
        for item in about.message.attachments
        if not item.related and (wanted is True or (isinstance(wanted, tuple) and item.id in wanted))
    )


def whitelisted(address: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern allows an address as sender: itself, `*part` for any that has the part in it, `start*`."""
    address = address.lower()
    for pattern in map(str.lower, patterns):
        if pattern.startswith("*"):
            if pattern[1:] in address:
                return True
        elif pattern.endswith("*"):
            if address.startswith(pattern[:-1]):
                return True
        elif pattern == address:
            return True
    return False
