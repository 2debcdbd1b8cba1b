"""Drafts that answer or pass on a message: subject, recipients, references (RFC 5322 3.6.2-3.6.4) and quoting."""

import html as html_escape
import re
from collections.abc import Collection

from mailkit.mime.addresses import Mailbox, mailboxes
from mailkit.mime.attachments import Attachment
from mailkit.mime.compose import CONTENT_TYPE, Draft, File
from mailkit.mime.parse import Message
from mailkit.mime.sanitize import sanitize_html

__all__ = [
    "REFERENCES_LIMIT",
    "forward",
    "forward_subject",
    "quote_html",
    "quote_text",
    "reply",
    "reply_recipients",
    "reply_references",
    "reply_subject",
]

#: Identifiers in References: the first and the last ones (RFC 5322 knows no limit, header lines do).
REFERENCES_LIMIT = 50

# Identifiers that can be written again; a broken one is better left out than an answer refused.
_IDENTIFIER = re.compile(r"[!-;=?-~]{1,900}")
_PREFIXED = re.compile(r"\w{1,10}: ")


def reply_subject(subject: str) -> str:
    """`Re: ` before the subject unless it begins with such a word (`Re: `, `Fwd: `, `AW: `) already."""
    return subject if _PREFIXED.match(subject) else f"Re: {subject}".strip()


def forward_subject(subject: str) -> str:
    """`Fwd: ` before the subject unless it begins with such a word already."""
    return subject if _PREFIXED.match(subject) else f"Fwd: {subject}".strip()


def reply_references(message: Message) -> tuple[str, ...]:
    """The References of an answer: those of the message, else its In-Reply-To, and then its own id (3.6.4)."""
    envelope = message.envelope
    parents = envelope.references or (envelope.in_reply_to if len(envelope.in_reply_to) == 1 else ())
    chain = tuple(filter(_IDENTIFIER.fullmatch, dict.fromkeys((*parents, envelope.message_id))))
    return chain if len(chain) <= REFERENCES_LIMIT else chain[:1] + chain[1 - REFERENCES_LIMIT :]


def reply_recipients(
    message: Message, *, own: Collection[str], everyone: bool
) -> tuple[tuple[Mailbox, ...], tuple[Mailbox, ...]]:
    """(To, Cc) of an answer: Reply-To or From; for `everyone` also the other recipients. Never an `own` address twice.

    `own` are the addresses of whoever answers, in lower case. Answering oneself goes to whom one wrote (3.6.3).
    """
    envelope = message.envelope
    seen = {address.lower() for address in own}

    def fresh(found: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        kept = []
        for mailbox in found:
            key = mailbox.address.lower()
            if "@" in key and key not in seen:
                seen.add(key)
                kept.append(mailbox)
        return tuple(kept)

    authors = mailboxes(envelope.reply_to) or mailboxes(envelope.from_) or mailboxes(envelope.sender)
    to = fresh(authors)
    if not to:
        to = fresh(mailboxes(envelope.to)) or authors[:1]
    others = fresh((*mailboxes(envelope.to), *mailboxes(envelope.cc))) if everyone else ()
    return to, others


def _attribution(message: Message) -> str:
    author = next(iter(mailboxes(message.from_)), None)
    who = (author.name or author.address) if author else "somebody"
    when = message.date.strftime("On %Y-%m-%d %H:%M %z, ") if message.date else ""
    return f"{when}{who} wrote:"


def quote_text(text: str) -> str:
    """Every line behind ">" (RFC 3676 4.5: no space before a further quote mark)."""
    return "\n".join(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in text.splitlines())


def quote_html(source: str) -> str:
    """A sanitised `source` as a citation."""
    return f'<blockquote type="cite">{sanitize_html(source)}</blockquote>'


def reply(message: Message, *, own: Collection[str] = (), everyone: bool = False, quote: bool = True) -> Draft:
    """A draft that answers `message`. Its sender, id, date and the answer itself are the caller's to fill in."""
    to, cc = reply_recipients(message, own=own, everyone=everyone)
    lead = _attribution(message)
    html = "".join(message.html) if quote and message.has_html else ""
    return Draft(
        to=to,
        cc=cc,
        subject=reply_subject(message.subject),
        in_reply_to=tuple(filter(_IDENTIFIER.fullmatch, [message.message_id])),
        references=reply_references(message),
        text=f"\n\n{lead}\n{quote_text(message.text)}\n" if quote else "",
        html=f"<p></p><p>{html_escape.escape(lead)}</p>{quote_html(html)}" if html else "",
    )


def forward(message: Message) -> Draft:
    """A draft that passes on `message`: its head and text below a ruler, its files attached.

    To pass it on unchanged, attach `message.raw` as a `File` of type message/rfc822 instead.
    """
    shown = [
        (name, value) for name in ("From", "Date", "Subject", "To", "Cc") if (value := message.header(name))
    ]  # fmt: skip
    head = "\n".join(f"{name}: {value}" for name, value in shown)
    html_head = "<br/>".join(html_escape.escape(f"{name}: {value}") for name, value in shown)
    html = "".join(message.html) if message.has_html else ""
    return Draft(
        subject=forward_subject(message.subject),
        references=reply_references(message),
        text=f"\n\n---------- Forwarded message ----------\n{head}\n\n{message.text}\n",
        html=f"<p></p><p>---------- Forwarded message ----------</p><p>{html_head}</p>{_cid(message, html)}"
        if html
        else "",
        files=tuple(_file(message, attachment) for attachment in message.attachments),
    )


def _file(message: Message, attachment: Attachment) -> File:
    known = CONTENT_TYPE.fullmatch(attachment.content_type)
    return File(
        content=message.attachment_bytes(attachment),
        filename=attachment.shown_name,
        content_type=attachment.content_type if known else "application/octet-stream",
        content_id=_content_id(attachment),
    )


def _content_id(attachment: Attachment) -> str:
    bare = attachment.content_id.strip("<> ")
    return bare if _IDENTIFIER.fullmatch(bare) else ""


def _cid(message: Message, html: str) -> str:
    """Sanitised HTML whose links to attachments are `cid:` links again."""
    safe = sanitize_html(html)
    for attachment in message.attachments:
        content_id = _content_id(attachment)
        if content_id:
            safe = safe.replace(f"attachment:{attachment.id}", f"cid:{content_id}")
    return safe
