"""`cid:` links (RFC 2392) in HTML and text, turned into links to attachments: `attachment:ATT00001`."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from mailkit.mime.attachments import Attachment

__all__ = ["link_attachments"]

_LINK = re.compile(r"\bcid:([^\s\"'<>)]{1,250})", re.IGNORECASE)


def link_attachments(source: str, attachments: Iterable[Attachment]) -> str:
    """`source` with the `cid:` links that name one of `attachments` rewritten; the others stay."""
    if "cid:" not in source.lower():
        return source
    ids: dict[str, str] = {}
    for attachment in attachments:
        if attachment.content_id:
            ids.setdefault(attachment.content_id.strip("<> \t"), attachment.id)

    def replace(link: re.Match[str]) -> str:
        target = ids.get(link[1]) or ids.get(unquote(link[1]))
        return f"attachment:{target}" if target else link[0]

    return _LINK.sub(replace, source)
