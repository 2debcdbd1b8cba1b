"""What a message's row says about it, so that no list has to parse anything. Pure."""

from collections.abc import Iterable
from typing import Any

from mailkit.clock import to_ms
from mailkit.mailstore.records import Attachment, Correspondent
from mailkit.mime.addresses import Address, Group
from mailkit.mime.parameters import parse_parameters
from mailkit.mime.parse import Message

__all__ = ["MAX_CORRESPONDENTS", "describe"]

MAX_CORRESPONDENTS = 1_000
"""Addresses kept of one header; all of them are in the source."""

_SUBJECT = 2_048
_NAME = 1_024
_REFERENCES = 100
_ATTACHMENTS = 500
_PARAMETERS = 20


def describe(message: Message, idate: int) -> dict[str, Any]:
    """The fields of `records.Message` that come from the message. Long ones are cut: the source has the rest."""
    envelope = message.envelope
    date = envelope.date
    content_type, params = _content_type(message)
    return {
        "hdate": idate if date is None else max(0, to_ms(date)),
        "subject": envelope.subject[:_SUBJECT],
        "from_": _people(envelope.from_ or envelope.sender),
        "to": _people(envelope.to),
        "cc": _people(envelope.cc),
        "bcc": _people(envelope.bcc),
        "reply_to": _people(envelope.reply_to),
        "message_id": envelope.message_id[:_NAME],
        "references": tuple(text[:_NAME] for text in envelope.references[-_REFERENCES:]),
        "intro": message.preview,
        "content_type": content_type,
        "content_params": params,
        "attachments": tuple(
            Attachment(
                id=item.id,
                part=item.part,
                filename=item.shown_name[:_NAME],
                content_type=item.content_type[:_NAME],
                size=item.size,
                disposition=item.disposition[:_NAME] or None,
                encoding=item.encoding[:_NAME],
                cid=item.content_id[:_NAME] or None,
                related=item.related,
            )
            for item in message.attachments[:_ATTACHMENTS]
        ),
    }


def _content_type(message: Message) -> tuple[str, dict[str, str]]:
    parsed = parse_parameters(message.header("content-type"))
    params = {name[:_NAME]: text[:_NAME] for name, text in list(parsed.parameters.items())[:_PARAMETERS]}
    return parsed.value.lower()[:_NAME] or "text/plain", params


def _people(addresses: Iterable[Address]) -> tuple[Correspondent, ...]:
    found: list[Correspondent] = []
    for entry in addresses:
        if len(found) >= MAX_CORRESPONDENTS:
            break
        if isinstance(entry, Group):
            members = tuple(
                Correspondent(m.name[:_NAME], m.address[:_NAME]) for m in entry.members[:MAX_CORRESPONDENTS]
            )
            found.append(Correspondent(entry.name[:_NAME], "", members))
        else:
            found.append(Correspondent(entry.name[:_NAME], entry.address[:_NAME]))
    return tuple(found)
