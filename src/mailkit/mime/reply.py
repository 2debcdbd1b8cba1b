"""Drafts that answer or pass on a message: subject, recipients, references (RFC 5322 3.6.2-3.6.4) and quoting."""

import html as html_escape
import re
from collections.abc import Collection

from mailkit.mime.addresses import Mailbox, mailboxes
from mailkit.mime.compose import Draft, File
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
    chain = tuple(dict.fromkeys((*parents, *((envelope.message_id,) if envelope.message_id else ()))))
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
    html = "".join(message.html) if quote else ""
    return Draft(
        to=to,
        cc=cc,
        subject=reply_subject(message.subject),
        in_reply_to=(message.message_id,) if message.message_id else (),
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
    html = "".join(message.html)
    return Draft(
        subject=forward_subject(message.subject),
        references=reply_references(message),
        text=f"\n\n---------- Forwarded message ----------\n{head}\n\n{message.text}\n",
        html=f"<p></p><p>---------- Forwarded message ----------</p><p>{html_head}</p>{_cid(message, html)}"
        if html
        else "",
        files=tuple(
            File(
                content=message.attachment_bytes(attachment),
                filename=attachment.shown_name,
                content_type=attachment.content_type,
                content_id=attachment.content_id or (f"{attachment.id}@forwarded" if attachment.related else ""),
            )
            for attachment in message.attachments
        ),
    )


def _cid(message: Message, html: str) -> str:
    """Sanitised HTML whose links to attachments are `cid:` links again."""
    safe = sanitize_html(html)
    for attachment in message.attachments:
        if attachment.content_id:
            safe = safe.replace(f"attachment:{attachment.id}", f"cid:{attachment.content_id.strip('<>')}")
    return safe
